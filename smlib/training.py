"""Small networks, gradient descent, and a record of what happened on the way.

A `Network` is layers of weights and biases with logistic hidden units and one
of the lecture's 2 × 2 at the end: logistic or softmax outputs, squared error
or cross-entropy. The gradient at the logits comes from `smlib.costs`;
everything below it is the chain rule, layer by layer.
"""

from dataclasses import dataclass
from operator import index

import numpy as np

from smlib.costs import (
    cross_entropy_value_and_grad,
    logistic_cross_entropy_value_and_grad,
    squared_error_value_and_grad,
)
from smlib.outputs import logistic, softmax

__all__ = ["Network", "History", "train"]

OUTPUTS = ("logistic", "softmax")
COSTS = ("squared-error", "cross-entropy")
HIDDEN = ("logistic",)


class Network:
    """Layers of units, fully connected, ending in a choice of output and cost.

    Layer l turns its input h into h W + b; a hidden layer then takes the
    logistic of it, and the last layer's h W + b are the logits z. Each weight starts
    as a normal number divided by √(inputs of its unit), each bias as 0.

    Parameters
    ----------
    sizes : sequence of int
        Units in each layer, from the inputs to the outputs: (64, 10) has no
        hidden layer, (64, 32, 10) has one.
    output : {"logistic", "softmax"}
        Independent logistic units, or one softmax over all of them.
    cost : {"squared-error", "cross-entropy"}
        Of one case, added over its outputs. With logistic outputs,
        cross-entropy is the sum of the units' own.
    rng : numpy.random.Generator
        Draws the weights: the same seed gives the same network.
    hidden : {"logistic"}
        What the hidden units compute.

    Attributes
    ----------
    weights : list of ndarray, shapes (inputs, units)
        One array a layer; yours to look at and to change. Column i of the last one
        belongs to output i.
    biases : list of ndarray, shapes (units,)
        One array a layer.

    Raises
    ------
    TypeError
        If `rng` is not a Generator or a size is not an integer.
    ValueError
        If `sizes`, `output`, `cost` or `hidden` is none of the above.

    Examples
    --------
    >>> network = Network((2, 3), output="softmax", cost="cross-entropy",
    ...                   rng=np.random.default_rng(0))
    >>> network.outputs([[0.0, 0.0]])
    array([[0.33333333, 0.33333333, 0.33333333]])
    """

    def __init__(self, sizes, *, output, cost, rng, hidden="logistic"):
        self.sizes = _sizes(sizes)
        self.output = _choice("output", output, OUTPUTS)
        self.cost = _choice("cost", cost, COSTS)
        self.hidden = _choice("hidden", hidden, HIDDEN)
        if output == "softmax" and self.sizes[-1] == 1:
            raise ValueError(
                f"sizes = {self.sizes} ends in one unit, and a softmax over one class is "
                'always 1: give it 2 classes, or choose output = "logistic"'
            )
        _generator(rng)
        shapes = list(zip(self.sizes, self.sizes[1:]))
        self.weights = [rng.standard_normal(shape) / np.sqrt(shape[0]) for shape in shapes]
        self.biases = [np.zeros(units) for _, units in shapes]

    def logits(self, x):
        """The logits z = h W + b of the last layer, one row a case; h is `x`, or the hidden outputs below.

        Parameters
        ----------
        x : array_like, shape (N, sizes[0])

        Returns
        -------
        ndarray, shape (N, sizes[-1])
        """
        return self._forward(_inputs(x, self))[-1]

    def outputs(self, x):
        """The outputs y: the logistic or the softmax of the logits.

        Parameters
        ----------
        x : array_like, shape (N, sizes[0])

        Returns
        -------
        ndarray, shape (N, sizes[-1])
        """
        return self._output_of(self.logits(x))

    def right(self, x, t):
        """Which cases the network gets right: the largest output is the target's.

        A single logistic unit is right when it is on the target's side of ½.

        Parameters
        ----------
        x : array_like, shape (N, sizes[0])
        t : array_like
            Targets, as in `value_and_grad`.

        Returns
        -------
        ndarray of bool, shape (N,)
        """
        x = _inputs(x, self)
        return self._right(self._forward(x)[-1], _targets(t, len(x), self))

    def value_and_grad(self, x, t):
        """The mean cost of the cases, and its gradient.

        Parameters
        ----------
        x : array_like, shape (N, sizes[0])
            One case a row.
        t : array_like
            Class indices of shape (N,), or targets of the outputs' shape (N, sizes[-1]).

        Returns
        -------
        C : float
            Mean over the cases.
        gradient : list of (ndarray, ndarray)
            For each layer ∂C/∂W and ∂C/∂b, in the order and shapes of
            `weights` and `biases`.
        """
        x = _inputs(x, self)
        return self._value_and_grad(x, _targets(t, len(x), self))[:2]

    def _forward(self, x):
        """The input of every layer, then the logits."""
        layers = [x]
        for W, b in zip(self.weights, self.biases):
            layers.append(layers[-1] @ W + b)
            if len(layers) <= len(self.weights):
                layers[-1] = logistic(layers[-1])
        return layers

    def _value_and_grad(self, x, t):
        *inputs, z = self._forward(x)
        C, dz = self._cost_at_logits(z, t)
        gradient = []
        for h, W in zip(reversed(inputs), reversed(self.weights)):
            gradient.append((h.T @ dz, dz.sum(axis=0)))
            if h is not x:
                dz = (dz @ W.T) * h * (1 - h)
        return C, gradient[::-1], z

    def _cost_at_logits(self, z, t):
        if self.cost == "squared-error":
            return squared_error_value_and_grad(z, _one_hot(t, z), output=self.output)
        if self.output == "softmax":
            return cross_entropy_value_and_grad(z, t)
        return logistic_cross_entropy_value_and_grad(z, _one_hot(t, z))

    def _output_of(self, z):
        return softmax(z) if self.output == "softmax" else logistic(z)

    def _right(self, z, t):
        if z.shape[1] == 1:
            return (z[:, 0] > 0) == (_one_hot(t, z)[:, 0] > 0.5)
        return z.argmax(axis=1) == (t if t.ndim == 1 else t.argmax(axis=1))

    def _step(self, gradient, learning_rate):
        for W, b, (dW, db) in zip(self.weights, self.biases, gradient):
            W -= learning_rate * dW
            b -= learning_rate * db


