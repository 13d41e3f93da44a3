"""Small networks, gradient descent, and a record of the training.

A `Network` has layers of weights and biases with logistic hidden units, and ends in one of the
lecture's 2 × 2 combinations: logistic or softmax outputs, squared error or cross-entropy. The
gradient at the logits comes from `smlib.costs`. The chain rule takes it down through the layers.
"""

from dataclasses import dataclass
from itertools import chain, repeat
from operator import index

import numpy as np

from smlib import _checks, _kernels
from smlib.costs import (
    cross_entropy_value_and_grad,
    logistic_cross_entropy_value_and_grad,
    squared_error_value_and_grad,
)
from smlib.outputs import logistic, softmax

__all__ = ["Network", "History", "train"]

OUTPUTS = ("logistic", "softmax")
COSTS = ("squared-error", "cross-entropy")


class Network:
    """A feed-forward network with logistic hidden units and a choice of output and cost.

    A layer turns its input h into h W + b. A hidden layer applies the logistic function to it;
    in the last layer it is the logits z. Each weight starts as a standard normal number divided by
    √(number of inputs of its unit), and each bias as 0.

    Parameters
    ----------
    sizes : sequence of int or tuple of int
        Units in each layer, from the inputs to the outputs: (64, 10) has no hidden layer,
        (64, 32, 10) has one. A tuple is a layer in groups. Between two tuples, each group feeds
        only the group at the same position; otherwise every unit feeds every unit. In
        ((24, 12), (6, 6), 12), the first 24 inputs feed 6 units of their own, the other 12 inputs
        feed the other 6, and all 12 of those feed the 12 units above.
    output : {"logistic", "softmax"}
        Independent logistic units, or one softmax over all of them.
    cost : {"squared-error", "cross-entropy"}
        The cost of one case, summed over its outputs. With logistic outputs, cross-entropy is
        the sum over independent units.
    rng : numpy.random.Generator
        Generator of the initial weights: the same seed gives the same network.

    Attributes
    ----------
    weights : list of ndarray, shapes (inputs, units)
        One array per layer, which you may change. Column i of the last one belongs to output i.
        Entries from one group to another are 0 and are not trained.
    biases : list of ndarray, shapes (units,)
        One array per layer.

    Raises
    ------
    TypeError
        If `sizes` does not hold integers or tuples of integers.
        If `rng` is not a Generator.
    ValueError
        If `sizes` has fewer than two layers, or a layer or a group without units.
        If two consecutive tuples in `sizes` differ in length.
        If `output` or `cost` is unknown.
        If a softmax has only one output.
    TypeError, ValueError
        From every method, if `x` or `t` does not fit the description there. The message names
        the argument and says what it must be.

    Examples
    --------
    >>> network = Network((2, 3), output="softmax", cost="cross-entropy",
    ...                   rng=np.random.default_rng(0))
    >>> network.outputs([[0.0, 0.0]])
    array([[0.33333333, 0.33333333, 0.33333333]])
    >>> grouped = Network(((2, 1), (1, 1), 3), output="softmax", cost="cross-entropy",
    ...                   rng=np.random.default_rng(0))
    >>> grouped.weights[0] != 0
    array([[ True, False],
           [ True, False],
           [False,  True]])
    """

    def __init__(self, sizes, *, output, cost, rng):
        self.sizes = _sizes(sizes)
        _checks.check_choice(output, "output", OUTPUTS)
        _checks.check_choice(cost, "cost", COSTS)
        self.output, self.cost = output, cost
        if output == "softmax" and np.sum(self.sizes[-1]) == 1:
            raise ValueError(
                f"sizes = {self.sizes} ends in one unit, and a softmax over one class is "
                'always 1: give it 2 classes, or choose output = "logistic"'
            )
        _generator(rng)
        connected = [_connected(*pair) for pair in zip(self.sizes, self.sizes[1:])]
        self.weights = [np.where(c, rng.standard_normal(c.shape) / np.sqrt(c.sum(axis=0)), 0) for c in connected]
        self.biases = [np.zeros(W.shape[1]) for W in self.weights]
        self._absent = [np.nonzero(~c) for c in connected]

    def logits(self, x):
        """Return the logits z = h W + b of the last layer, one row per case.

        Here h is the output of the last hidden layer, or `x` if there is none.

        Parameters
        ----------
        x : array_like, shape (N, inputs)

        Returns
        -------
        ndarray, shape (N, outputs)
        """
        return self._forward(_inputs(x, self))[0]

    def outputs(self, x):
        """Return the outputs y: the logistic function or the softmax of the logits.

        Parameters
        ----------
        x : array_like, shape (N, inputs)

        Returns
        -------
        ndarray, shape (N, outputs)
        """
        return self._output_of(self.logits(x))

    def layers(self, x):
        """Return the activities of every layer: the inputs x, each hidden layer's, and the outputs y.

        Parameters
        ----------
        x : array_like, shape (N, inputs)

        Returns
        -------
        list of ndarray, shapes (N, units)
            One array for each of the `sizes`.
        """
        z, inputs, _ = self._forward(_inputs(x, self))
        return [*inputs, self._output_of(z)]

    def right(self, x, t):
        """Return True for each case that the network gets right: its largest output has the largest target.

        If several targets are the largest, any of them is right. A single logistic unit is right when
        its output is on the same side of ½ as the target.

        Parameters
        ----------
        x : array_like, shape (N, inputs)
        t : array_like
            Targets, as in `value_and_grad`.

        Returns
        -------
        ndarray of bool, shape (N,)
        """
        x = _inputs(x, self)
        return self._right(self._forward(x)[0], _targets(t, len(x), self))

    def value_and_grad(self, x, t):
        """Return the mean cost of the cases, and its gradient.

        Parameters
        ----------
        x : array_like, shape (N, inputs)
            One case per row; N must be at least 1.
        t : array_like
            Class indices of shape (N,), or targets of shape (N, outputs), the shape of the outputs.

        Returns
        -------
        C : float
            Mean over the cases.
        gradient : list of (ndarray, ndarray)
            For each layer ∂C/∂W and ∂C/∂b, in the order and shapes of
            `weights` and `biases`.
        """
        x = _some(_inputs(x, self))
        return self._value_and_grad(x, _targets(t, len(x), self))[:2]

    def _forward(self, x):
        """Return the logits, the input h of every layer, and the complement 1 − h of each hidden one."""
        inputs, complements = [x], []
        for W, b in zip(self.weights[:-1], self.biases):
            h, complement = _logistic_and_complement(inputs[-1] @ W + b)
            inputs.append(h)
            complements.append(complement)
        return inputs[-1] @ self.weights[-1] + self.biases[-1], inputs, complements

    def _value_and_grad(self, x, t):
        """Return the mean cost of checked cases, its gradient, and the logits."""
        z, inputs, complements = self._forward(x)
        C, dz = self._cost_at_logits(z, t)
        gradient = []
        for h, W, absent in zip(*map(reversed, (inputs, self.weights, self._absent))):
            dW = h.T @ dz
            dW[absent] = 0
            gradient.append((dW, dz.sum(axis=0)))
            if h is not x:
                dz = (dz @ W.T) * h * complements.pop()
        return C, gradient[::-1], z

    def _cost_at_logits(self, z, t):
        """Return the mean cost and its derivative with respect to the logits."""
        if self.cost == "squared-error":
            return squared_error_value_and_grad(z, _one_hot(t, z), output=self.output)
        if self.output == "softmax":
            return cross_entropy_value_and_grad(z, t)
        return logistic_cross_entropy_value_and_grad(z, _one_hot(t, z))

    def _output_of(self, z):
        """Return the outputs for the logits `z`."""
        return softmax(z) if self.output == "softmax" else logistic(z)

    def _right(self, z, t):
        """Return True for each case that the logits `z` get right."""
        if z.shape[1] == 1:
            return (z[:, 0] > 0) == (_one_hot(t, z)[:, 0] > 0.5)
        answer = z.argmax(axis=1)
        return answer == t if t.ndim == 1 else t[np.arange(len(t)), answer] == t.max(axis=1)


