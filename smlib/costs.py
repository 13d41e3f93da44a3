"""The costs, squared error and cross-entropy, and their gradients with respect to the logits.

The classes (or the independent units) lie along the last axis; each index of the other axes is a
case. A cost is summed over the classes, and its `reduction` over the cases is "mean", "sum" or
"none". Costs and gradients have the dtype of the logits, as in `smlib.outputs`.

The bits of a case's cost with the reduction "none" and of its gradient with "none" or "sum" depend on the
logits and the target of this case, their number and dtype alone, as in `smlib.outputs`.

Ignored labels, padding, weights of classes and weights of cases are all `weights`: ``t != -100``, a mask, or
``w[t]``. A smoothed label is a distribution. The log-probability of a label is minus its cost with the
reduction "none". The entropy of the outputs is ``cross_entropy(z, softmax(z))``. The Kullback-Leibler
divergence of the outputs from a distribution is its cross-entropy minus its entropy.
"""

import functools
import math

import numpy as np

from smlib import _checks, _kernels
from smlib._blocks import blocks, is_one_block, one_block

__all__ = [
    "cross_entropy",
    "cross_entropy_value_and_grad",
    "logistic_cross_entropy",
    "logistic_cross_entropy_value_and_grad",
    "squared_error",
    "squared_error_value_and_grad",
]


@_checks.names_arguments
def squared_error(z, t, *, output="linear", reduction="mean", weights=None):
    r"""Return the squared error of the outputs for the logits `z`.

    .. math:: C = \tfrac12 \sum_i (y_i - t_i)^2

    Parameters
    ----------
    z : array_like
        The logits, of shape (…, K), or the outputs themselves if `output` is "linear".
    t : array_like
        The targets, any real numbers, of the shape of `z`.
    output : {"linear", "logistic", "softmax"}
        The output function. Linear outputs are :math:`y = z`.
    reduction : {"mean", "sum", "none"}
        How the costs of the cases are combined: their mean, their sum, or not at all.
    weights : array_like, optional
        One finite weight of 0 or more for each case; booleans count as 0 and 1. The weight multiplies the
        cost of the case, and the mean is divided by the sum of the weights. A case of weight 0 is not
        read: its target and its logits may be anything.

    Returns
    -------
    ndarray
        The cost: a NumPy scalar, or with "none" an array of shape ``z.shape[:-1]``.

    Raises
    ------
    TypeError
        If `z` or `t` does not hold real numbers.
    ValueError
        If `z` has no class axis or no classes.
        If the shapes of `z` and `t` differ.
        If `output` is unknown.
        If `reduction` is unknown, or is "mean" when there are no cases.
        If a weight is negative, infinite or nan, or all weights are 0 and `reduction` is "mean".
        If `weights` does not have one weight for each case.

    Examples
    --------
    >>> float(squared_error([0.5, 0.5], [1.0, 0.0]))
    0.25
    """
    return _evaluate(_squared_cost(output), z, t, _checks.real_targets, reduction, weights)


@_checks.names_arguments
def squared_error_value_and_grad(z, t, *, output="linear", reduction="mean", weights=None):
    r"""Return the squared error of the outputs for the logits `z`, and its gradient.

    .. math:: \frac{\partial C}{\partial z_i} = y_i - t_i, \qquad
        y_i (1 - y_i)(y_i - t_i), \qquad
        y_i \Bigl(y_i - t_i - \sum_j y_j (y_j - t_j)\Bigr)

    for linear outputs :math:`y = z`, for logistic outputs, and for softmax. In the last two, the
    slope of the right class is nearly zero when its output is nearly zero: this is the plateau.

    Parameters
    ----------
    z : array_like
        The logits, of shape (…, K).
    t : array_like
        The targets, any real numbers, of the shape of `z`.
    output : {"linear", "logistic", "softmax"}
        The output function.
    reduction : {"mean", "sum", "none"}
        How the costs of the cases are combined: their mean, their sum, or not at all. The gradient
        is that of the mean for "mean", and otherwise that of the sum.
    weights : array_like, optional
        One finite weight of 0 or more for each case; booleans count as 0 and 1. The weight multiplies the
        cost of the case, and the mean is divided by the sum of the weights. A case of weight 0 is not
        read: its target and its logits may be anything.

    Returns
    -------
    C : ndarray
        The cost: a NumPy scalar, or with "none" an array of shape ``z.shape[:-1]``.
    gradient : ndarray
        The derivative of `C` with respect to `z`, of the shape of `z`.

    Raises
    ------
    TypeError
        If `z` or `t` does not hold real numbers.
    ValueError
        If `z` has no class axis or no classes.
        If the shapes of `z` and `t` differ.
        If `output` is unknown.
        If `reduction` is unknown, or is "mean" when there are no cases.
        If a weight is negative, infinite or nan, or all weights are 0 and `reduction` is "mean".
        If `weights` does not have one weight for each case.

    Examples
    --------
    >>> C, gradient = squared_error_value_and_grad([3.0, 0.0], [1.0, 0.0], output="linear")
    >>> float(C), gradient
    (2.0, array([2., 0.]))
    >>> C, gradient = squared_error_value_and_grad([-20.0], [1.0], output="logistic")
    >>> print(f"{C:.4f} {gradient[0]:.3e}")
    0.5000 -2.061e-09
    """
    return _evaluate(_squared_cost(output), z, t, _checks.real_targets, reduction, weights, gradient=True)