@dataclass(frozen=True)
class History:
    """What `train` saw: one entry, or row, for each of the R recorded steps.

    Attributes
    ----------
    step : ndarray of int, shape (R,)
        Updates made so far: the first entry is 0, the untrained network.
    cost : ndarray, shape (R,)
        Mean cost of the training cases.
    accuracy : ndarray, shape (R,)
        Share of the training cases that the network gets right.
    held_out_cost, held_out_accuracy : ndarray, shape (R,), or None
        The same of the held-out cases; None without any.
    gradient_norm : ndarray, shape (R, layers)
        Euclidean length of each layer's gradient (weights and biases together) on
        all training cases.
    outputs : ndarray, shape (R, watched cases, classes)
        The network's outputs for the watched cases.
    """

    step: np.ndarray
    cost: np.ndarray
    accuracy: np.ndarray
    held_out_cost: np.ndarray | None
    held_out_accuracy: np.ndarray | None
    gradient_norm: np.ndarray
    outputs: np.ndarray


def train(
    network, x, t, *, steps, learning_rate, batch_size=None, rng=None,
    record_every=1, watch=(), held_out=None, progress=None,
):
    """Train `network` in place by gradient descent, and return what happened.

    Each step subtracts learning_rate times the gradient of the mean cost of
    one batch. All cases are one batch, or each pass over them is
    shuffled and cut into batches, of which the last may be smaller.

    Parameters
    ----------
    network : Network
        Its weights and biases are changed.
    x : array_like, shape (N, inputs)
        The training cases, one a row.
    t : array_like
        Class indices of shape (N,), or targets of shape (N, outputs).
    steps : int
        Number of updates.
    learning_rate : float
        Step length, per unit of gradient.
    batch_size : int, optional
        Cases per update; all of them by default.
    rng : numpy.random.Generator, optional
        Shuffles the cases; needed with `batch_size`.
    record_every : int
        Record steps 0, record_every, 2·record_every …, and the last.
    watch : sequence of int
        Rows of `x` whose outputs are recorded.
    held_out : tuple (x, t), optional
        Cases that are measured, never trained on.
    progress : callable, optional
        Wraps the iterator of the steps, as tqdm does.

    Returns
    -------
    History
        Arrays of the recorded steps.

    Raises
    ------
    TypeError, ValueError
        With the argument's name, its value and a cure.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> network = Network((1, 2), output="softmax", cost="cross-entropy", rng=rng)
    >>> history = train(network, [[-1.0], [1.0]], [0, 1], steps=100, learning_rate=1.0)
    >>> print(f"{history.cost[-1]:.3f}", history.accuracy[-1])
    0.005 1.0
    """
    x = _inputs(x, network)
    t = _targets(t, len(x), network)
    steps = _whole("steps", steps, least=0)
    record_every = _whole("record_every", record_every, least=1)
    if np.ndim(learning_rate) or np.asarray(learning_rate).dtype.kind not in "iuf":
        raise TypeError(f"learning_rate = {learning_rate!r}: give a number")
    if not 0 < learning_rate < np.inf:
        raise ValueError(f"learning_rate = {learning_rate!r}: give a positive, finite number")
    watched = _watched(watch, x)
    if held_out is not None:
        held_out = _held_out(held_out, network)
    batches = _batches(len(x), batch_size, rng)

    rows = []

    def record(step):
        C, gradient, z = network._value_and_grad(x, t)
        rows.append((
            step, C, network._right(z, t).mean(), *_measure(network, held_out),
            [np.sqrt((dW**2).sum() + (db**2).sum()) for dW, db in gradient],
            network.outputs(watched),
        ))
        return gradient

    for step in (progress or iter)(range(steps)):
        batch = next(batches)
        gradient = record(step) if step % record_every == 0 else None
        if gradient is None or batch_size is not None:
            gradient = network._value_and_grad(x[batch], t[batch])[1]
        network._step(gradient, learning_rate)
    record(steps)
    columns = [np.array(column) for column in zip(*rows)]
    if held_out is None:
        columns[3:5] = None, None
    return History(*columns)