@dataclass(frozen=True)
class History:
    """Record of a training run: one entry, or row, for each of the R recorded steps.

    Attributes
    ----------
    step : ndarray of int, shape (R,)
        Number of updates so far. The first entry is 0, the network before training.
    cost : ndarray, shape (R,)
        Mean cost of the training cases.
    accuracy : ndarray, shape (R,)
        Fraction of the training cases that the network gets right.
    held_out_cost, held_out_accuracy : ndarray, shape (R,), or None
        The same for the held-out cases, or None without any.
    gradient_norm : ndarray, shape (R, layers)
        Euclidean norm of each layer's gradient, weights and biases together, on all training
        cases.
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
    network,
    x,
    t,
    *,
    steps,
    learning_rate,
    batch_size=None,
    rng=None,
    record_every=1,
    watch=(),
    held_out=None,
    progress=None,
    momentum=0.0,
    weight_decay=0.0,
    patience=None,
):
    """Train `network` in place by gradient descent, and return a record of the training.

    Each step is v ← momentum · v − learning_rate · (∂C/∂W + weight_decay · W), then
    W ← W + v, where C is the mean cost of one batch and v starts at 0. Biases follow the same
    rule without the decay. By default all cases form one batch. With `batch_size`, each pass over
    the cases shuffles them and splits them into batches, the last of which may be smaller.

    Parameters
    ----------
    network : Network
        The network to train. Its weights and biases are changed.
    x : array_like, shape (N, inputs)
        The training cases, one per row.
    t : array_like
        Class indices of shape (N,), or targets of shape (N, outputs).
    steps : int
        Number of updates.
    learning_rate : float
        Length of a step per unit of gradient.
    batch_size : int, optional
        Number of cases per update. By default, all of them.
    rng : numpy.random.Generator, optional
        Generator that shuffles the cases. It is required with `batch_size`.
    record_every : int
        Record the steps 0, record_every, 2 · record_every, …, and the last.
    watch : sequence of int
        Rows of `x` whose outputs are recorded.
    held_out : tuple (x, t), optional
        Cases to measure but not to train on.
    progress : callable, optional
        Function that wraps the iterator of the steps, such as tqdm.
    momentum : float
        Fraction of a step that the next one keeps: at least 0, less than 1.
    weight_decay : float
        Strength of the pull of the weights toward 0. It is the gradient of weight_decay · ΣW²/2,
        a term that the recorded costs leave out.
    patience : int, optional
        Stop after this many records in a row without a new least held-out cost. Whether or not the
        training stops early, the network ends with the weights and biases of the least held-out
        cost, at the record ``history.held_out_cost.argmin()``. It requires `held_out`.

    Returns
    -------
    History
        Arrays of the recorded steps.

    Raises
    ------
    TypeError
        If `x`, `t` or an array of `held_out` has a wrong dtype.
        If `steps`, `record_every`, `batch_size`, `patience` or a row of `watch` is not an integer.
        If `learning_rate`, `momentum` or `weight_decay` is not a number.
        If `batch_size` is given and `rng` is not a Generator.
    ValueError
        If `x`, `t` or `held_out` has a wrong shape, a value out of range, or no cases.
        If `x` or an input of `held_out` is not finite.
        If a number is out of range, or `batch_size` or a row of `watch` exceeds the cases.
        If `patience` is given without `held_out`.

    Notes
    -----
    The momentum is that of D. E. Rumelhart, G. E. Hinton and R. J. Williams, *Learning
    representations by back-propagating errors*, Nature 323 (1986).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> network = Network((1, 2), output="softmax", cost="cross-entropy", rng=rng)
    >>> history = train(network, [[-1.0], [1.0]], [0, 1], steps=100, learning_rate=1.0)
    >>> print(f"{history.cost[-1]:.3f}", history.accuracy[-1])
    0.005 1.0
    """
    x = _some(_inputs(x, network))
    t = _targets(t, len(x), network)
    steps = _checks.whole(steps, "steps", least=0)
    record_every = _checks.whole(record_every, "record_every", least=1)
    _number("learning_rate", learning_rate, lambda v: 0 < v < np.inf, "a positive, finite number")
    _number("momentum", momentum, lambda v: 0 <= v < 1, "a number from 0 to below 1")
    _number("weight_decay", weight_decay, lambda v: 0 <= v < np.inf, "a finite number, 0 or more")
    watched = _watched(watch, x)
    if held_out is not None:
        held_out = _held_out(held_out, network)
    if patience is not None:
        patience = _checks.whole(patience, "patience", least=1)
        if held_out is None:
            raise ValueError(f"patience = {patience} needs held-out cases: give held_out = (x, t)")
    batches = _batches(len(x), batch_size, rng)
    parameters = [*chain(*zip(network.weights, network.biases))]
    decays = [weight_decay, 0.0] * len(network.weights)
    velocities = [np.zeros_like(parameter) for parameter in parameters]
    recorder = _Recorder(network, parameters, x, t, watched, held_out, patience)
    for step, batch in zip((progress or iter)(range(steps)), batches):
        gradient = recorder.record(step) if step % record_every == 0 else None
        if recorder.out_of_patience():
            break
        if gradient is None or batch_size is not None:
            gradient = network._value_and_grad(x[batch], t[batch])[1]
        for parameter, v, slope, decay in zip(parameters, velocities, chain(*gradient), decays):
            if decay:
                slope = slope + decay * parameter
            v *= momentum
            v -= learning_rate * slope
            parameter += v
    if not recorder.out_of_patience():
        recorder.record(steps)
    return recorder.finish()


class _Recorder:
    """Records of a network in training and, with `patience`, its parameters at the least held-out cost."""

    def __init__(self, network, parameters, x, t, watched, held_out, patience):
        self.network, self.parameters, self.x, self.t = network, parameters, x, t
        self.watched, self.held_out, self.patience = watched, held_out, patience
        self.rows, self.best, self.least, self.waited = [], [], np.inf, 0

    def record(self, step):
        """Append a record of the network after `step` updates; return its gradient on all cases."""
        C, gradient, z = self.network._value_and_grad(self.x, self.t)
        row = {"step": step, "cost": C, "accuracy": self.network._right(z, self.t).mean()}
        row["gradient_norm"] = [np.sqrt((dW**2).sum() + (db**2).sum()) for dW, db in gradient]
        row["outputs"] = self.network.outputs(self.watched)
        if self.held_out is not None:
            x, t = self.held_out
            z = self.network._forward(x)[0]
            row["held_out_cost"] = self.network._cost_at_logits(z, t)[0]
            row["held_out_accuracy"] = self.network._right(z, t).mean()
        self.rows.append(row)
        self.waited += 1
        if self.patience is not None and row["held_out_cost"] < self.least:
            self.least, self.best, self.waited = row["held_out_cost"], [p.copy() for p in self.parameters], 0
        return gradient

    def out_of_patience(self):
        """Return True after `patience` records in a row without a new least held-out cost."""
        return self.patience is not None and self.waited == self.patience

    def finish(self):
        """Restore the parameters of the least held-out cost, if they were kept, and return the History."""
        for parameter, kept in zip(self.parameters, self.best):
            parameter[...] = kept
        columns = {name: np.array([row[name] for row in self.rows]) for name in self.rows[0]}
        return History(**{"held_out_cost": None, "held_out_accuracy": None} | columns)


def _batches(n, batch_size, rng):
    """Return an endless iterator that yields the rows of one batch after another."""
    if batch_size is None:
        return repeat(slice(None))
    batch_size = _checks.whole(batch_size, "batch_size", least=1)
    if batch_size > n:
        raise ValueError(f"batch_size = {batch_size} is more than the {n} cases of x")
    _generator(rng)
    return _shuffled(n, batch_size, rng)


def _shuffled(n, batch_size, rng):
    """Yield the rows of batches, shuffled again in each pass, without end."""
    while True:
        order = rng.permutation(n)
        for start in range(0, n, batch_size):
            yield order[start : start + batch_size]


def _logistic_and_complement(z):
    """Return h = logistic(z), and 1 − h with digits of its own: near h = 1, the difference has none left."""
    z, _ = _checks.real(z, "z")
    with np.errstate(all="ignore"):
        return _kernels.logistic_and_complement(z)


def _one_hot(t, z):
    """Return class indices as rows of 0 and 1, and targets of the outputs' shape unchanged."""
    return np.eye(z.shape[1])[t] if t.ndim == 1 else t