@_checks.names_arguments
def cross_entropy(z, t, *, reduction="mean", weights=None, axis=-1):
    r"""Return the cross-entropy of the softmax of `z`, in nats.

    .. math:: C = -\sum_i t_i \log y_i, \qquad
        C = \log\Bigl(1 + \sum_{j \ne c} e^{z_j - z_c}\Bigr) \text{ for a label } c

    The sum over the rivals of the label keeps the digits of a small cost. At a logit of
    :math:`-\infty`, a target of 0 costs nothing, and a target above 0 costs :math:`\infty`.

    Parameters
    ----------
    z : array_like
        The logits, of shape (…, K) unless `axis` is given.
    t : array_like
        Either labels, integers from 0 to K − 1 of the shape of `z`
        without `axis`, or distributions, of the shape of `z`.
    reduction : {"mean", "sum", "none"}
        How the costs of the cases are combined: their mean, their sum, or not at all.
    weights : array_like, optional
        One finite weight of 0 or more for each case; booleans count as 0 and 1. The weight multiplies the
        cost of the case, and the mean is divided by the sum of the weights. A case of weight 0 is not
        read: its target and its logits may be anything.
    axis : int
        The axis that holds the classes.

    Returns
    -------
    ndarray
        The cost: a NumPy scalar, or with "none" an array of the shape of `z` without `axis`.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.
        If `t` holds labels that are not integers, or distributions that are not real numbers.
    ValueError
        If a label is not a class index.
        If a distribution has a negative, infinite or nan entry.
        If the shapes of `z` and `t` do not match.
        If `z` has no class axis or no classes, or `axis` is out of range.
        If `reduction` is unknown, or is "mean" when there are no cases.
        If a weight is negative, infinite or nan, or all weights are 0 and `reduction` is "mean".
        If `weights` does not have one weight for each case.

    Examples
    --------
    >>> z = [[2.0, 1.0, 0.0], [0.0, 3.0, 0.0]]
    >>> cross_entropy(z, [0, 1], reduction="none").round(4)
    array([0.4076, 0.0949])
    >>> print(f"{cross_entropy(z, [[1, 0, 0], [0, 1, 0]]):.4f}")
    0.2513
    >>> print(f"{cross_entropy([50.0, 0.0], 0):.3e}")
    1.929e-22
    """
    return _evaluate(_class_cost, z, t, _checks.class_targets, reduction, weights, axis=axis)


