"""The output functions: logistic, softmax, its logarithm, and its derivative.

All functions take arrays of booleans, integers, float16, float32 or float64. Other dtypes and masked
arrays raise TypeError, and ragged lists raise ValueError. The result has the dtype of `z`: float16
(computed in float32), float32 or float64. Booleans and integers become float64. The input is never
modified, unless it is also `out`. Infinite logits give the limits, and no warning is issued.

The bits of a row of softmax, its logarithm or log-sum-exp depend on the logits of this row, their number
and dtype alone. The other rows, their number, the position of the row, the layout, the axis and `out` change
nothing, and neither does a list in place of an array. This holds within one machine and version of NumPy. It
rests on the dot product of NumPy's BLAS, whose result must not depend on the alignment of its arguments;
OpenBLAS has this property.

Where the exact output rounds to 1, the output is 1: for a single class, for a class whose rivals are masked
or at −∞, and for a class that is far ahead of its rivals.
"""

import math

import numpy as np

from smlib import _checks, _kernels
from smlib._blocks import blocks, is_one_block, one_block

__all__ = ["logistic", "logsumexp", "log_softmax", "softmax", "softmax_jacobian", "softmax_jvp"]


def logistic(z):
    r"""Return the logistic function of `z`, entry by entry.

    .. math:: y = \frac{1}{1 + e^{-z}}

    It is the softmax of two classes, one with the logit `z` and the other with the logit 0.
    Nothing overflows, and small outputs keep all their digits, down to the smallest normal number.

    Parameters
    ----------
    z : array_like
        The logits, of any shape.

    Returns
    -------
    ndarray
        The outputs, between 0 and 1, of the shape of `z`; a NumPy scalar for a single number.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Examples
    --------
    >>> logistic([-2.0, 0.0, 2.0]).round(4)
    array([0.1192, 0.5   , 0.8808])
    >>> print(f"{logistic(-700.0):.3e}")
    9.860e-305
    """
    x, dtype = _checks.real(z, "z")
    with np.errstate(all="ignore"):
        y, _ = _kernels.logistic_and_complement(x.astype(_checks.computed_in(dtype), copy=False))
        return y.astype(dtype, copy=False)[()]


@_checks.names_arguments
def logsumexp(z, axis=-1, *, keepdims=False, where=None):
    r"""Return the log-sum-exp of `z`, the logarithm of softmax's denominator.

    .. math:: \operatorname{lse}(z) = \log \sum_j e^{z_j}
        = m + \log\Bigl(1 + \sum_{j \ne c} e^{z_j - m}\Bigr), \qquad m = z_c = \max_j z_j

    It is a soft maximum: it lies between the largest logit :math:`m` and :math:`m + \log K`.

    Parameters
    ----------
    z : array_like
        The logits.
    axis : int, tuple of ints or None
        The axis, or axes, that hold the classes. None means all of them.
    keepdims : bool
        Whether the result keeps the axes summed over, with length 1.
    where : array_like, optional
        A boolean array that broadcasts to the shape of `z`. A class at which it is false is left
        out of the sum, and its logit is not read.

    Returns
    -------
    ndarray
        The logarithms, in nats; a NumPy scalar if no axis is left. A row that is empty, fully
        masked or all :math:`-\infty` gives :math:`-\infty`.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.
        If `axis` is not an int, a tuple of ints or None.
        If `where` is not boolean.
    ValueError
        If an axis is out of range or repeated.
        If `where` does not broadcast to the shape of `z`.

    Notes
    -----
    P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax
    functions", IMA Journal of Numerical Analysis 41 (2021), show why the shift by the largest
    logit does no harm, and why the sum over its rivals gains accuracy.

    Examples
    --------
    >>> print(f"{logsumexp([1000.0, 1000.0]):.4f}")
    1000.6931
    >>> logsumexp([[1.0, 2.0], [3.0, 4.0]], axis=0).round(4)
    array([3.1269, 4.1269])
    """
    if not keepdims and is_one_block(z, axis, where):
        result = _kernels.logsumexp_small(z) if _kernels.is_small(z) else None
        if result is None:
            with np.errstate(all="ignore"):
                result = _kernels.logsumexp(one_block(z)).astype(z.dtype)
        return result.reshape(z.shape[:-1])[()]
    z, dtype = _checks.real(z, "z")
    over = _checks.axes(axis, z.ndim)
    if where is not None:
        where = _checks.mask(where, z.shape)
    left = [n for a, n in enumerate(z.shape) if a not in over]
    kept = [1 if a in over else n for a, n in enumerate(z.shape)]
    result = np.full(math.prod(left), -np.inf, dtype)
    with np.errstate(all="ignore"):
        for rows, block in blocks(z, dtype, over, where=where):
            result[rows] = _kernels.logsumexp(block)
    return result.reshape(kept if keepdims else left)[()]