def _sizes(sizes):
    """Return `sizes` as a tuple of ints and tuples of ints; raise if they describe no network."""
    try:
        sizes = tuple(tuple(map(index, size)) if isinstance(size, tuple) else index(size) for size in sizes)
    except TypeError:
        raise TypeError(f"sizes = {sizes!r}: it must hold integers, such as (64, 10), or tuples of them") from None
    if len(sizes) < 2 or not all(np.size(size) and np.min(size) > 0 for size in sizes):
        raise ValueError(f"sizes = {sizes}: it must have two or more layers of at least one unit, such as (64, 10)")
    for below, above in zip(sizes, sizes[1:]):
        if np.ndim(below) and np.ndim(above) and len(below) != len(above):
            raise ValueError(
                f"sizes = {sizes}: {len(below)} groups in {below} cannot feed {len(above)} in {above}: "
                f"use as many, or {sum(above)} for {above}, so that every unit feeds every unit"
            )
    return sizes


def _connected(below, above):
    """Return a boolean matrix that is True where an input feeds a unit: in the same group, or anywhere."""
    if np.ndim(below) and np.ndim(above):
        of_input, of_unit = (np.repeat(np.arange(len(size)), size) for size in (below, above))
        return of_input[:, np.newaxis] == of_unit
    return np.ones((np.sum(below), np.sum(above)), dtype=bool)