@_checks.names_arguments
def cross_entropy_value_and_grad(z, t, *, reduction="mean", weights=None, axis=-1, out=None):
    r"""Return the cross-entropy of the softmax of `z`, and its gradient.

    .. math:: \frac{\partial C}{\partial z_i} = y_i \sum_j t_j - t_i

    which is :math:`y_i - t_i` for targets that sum to one. Given a label, the gradient is
    :math:`y_i` at each rival and minus their sum at the label, so that it keeps its digits as the
    label's output approaches 1. However sure the case, its slopes sum to zero up to rounding:
    :math:`|\sum_i g_i| \le 8u \sum_i |g_i|` with the unit roundoff u, as long as they are normal numbers.

    Parameters
    ----------
    z : array_like
        The logits, of shape (…, K) unless `axis` is given.
    t : array_like
        Either labels, integers from 0 to K − 1 of the shape of `z`
        without `axis`, or distributions, of the shape of `z`.
    reduction : {"mean", "sum", "none"}
        How the costs of the cases are combined: their mean, their sum, or not at all. The gradient
        is that of the mean for "mean", and otherwise that of the sum.
    weights : array_like, optional
        One finite weight of 0 or more for each case; booleans count as 0 and 1. The weight multiplies the
        cost of the case, and the mean is divided by the sum of the weights. A case of weight 0 is not
        read: its target and its logits may be anything.
    axis : int
        The axis that holds the classes.
    out : ndarray, optional
        The array to write the gradient to, with the shape and dtype of the gradient. It may be `z`.

    Returns
    -------
    C : ndarray
        The cost: a NumPy scalar, or with "none" an array of the shape of `z` without `axis`.
    gradient : ndarray
        The derivative of `C` with respect to `z`, of the shape of `z`; `out` itself if it is given.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.
        If `t` holds labels that are not integers, or distributions that are not real numbers.
        If `out` is not an array, or its dtype is not that of the gradient.
    ValueError
        If a label is not a class index.
        If a distribution has a negative, infinite or nan entry.
        If the shapes of `z` and `t` do not match.
        If `z` has no class axis or no classes, or `axis` is out of range.
        If `reduction` is unknown, or is "mean" when there are no cases.
        If a weight is negative, infinite or nan, or all weights are 0 and `reduction` is "mean".
        If `weights` does not have one weight for each case.
        If the shape of `out` is not that of the gradient, or `out` is read-only.

    Examples
    --------
    >>> C, gradient = cross_entropy_value_and_grad([[2.0, 1.0, 0.0]], [0])
    >>> print(f"{C:.4f}")
    0.4076
    >>> gradient.round(4)
    array([[-0.3348,  0.2447,  0.09  ]])
    """
    return _evaluate(_class_cost, z, t, _checks.class_targets, reduction, weights, True, out, axis)


@_checks.names_arguments
def logistic_cross_entropy(z, t, *, reduction="mean", weights=None):
    r"""Return the cross-entropy of independent logistic units with the logits `z`, in nats.

    .. math:: C = -\sum_i \bigl[t_i \log y_i + (1 - t_i) \log(1 - y_i)\bigr],
        \qquad y_i = \frac{1}{1 + e^{-z_i}}

    Parameters
    ----------
    z : array_like
        The logits, of shape (…, K), of K units that need not exclude one another. Logits of shape (N,)
        are one case of N units; N cases of a single unit have the shape (N, 1).
    t : array_like
        The targets, between 0 and 1, of the shape of `z`.
    reduction : {"mean", "sum", "none"}
        How the costs of the cases are combined: their mean, their sum, or not at all.
    weights : array_like, optional
        One finite weight of 0 or more for each case; booleans count as 0 and 1. The weight multiplies the
        cost of the case, and the mean is divided by the sum of the weights. A case of weight 0 is not
        read: its target and its logits may be anything.

    Returns
    -------
    ndarray
        The cost: a NumPy scalar, or with "none" an array of shape ``z.shape[:-1]``.

    Raises
    ------
    TypeError
        If `z` or `t` does not hold real numbers.
    ValueError
        If a target is not between 0 and 1.
        If the shapes of `z` and `t` differ.
        If `z` has no last axis or no units.
        If `reduction` is unknown, or is "mean" when there are no cases.
        If a weight is negative, infinite or nan, or all weights are 0 and `reduction` is "mean".
        If `weights` does not have one weight for each case.

    Examples
    --------
    >>> print(f"{logistic_cross_entropy([0.0], [1.0]):.4f}")
    0.6931
    >>> print(f"{logistic_cross_entropy([40.0, -800.0], [1.0, 1.0]):.4f}")
    800.0000
    """
    return _evaluate(_kernels.logistic_cost, z, t, _checks.unit_targets, reduction, weights)