def _batches(n, batch_size, rng):
    """Index the rows of one batch after another, without end."""
    if batch_size is None:
        return _forever_all()
    batch_size = _whole("batch_size", batch_size, least=1)
    if batch_size > n:
        raise ValueError(f"batch_size = {batch_size} is more than the {n} cases of x")
    _generator(rng)
    return _forever_shuffled(n, batch_size, rng)


def _forever_all():
    while True:
        yield slice(None)


def _forever_shuffled(n, batch_size, rng):
    while True:
        order = rng.permutation(n)
        for start in range(0, n, batch_size):
            yield order[start : start + batch_size]


def _measure(network, cases):
    """Mean cost and accuracy of cases that are not trained on."""
    if cases is None:
        return None, None
    x, t = cases
    z = network._forward(x)[-1]
    return network._cost_at_logits(z, t)[0], network._right(z, t).mean()


def _one_hot(t, z):
    """Class indices as rows of 0 and 1; targets of the outputs' shape as they are."""
    return np.eye(z.shape[1])[t] if t.ndim == 1 else t


def _sizes(sizes):
    try:
        sizes = tuple(index(size) for size in sizes)
    except TypeError:
        raise TypeError(f"sizes = {sizes!r}: give integers, such as (64, 10)") from None
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(
            f"sizes = {sizes}: give two or more layers of at least one unit, such as (64, 10)"
        )
    return sizes


def _choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} = {value!r}: choose one of {', '.join(map(repr, choices))}")
    return value


def _generator(rng):
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng = {rng!r}: give a generator, such as numpy.random.default_rng(0)")


def _whole(name, value, *, least):
    try:
        whole = index(value)
    except TypeError:
        raise TypeError(f"{name} = {value!r}: give an integer") from None
    if whole < least:
        raise ValueError(f"{name} = {whole}: give {least} or more")
    return whole


def _inputs(x, network, name="x"):
    x = np.asarray(x)
    if x.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {x.dtype}: give real numbers")
    x = x.astype(float, copy=False)
    if x.ndim != 2 or x.shape[1] != network.sizes[0]:
        raise ValueError(
            f"{name} has shape {x.shape}: the network takes (cases, {network.sizes[0]}), "
            "one case a row"
        )
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(f"{name}[{row}, {column}] = {x[row, column]}: give finite numbers")
    return x


def _targets(t, n, network, name="t"):
    t, classes = np.asarray(t), network.sizes[-1]
    if t.shape == (n, classes):
        if t.dtype.kind not in "biuf":
            raise TypeError(f"{name} has dtype {t.dtype}: give targets as numbers from 0 to 1")
        t = t.astype(float)
        outside = ~((t >= 0) & (t <= 1))
        if outside.any():
            row, unit = np.argwhere(outside)[0]
            raise ValueError(f"{name}[{row}, {unit}] = {t[row, unit]}: give targets from 0 to 1")
        return t
    if t.shape != (n,):
        raise ValueError(
            f"{name} has shape {t.shape}: for {n} cases give class indices of shape ({n},) "
            f"or targets of shape ({n}, {classes})"
        )
    if t.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {t.dtype}: class indices are integers")
    outside = (t < 0) | (t >= classes)
    if outside.any():
        case = outside.argmax()
        raise ValueError(
            f"{name}[{case}] = {t[case]} is not a class index: the network has outputs 0 to "
            f"{classes - 1} (targets that are no classes have shape ({n}, {classes}))"
        )
    return t


def _watched(watch, x):
    """The rows of `x` to watch."""
    rows = np.array([_whole("watch", row, least=0) for row in watch], dtype=int)
    if rows.size and rows.max() >= len(x):
        raise ValueError(f"watch = {rows.max()} is not a row of x, which has {len(x)} rows")
    return x[rows]


def _held_out(held_out, network):
    if not isinstance(held_out, tuple) or len(held_out) != 2:
        raise ValueError("held_out is not a pair: give a tuple (x, t)")
    x = _inputs(held_out[0], network, "held_out[0]")
    return x, _targets(held_out[1], len(x), network, "held_out[1]")