def _generator(rng):
    """Raise TypeError if `rng` is not a NumPy generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng = {rng!r}: it must be a generator, such as numpy.random.default_rng(0)")


def _number(name, value, allowed, cure):
    """Raise if `value` is not a number, or is one for which `allowed` returns False."""
    if np.ndim(value) or np.asarray(value).dtype.kind not in "iuf":
        raise TypeError(f"{name} = {value!r}: it must be a number")
    if not allowed(value):
        raise ValueError(f"{name} = {value!r}: it must be {cure}")


def _inputs(x, network, name="x"):
    """Return `x` as a float64 matrix of finite numbers, one case per row."""
    x, inputs = _checks.real(x, name)[0].astype(float, copy=False), len(network.weights[0])
    if x.ndim != 2 or x.shape[1] != inputs:
        raise ValueError(f"{name} has shape {x.shape}: the network takes (cases, {inputs}), one case a row")
    _checks.refuse_where(~np.isfinite(x), x, name, "is not an input: it must be finite")
    return x


def _some(x, name="x"):
    """Return the cases `x`; raise ValueError if there are none."""
    if len(x) == 0:
        raise ValueError(f"{name} has shape {x.shape}: it must hold at least one case")
    return x


def _targets(t, n, network, name="t"):
    """Return `t` as class indices of shape (n,), or as float64 targets from 0 to 1."""
    t, classes = _checks.array(t, name), len(network.biases[-1])
    if t.shape == (n, classes):
        t = _checks.real(t, name)[0].astype(float)
        _checks.check_units(t, name)
        return t
    if t.shape != (n,):
        raise ValueError(
            f"{name} has shape {t.shape}: for {n} cases, class indices have shape ({n},) and targets ({n}, {classes})"
        )
    _checks.check_label_dtype(t, name)
    owner = f"other targets have shape ({n}, {classes}), and the network"
    _checks.check_label_values(t, name, classes, owner)
    return t


def _watched(watch, x):
    """Return the rows of `x` to watch."""
    if not np.iterable(watch):
        raise TypeError(f"watch = {watch!r}: it must be a sequence of rows of x")
    rows = np.array([_checks.whole(row, "watch", least=0) for row in watch], dtype=int)
    if rows.size and rows.max() >= len(x):
        raise ValueError(f"watch = {rows.max()} is not a row of x, which has {len(x)} rows")
    return x[rows]


def _held_out(held_out, network):
    """Return the held-out cases (x, t) as arrays that fit the network."""
    if not isinstance(held_out, tuple) or len(held_out) != 2:
        raise ValueError("held_out is not a pair: it must be a tuple (x, t)")
    x = _some(_inputs(held_out[0], network, "held_out[0]"), "held_out[0]")
    return x, _targets(held_out[1], len(x), network, "held_out[1]")