@_checks.names_arguments
def logistic_cross_entropy_value_and_grad(z, t, *, reduction="mean", weights=None):
    r"""Return the cross-entropy of independent logistic units, and its gradient.

    .. math:: \frac{\partial C}{\partial z_i} = y_i - t_i

    Parameters
    ----------
    z : array_like
        The logits, of shape (…, K), of K units that need not exclude one another. Logits of shape (N,)
        are one case of N units; N cases of a single unit have the shape (N, 1).
    t : array_like
        The targets, between 0 and 1, of the shape of `z`.
    reduction : {"mean", "sum", "none"}
        How the costs of the cases are combined: their mean, their sum, or not at all. The gradient
        is that of the mean for "mean", and otherwise that of the sum.
    weights : array_like, optional
        One finite weight of 0 or more for each case; booleans count as 0 and 1. The weight multiplies the
        cost of the case, and the mean is divided by the sum of the weights. A case of weight 0 is not
        read: its target and its logits may be anything.

    Returns
    -------
    C : ndarray
        The cost: a NumPy scalar, or with "none" an array of shape ``z.shape[:-1]``.
    gradient : ndarray
        The derivative of `C` with respect to `z`, of the shape of `z`.

    Raises
    ------
    TypeError
        If `z` or `t` does not hold real numbers.
    ValueError
        If a target is not between 0 and 1.
        If the shapes of `z` and `t` differ.
        If `z` has no last axis or no units.
        If `reduction` is unknown, or is "mean" when there are no cases.
        If a weight is negative, infinite or nan, or all weights are 0 and `reduction` is "mean".
        If `weights` does not have one weight for each case.

    Examples
    --------
    >>> C, gradient = logistic_cross_entropy_value_and_grad([0.0, -20.0], [1.0, 1.0])
    >>> print(f"{C:.4f}")
    20.6931
    >>> gradient.round(4)
    array([-0.5, -1. ])
    """
    return _evaluate(_kernels.logistic_cost, z, t, _checks.unit_targets, reduction, weights, gradient=True)


def _squared_cost(output):
    """Return the kernel of the squared error for an output function."""
    _checks.check_choice(output, "output", ("linear", "logistic", "softmax"))
    return functools.partial(_kernels.squared_error, output=output)


def _class_cost(block, targets, divisor):
    """Return the costs of labels if `targets` has one axis, and otherwise those of distributions."""
    kernel = _kernels.label_cost if targets.ndim == 1 else _kernels.distribution_cost
    return kernel(block, targets, divisor)


def _evaluate(kernel, z, t, targets, reduction, weights, gradient=False, out=None, axis=-1):
    """Return the reduced costs of the cases and, with `gradient`, their gradient.

    `targets(t, z, axis)` checks and returns the targets. `kernel(block, t, divisor)` returns the costs
    of a block of cases and writes gradient / divisor if the block has an `out`.
    """
    _checks.check_choice(reduction, "reduction", ("mean", "sum", "none"))
    z, dtype = _checks.real(z, "z")
    axis = _checks.class_axis(axis, z.ndim)
    _checks.check_classes(z, axis=axis)
    shape = _checks.without(z.shape, axis)
    if weights is not None:
        weights = _checks.case_weights(weights, shape)
        t = _checks.without_cases(t, weights == 0, axis)
    t = targets(t, z, axis)
    divisor = 1 if reduction != "mean" else _checks.mean_divisor(z, "z", shape, weights)
    if out is not None:
        _checks.check_out(out, z.shape, dtype)
        if np.may_share_memory(out, t):
            t = t.copy()
    elif gradient:
        out = np.empty(z.shape, dtype)
    t = t.reshape(-1) if t.ndim < z.ndim else np.moveaxis(t, axis, -1).reshape(math.prod(shape), z.shape[axis])
    costs = _costs(kernel, z, dtype, t, divisor, out, axis, weights)
    with np.errstate(all="ignore"):
        if reduction == "none":
            value = costs.reshape(shape).astype(dtype)[()]
        else:
            value = dtype.type(costs.sum(dtype=np.float64) / divisor)
    return (value, out) if gradient else value


def _costs(kernel, z, dtype, t, divisor, out, axis, weights):
    """Return the costs of the cases; unless `out` is None, write gradient / divisor to it."""
    if axis == z.ndim - 1 and weights is None and is_one_block(z, out=out):
        if t.ndim == 1 and _kernels.is_small(z):
            return _kernels.label_cost_small(z, t, divisor, out)
        if (block := one_block(z, out)) is not None:
            with np.errstate(all="ignore"):
                return kernel(block, t, divisor)
    costs = np.empty(len(t))
    weights = None if weights is None else weights.reshape(-1)
    with np.errstate(all="ignore"):
        for rows, block in blocks(z, dtype, (axis,), out):
            if weights is None:
                costs[rows] = kernel(block, t[rows], divisor)
            else:
                costs[rows] = _weighted(kernel(block, t[rows], 1), weights[rows], divisor, block.out)
    return costs


def _weighted(costs, weights, divisor, gradient):
    """Return costs times their weights, and multiply their gradient by weights / divisor.

    A weight of 0 gives 0 even where the cost is nan.
    """
    left_out = weights == 0
    if gradient is not None:
        gradient *= (weights / divisor).astype(gradient.dtype)[:, None]
        gradient[left_out] = 0.0
    return np.where(left_out, 0.0, weights * costs)