@_checks.names_arguments
def log_softmax(z, axis=-1, *, out=None, where=None):
    r"""Return the logarithm of the softmax of `z`.

    .. math:: \log y_i = z_i - \log \sum_j e^{z_j}

    For the class :math:`i` with the largest logit, the result is
    :math:`-\log(1 + \sum_{j \ne i} e^{z_j - z_i})`. This sum over the rivals keeps the digits of
    the logarithm as :math:`y_i` approaches 1.

    Parameters
    ----------
    z : array_like
        The logits.
    axis : int, tuple of ints or None
        The axis, or axes, that hold the classes. None means all of them.
    out : ndarray, optional
        The array to write the result to, with the shape and dtype of the result. It may be `z`.
    where : array_like, optional
        A boolean array that broadcasts to the shape of `z`. A class at which it is false gets
        :math:`-\infty`, and its logit is not read.

    Returns
    -------
    ndarray
        The log-probabilities, in nats, of the shape of `z`; `out` itself if it is given. A row
        that is all :math:`-\infty` or fully masked has no distribution, and gives nan.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.
        If `axis` is not an int, a tuple of ints or None.
        If `where` is not boolean.
        If `out` is not an array, or its dtype is not that of the result.
    ValueError
        If an axis is out of range or repeated.
        If `where` does not broadcast to the shape of `z`.
        If the shape of `out` is not that of the result, or `out` is read-only.

    Examples
    --------
    >>> log_softmax([0.0, 0.0]).round(4)
    array([-0.6931, -0.6931])
    >>> print(f"{log_softmax([40.0, 0.0])[0]:.4e}")
    -4.2484e-18
    """
    return _like_z(_kernels.log_softmax, _kernels.log_softmax_small, z, axis, out, where)


@_checks.names_arguments
def softmax(z, axis=-1, *, out=None, where=None):
    r"""Return the softmax of `z`: outputs from 0 to 1 that sum to one.

    .. math:: y_i = \frac{e^{z_i}}{\sum_j e^{z_j}}

    Parameters
    ----------
    z : array_like
        The logits.
    axis : int, tuple of ints or None
        The axis, or axes, that hold the classes. None means all of them.
    out : ndarray, optional
        The array to write the result to, with the shape and dtype of the result. It may be `z`.
    where : array_like, optional
        A boolean array that broadcasts to the shape of `z`. A class at which it is false gets
        exactly 0, and its logit is not read.

    Returns
    -------
    ndarray
        The probabilities, of the shape of `z`; `out` itself if it is given. Logits at
        :math:`+\infty` share the probability equally. A row that is all :math:`-\infty` or fully
        masked has no distribution, and gives nan, which ``np.nan_to_num`` turns into 0.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.
        If `axis` is not an int, a tuple of ints or None.
        If `where` is not boolean.
        If `out` is not an array, or its dtype is not that of the result.
    ValueError
        If an axis is out of range or repeated.
        If `where` does not broadcast to the shape of `z`.
        If the shape of `out` is not that of the result, or `out` is read-only.

    Notes
    -----
    The name is from J. S. Bridle, "Training stochastic model recognition algorithms as networks can
    lead to maximum mutual information estimation of parameters", NIPS 2 (1990).

    Examples
    --------
    >>> softmax([2.0, 1.0, 0.0]).round(4)
    array([0.6652, 0.2447, 0.09  ])
    >>> softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    >>> softmax([2.0, 1.0, 0.0], where=[True, False, True]).round(4)
    array([0.8808, 0.    , 0.1192])
    """
    return _like_z(_kernels.softmax, _kernels.softmax_small, z, axis, out, where)


