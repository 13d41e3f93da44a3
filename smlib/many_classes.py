r"""Softmax over a vocabulary: running sums, and logits that are never all in memory.

Both parts of this module use one fact: a sum of exponentials can be taken piece by piece, each piece
with a shift of its own, if the earlier sum is rescaled when the shift changes:

.. math:: \sum_j e^{z_j - m} = e^{m' - m} \sum_j e^{z_j - m'}
"""

import math

import numpy as np

from smlib import _checks, _state
from smlib._blocks import blocks
from smlib._exponentials import LIMITS, difference
from smlib._sums import Buffer, cut, row_sums, within

__all__ = ["RunningLogSumExp", "linear_cross_entropy"]

# Entries of a tile of logits, cases × classes. A tile stays in cache between its two products.
TILE = 2**18

# Largest number of cases in a tile.
CASES = 512

# Largest number of entries of W that go with a tile.
WEIGHTS = 2**20


class RunningLogSumExp:
    r"""Accumulator of the log-sum-exp of logits that arrive in pieces, in any order.

    .. math:: \operatorname{lse} = m + \log(1 + r), \qquad m = \max_j z_j = z_c, \quad
        r = \sum_{j \ne c} e^{z_j - m}

    The state is :math:`m` and :math:`r` in float64, whatever the pieces are. Two states merge into

    .. math:: m = m_1, \qquad r = r_1 + (1 + r_2)\, e^{m_2 - m_1} \qquad (m_1 \ge m_2),

    so the pieces may lie on several machines. Merging is commutative to the last bit
    and associative up to rounding. An accumulator without any piece (:math:`m = -\infty`) is its
    identity.

    Notes
    -----
    M. Milakov and N. Gimelshein, "Online normalizer calculation for softmax" (2018), merge the
    maximum and the whole sum. Here it is the sum over the rivals alone, which keeps the digits of
    a result near 0.

    Examples
    --------
    >>> a, b = RunningLogSumExp(), RunningLogSumExp()
    >>> a.update([1000.0, 999.0])
    >>> a.update([998.0])
    >>> b.update([1001.0])
    >>> print(f"{a.value:.4f} {a.merge(b).value:.4f}")
    1000.4076 1001.4402
    """

    def __init__(self):
        self._state = None  # m and r, as arrays that are never written to

    def update(self, z, axis=-1):
        """Add a piece of logits.

        Parameters
        ----------
        z : array_like
            The logits. A piece without classes does not change the sum.
        axis : int, tuple of ints or None
            The axis, or axes, that hold the classes. None means all of them. The other axes have
            the shape of `value`, the same for all pieces: () for a 1-D piece.

        Raises
        ------
        TypeError
            If `z` does not hold real numbers.
            If `axis` is not an int, a tuple of ints or None.
        ValueError
            If an axis is out of range or repeated.
            If the other axes have another shape than those of earlier pieces.
        """
        z, dtype = _checks.real(z, "z")
        over = _checks.axes(axis, z.ndim)
        shape = [n for a, n in enumerate(z.shape) if a not in over]
        top, rest = np.full(math.prod(shape), -np.inf), np.zeros(math.prod(shape))
        with np.errstate(all="ignore"):
            for rows, block in blocks(z, dtype, over):
                top[rows], rest[rows], _ = _state.of_rows(block)
        self._state = _merged(self._state, (top.reshape(shape), rest.reshape(shape)), "z")

    def merge(self, other):
        """Return an accumulator of the logits of this one and another; neither is changed.

        Parameters
        ----------
        other : RunningLogSumExp
            The other accumulator.

        Returns
        -------
        RunningLogSumExp
            A new accumulator.

        Raises
        ------
        TypeError
            If `other` is not a RunningLogSumExp.
        ValueError
            If both have pieces, and their values differ in shape.
        """
        if not isinstance(other, RunningLogSumExp):
            raise TypeError(
                f"other is of type {type(other).__name__}: it must be a RunningLogSumExp; update takes an array"
            )
        result = RunningLogSumExp()
        result._state = _merged(self._state, other._state, "other")
        return result

    @property
    def value(self):
        r"""The log-sum-exp of all pieces so far, in float64. Without a piece it is :math:`-\infty`."""
        if self._state is None:
            return np.float64(-np.inf)
        with np.errstate(all="ignore"):
            return _state.value(*self._state)[()]