def softmax_jacobian(z):
    r"""Return the Jacobian of softmax at `z`, over the last axis.

    .. math:: J_{ij} = \frac{\partial y_i}{\partial z_j} = y_i (\delta_{ij} - y_j)

    The matrix is symmetric, and its rows sum to zero. For the largest output,
    :math:`1 - y_i` on the diagonal is computed from the sum over its rivals, so that it keeps its
    digits as :math:`y_i` approaches 1.

    Parameters
    ----------
    z : array_like
        The logits, of shape (…, K).

    Returns
    -------
    ndarray
        The Jacobians, of shape (…, K, K).

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.
    ValueError
        If `z` has no class axis.

    Examples
    --------
    >>> softmax_jacobian([0.0, 0.0])
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    z, dtype = _checks.real(z, "z")
    _checks.check_classes(z, needs_one=False)
    classes = z.shape[-1]
    result = np.empty((z.size // max(classes, 1), classes, classes), dtype)
    with np.errstate(all="ignore"):
        for rows, block in blocks(z, dtype, (z.ndim - 1,)):
            _kernels.jacobian(*_kernels.softmax_and_complement(block), out=result[rows])
    return result.reshape(*z.shape, classes)


def softmax_jvp(z, v, *, axis=-1, where=None):
    r"""Return the Jacobian of softmax at `z` times `v`, without forming the K × K matrix.

    .. math:: (J v)_i = y_i \Bigl(v_i - \sum_j y_j v_j\Bigr)

    It is the rate at which the outputs change when the logits move in the direction `v`. Because
    J is symmetric, it is also the vector-Jacobian product that back-propagation needs.

    Parameters
    ----------
    z : array_like
        The logits.
    v : array_like
        The direction, of the shape of `z`.
    axis : int
        The axis of the classes.
    where : array_like, optional
        A boolean array that broadcasts to the shape of `z`. A class at which it is false gets
        exactly 0, and its logit and its direction are not read.

    Returns
    -------
    ndarray
        The product, of the shape of `z`. A row that is fully masked has no outputs, and gives nan.

    Raises
    ------
    TypeError
        If `z` or `v` does not hold real numbers.
        If `axis` is not an int.
        If `where` is not boolean.
    ValueError
        If `z` has no class axis, or `axis` is out of range.
        If the shape of `v` is not that of `z`.
        If `where` does not broadcast to the shape of `z`.

    Examples
    --------
    >>> softmax_jvp([0.0, 0.0], [1.0, 0.0])
    array([ 0.25, -0.25])
    >>> softmax_jvp([0.0, 0.0, 0.0], [-1.0, 0.0, 9.0], where=[True, True, False])
    array([-0.25,  0.25,  0.  ])
    """
    z, dtype = _checks.real(z, "z")
    axis = _checks.class_axis(axis, z.ndim)
    _checks.check_classes(z, needs_one=False, axis=axis)
    v, _ = _checks.real(v, "v")
    _checks.same_shape(v, "v", z)
    if where is not None:
        where = _checks.mask(where, z.shape)
        v = np.where(where, v, v.dtype.type(0))
    v = np.moveaxis(v, axis, -1).reshape(z.size // max(z.shape[axis], 1), z.shape[axis])
    result = np.empty(z.shape, dtype)
    with np.errstate(all="ignore"):
        for rows, block in blocks(z, dtype, (axis,), out=result, where=where):
            outputs, _ = _kernels.softmax_and_complement(block)
            block.out[...] = _kernels.jvp(outputs, _kernels.widened(v[rows]))
    return result


def _like_z(kernel, small, z, axis, out, where):
    """Return the result of a kernel, in the shape of `z`; `small` is its short path for small arrays."""
    if is_one_block(z, axis, where, out):
        if _kernels.is_small(z):
            return small(z, out)
        result = np.empty(z.shape, z.dtype) if out is None else out
        if (block := one_block(z, result)) is not None:
            with np.errstate(all="ignore"):
                kernel(block)
            return result
    z, dtype = _checks.real(z, "z")
    over = _checks.axes(axis, z.ndim)
    if where is not None:
        where = _checks.mask(where, z.shape)
    if out is not None:
        _checks.check_out(out, z.shape, dtype)
    result = np.empty(z.shape, dtype) if out is None else out
    with np.errstate(all="ignore"):
        for _, block in blocks(z, dtype, over, result, where):
            kernel(block)
    return result[()] if out is None else out