def _merged(a, b, name):
    """Return the state of the logits of two states together; `name` is the argument behind the second."""
    if a is None or b is None:
        return b if a is None else a
    (m, r), (n, s) = a, b
    if m.shape != n.shape:
        raise ValueError(
            f"{name} has results of shape {n.shape}: those so far have shape {m.shape}, and "
            f"pieces may differ only in the axes of the classes"
        )
    with np.errstate(all="ignore"):
        return _state.merge(np.stack([m, n], axis=-1), np.stack([r, s], axis=-1))[:2]


@_checks.names_arguments
def linear_cross_entropy(h, W, t, *, b=None, reduction="mean", weights=None):
    r"""Return the cross-entropy of the softmax of a linear layer, and its gradients.

    .. math:: z = h W^\top + b, \qquad
        C = \sum_n \log\Bigl(1 + \sum_{j \ne t_n} e^{z_{nj} - z_{n t_n}}\Bigr)
        \quad \text{(or its mean)}

    .. math:: \frac{\partial C}{\partial h} = g W, \quad
        \frac{\partial C}{\partial W} = g^\top h, \quad
        \frac{\partial C}{\partial b_j} = \sum_n g_{nj}, \qquad
        g = \frac{\partial C}{\partial z} = y - \text{one-hot}(t)

    The N × K logits are never all in memory: they are computed twice, one tile of cases and classes
    at a time. The first pass sums the exponentials and their products with `W`. The second pass
    uses these sums to compute the gradient of `W`. The memory needed in addition to the results
    does not grow with K.

    Parameters
    ----------
    h : array_like
        The input of the layer, of shape (…, D): one row per case.
    W : array_like
        The weights, of shape (K, D): one row per class.
    t : array_like
        The labels, integers from 0 to K − 1, one per case: of the shape of `h` without its last axis.
    b : array_like, optional
        The biases, of shape (K,). A class with the bias :math:`-\infty` has probability 0.
    reduction : {"mean", "sum"}
        How the costs of the cases are combined. The gradients are those of their mean or sum.
    weights : array_like, optional
        One finite weight of 0 or more for each case, as in `smlib.cross_entropy`. What a weight of 0 leaves
        out is not read.

    Returns
    -------
    C : ndarray
        The cost, a NumPy scalar.
    gradients : tuple of ndarray
        The derivatives of `C` with respect to `h`, `W` and, if it is given, `b`, each of the shape
        of its argument. They and `C` have the dtype to which `h`, `W` and `b` promote, where
        booleans and integers count as float64.

    Raises
    ------
    TypeError
        If `h`, `W` or `b` does not hold real numbers.
        If the labels are not integers.
    ValueError
        If a label is not a class index.
        If the shapes do not match.
        If there are no classes.
        If `reduction` is unknown, or is "mean" when there are no cases.
        If a weight is negative, infinite or nan, or all weights are 0 and `reduction` is "mean".
        If `weights` does not have one weight for each case.

    Notes
    -----
    E. Wijmans et al., "Cut your losses in large-vocabulary language models" (2024), do the same on
    a GPU. Here a case starts without a shift. A shift is introduced, or replaced, only where the
    sum of a case leaves the range in which no digits are lost.

    Examples
    --------
    >>> h, W = [[1.0, 0.0]], [[2.0, 0.0], [1.0, 5.0], [0.0, 5.0]]
    >>> C, (dh, dW) = linear_cross_entropy(h, W, [0])
    >>> print(f"{C:.4f}")
    0.4076
    >>> dh.round(4)
    array([[-0.4248,  1.6738]])
    >>> dW[:, 0].round(4)
    array([-0.3348,  0.2447,  0.09  ])
    """
    _checks.check_choice(reduction, "reduction", ("mean", "sum"))
    h, W, t, b, weights, dtype = _checked(h, W, t, b, weights)
    divisor = 1 if reduction == "sum" else _checks.mean_divisor(h, "h", t.shape, weights)
    read = ... if weights is None else weights > 0
    cases, labels = h[read], t[read].reshape(-1)
    rows = cases.reshape(len(labels), W.shape[1])
    # Overflow and invalid operations are expected here: the results are the limits.
    with np.errstate(all="ignore"):
        weights = np.ones(len(labels)) if weights is None else weights[read]
        C, dh_rows, *gradients = _value_and_gradients(rows, W, labels, b, weights, dtype, divisor)
    dh = np.zeros(h.shape, dtype)
    dh[read] = dh_rows.reshape(cases.shape)
    return C, (dh, *gradients)


def _checked(h, W, t, b, weights):
    """Return the arguments as arrays that fit together, and the dtype of the results."""
    h, dtype_h = _checks.real(h, "h")
    W, dtype_W = _checks.real(W, "W")
    dtype = np.result_type(dtype_h, dtype_W)
    if W.ndim != 2:
        raise ValueError(f"W has shape {W.shape}: it must have two axes, one row per class")
    if h.ndim < 2:
        raise ValueError(f"h has shape {h.shape}: it must have two axes or more, and one row per case")
    if h.shape[-1] != W.shape[1]:
        raise ValueError(f"W has shape {W.shape}: for h of shape {h.shape}, it must have {h.shape[-1]} columns")
    if len(W) == 0:
        raise ValueError(f"W has no classes: its shape is {W.shape}")
    if b is not None:
        b, dtype_b = _checks.real(b, "b")
        dtype = np.result_type(dtype, dtype_b)
        if b.shape != W.shape[:1]:
            raise ValueError(f"b has shape {b.shape}: for W of shape {W.shape}, it must have shape {W.shape[:1]}")
    if weights is not None:
        weights = _checks.case_weights(weights, h.shape[:-1])
        t = _checks.without_cases(t, weights == 0, axis=-1)
    t = _checks.labels(_checks.array(t, "t"), "t", h.shape[:-1], len(W), ("W", "h", h.shape))
    return h, W, t, b, weights, dtype


def _value_and_gradients(h, W, t, b, weights, dtype, divisor):
    """Return the cost, dh, dW and, unless `b` is None, db.

    They are sums over the cases, times their weights, and divided by `divisor`.
    """
    layer = _Layer(h, W, b, t, _checks.computed_in(dtype))
    length = W.shape[1]
    C = 0.0
    shift, slope = np.empty((2, len(h)), layer.dtype)
    scaled = np.empty_like(layer.h)
    dh = np.empty(h.shape, dtype)
    for c in layer.cases:
        shift[c], label, own, rivals, products = layer.first_pass(c)
        total = own + rivals
        costs = _costs(own, rivals, total, label, shift[c])
        C += (weights[c] * costs).sum()
        total *= divisor / weights[c]
        dh[c] = (products[:, :length] - rivals[:, None] * W[t[c]]) / total[:, None]
        scaled[c] = layer.h[c] / total[:, None]
        slope[c] = -rivals
    dW, db = layer.second_pass(shift, slope, scaled, dtype)
    C = dtype.type(C / divisor)
    return (C, dh, dW) if b is None else (C, dh, dW, db)


def _costs(own, rivals, total, label, shift):
    """Return the costs of some cases."""
    costs = np.log1p(rivals / own)
    # Where e^z of the label has underflowed, the cost is large and the difference accurate enough.
    far = np.log(total) + _state.gap(shift, label)
    return np.where((own > LIMITS[np.dtype(np.float64)].tiny) & (costs < np.inf), costs, far)


class _Layer:
    """A linear layer and its logits in tiles, with a row for each case and a column for each class."""

    def __init__(self, h, W, b, t, dtype):
        if b is not None:
            # A bias is the weight of an input that is always 1.
            h = np.column_stack([h, np.ones(len(h))])
        self.h = np.ascontiguousarray(h, dtype)
        self.W, self.b, self.t, self.dtype = W, b, t, dtype
        self.tile, self.rows, self.differences = Buffer(dtype), Buffer(dtype), Buffer(dtype)
        self.cases = cut(len(h), CASES)
        cases, inputs = max(1, min(CASES, len(h))), max(1, self.h.shape[1])
        self.pieces = cut(len(W), max(1, min(TILE // cases, WEIGHTS // inputs)))
        # Sums from 1 to this leave half of the range of exponents to h and W.
        self.most = float(np.finfo(dtype).tiny) ** -0.5

    def weights(self, piece):
        """Return the weights of a slice of classes, with their biases, if any, as the last column."""
        if self.b is None:
            return np.asarray(self.W[piece], self.dtype)
        w = self.rows.array((piece.stop - piece.start, self.h.shape[1]))
        w[:, :-1], w[:, -1] = self.W[piece], self.b[piece]
        return w

    def logits(self, c, w):
        """Return the tile of logits z of some cases, in a buffer that the next call overwrites."""
        z = self.tile.array((c.stop - c.start, len(w)))
        return np.matmul(self.h[c], w.T, out=z)

    def exponentials(self, z, shift, at):
        """Overwrite `z` with e^{z − q}, and with 0 at the labels, and return it."""
        if shift.any():
            # z − q = d + c exactly, so e^{z − q} is e^d (1 + c) up to rounding.
            shift = shift[:, None]
            same = z == shift
            d, c = difference(z, shift, self.differences.array((3, *z.shape)))
            np.exp(d, out=z)
            c *= z
            z += c
            # The difference of equal infinities is 0.
            z[same] = 1.0
        else:
            np.exp(z, out=z)
        z[at] = 0.0
        return z

    def first_pass(self, c):
        """Return what the sums over all classes give for some cases.

        It is the shift q, the label's logit z, e^{z − q} of the label, and Σ e^{z − q} and Σ e^{z − q} W over
        its rivals.
        """
        n = c.stop - c.start
        shift, label = np.zeros(n, self.dtype), np.full(n, -np.inf, self.dtype)
        rivals, products = np.zeros(n), np.zeros((n, self.h.shape[1]))
        for piece in self.pieces:
            w, at = self.weights(piece), within(piece, self.t[c])
            z = self.logits(c, w)
            label[at[0]] = z[at]
            e = self.exponentials(z, shift, at)  # in the place of z
            sums = row_sums(e)
            total = rivals + sums + _ratio(label, shift)
            lost = ~((total >= 1.0) & (total <= self.most))
            if lost.any():
                z = self.logits(c, w)
                better = self.better_shift(z, shift, total, lost)
                # Where nothing has been added yet, e^{q − better} may be infinite.
                scale = np.where(rivals == 0, 0.0, _ratio(shift, better))
                rivals *= scale
                products *= scale[:, None]
                shift = better
                e = self.exponentials(z, shift, at)
                sums = row_sums(e)
            rivals += sums
            products += e @ w
        return shift, label, _ratio(label, shift), rivals, products

    def better_shift(self, z, shift, total, lost):
        """Return the shifts of some cases, with the largest logits in place of those that lost digits."""
        top = z.max(axis=1)
        # If a total is below 1, no earlier tile has contributed to it.
        better = np.where(total < 1.0, top, np.maximum(top, shift))
        return np.where(lost & (top != -np.inf), better, shift)

    def second_pass(self, shift, slope, scaled, dtype):
        """Return dW and db, the sums over the cases of e^{z − q}, and `slope` at the label, times `scaled`."""
        length = self.W.shape[1]
        dW, db = np.empty(self.W.shape, dtype), np.empty(len(self.W), dtype)
        for piece in self.pieces:
            w = self.weights(piece)
            sums = np.zeros(w.shape, self.dtype)
            for c in self.cases:
                at = within(piece, self.t[c])
                e = self.exponentials(self.logits(c, w), shift[c], at)
                e[at] = slope[c][at[0]]
                sums += e.T @ scaled[c]
            dW[piece] = sums[:, :length]
            db[piece] = sums[:, -1] if self.b is not None else 0.0
        return dW, db


def _ratio(z, shift):
    """Return e^{z − q} in float64, for one logit of each case."""
    return _state.scaled(1.0, z.astype(np.float64), shift.astype(np.float64))
