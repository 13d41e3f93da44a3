"""The output functions: logistic, softmax, its logarithm, and its derivative.

All take arrays of booleans, integers, float16, float32 or float64, and refuse other dtypes and masked
arrays with a TypeError, ragged lists with a ValueError. The result has the dtype of `z`: float16
(computed in float32), float32 or float64; booleans and integers become float64. The input is never
written to, unless it is also `out`. Infinities take their limits and no warning escapes.
"""

import math

import numpy as np

from smlib import _arrays, _kernels

__all__ = ["logistic", "logsumexp", "log_softmax", "softmax", "softmax_jacobian", "softmax_jvp"]


def logistic(z):
    r"""Return the logistic function of `z`, entry by entry.

    .. math:: y = \frac{1}{1 + e^{-z}}

    It is softmax for two classes, of which one has the logit `z` and the other 0. Nothing
    overflows, and small outputs keep all their digits, down to the smallest normal number.

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
    x, dtype = _arrays.real(z, "z")
    with np.errstate(all="ignore"):
        y, _ = _kernels.logistic_and_complement(x.astype(_arrays.computed_in(dtype), copy=False))
        return y.astype(dtype, copy=False)[()]


def logsumexp(z, axis=-1, *, keepdims=False, where=None):
    r"""Return the soft maximum of `z`, the logarithm of softmax's denominator.

    .. math:: \operatorname{lse}(z) = \log \sum_j e^{z_j}
        = m + \log\Bigl(1 + \sum_{j \ne c} e^{z_j - m}\Bigr), \qquad m = z_c = \max_j z_j

    It lies between the largest logit and that plus :math:`\log K`.

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
        out, and what stands there is not read.

    Returns
    -------
    ndarray
        The logarithms, in nats; a NumPy scalar if no axis is left. A sum over nothing, whether
        the axis is empty, masked or all :math:`-\infty`, has the logarithm :math:`-\infty`.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers, `axis` integers, or `where` booleans.
    ValueError
        If `axis` is out of range or repeated, or `where` does not broadcast.

    Notes
    -----
    P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax
    functions", IMA Journal of Numerical Analysis 41 (2021), show why the shift by the largest
    logit is harmless, and the sum over its rivals a gain.

    Examples
    --------
    >>> print(f"{logsumexp([1000.0, 1000.0]):.4f}")
    1000.6931
    >>> logsumexp([[1.0, 2.0], [3.0, 4.0]], axis=0).round(4)
    array([3.1269, 4.1269])
    """
    if not keepdims and _arrays.is_block(z, axis, where):
        result = _kernels.logsumexp_small(z) if z.size <= _kernels.SMALL else None
        if result is None:
            x = _arrays.matrix(z)
            with np.errstate(all="ignore"):
                result = _kernels.logsumexp(x, np.empty_like(x), _kernels.Room()).astype(z.dtype)
        return result.reshape(z.shape[:-1])[()]
    z, dtype = _arrays.real(z, "z")
    over = _arrays.axes(axis, z.ndim)
    if where is not None:
        where = _arrays.mask(where, z.shape)
    left = [n for a, n in enumerate(z.shape) if a not in over]
    kept = [1 if a in over else n for a, n in enumerate(z.shape)]
    result = np.full(math.prod(left), -np.inf, dtype)

    def kernel(x, e, y, room, rows):
        result[rows] = _kernels.logsumexp(x, e, room)

    _arrays.rowwise(kernel, z, dtype, over, where=where)
    return result.reshape(kept if keepdims else left)[()]


def log_softmax(z, axis=-1, *, out=None, where=None):
    r"""Return the logarithm of the softmax of `z`.

    .. math:: \log y_i = z_i - \log \sum_j e^{z_j}

    The class with the largest logit gets
    :math:`-\log(1 + \sum_j e^{z_j - z_i})`, the sum over its rivals :math:`j`: as
    :math:`y_i` nears 1, its logarithm keeps its digits.

    Parameters
    ----------
    z : array_like
        The logits.
    axis : int, tuple of ints or None
        The axis, or axes, that hold the classes. None means all of them.
    out : ndarray, optional
        Where the result goes: an array of its shape and dtype, which may be `z`.
    where : array_like, optional
        A boolean array that broadcasts to the shape of `z`. A class at which it is false gets
        :math:`-\infty`, and what stands there is not read.

    Returns
    -------
    ndarray
        The log-probabilities, in nats, of the shape of `z`; `out` if that is given. A row that is
        all :math:`-\infty`, or masked altogether, has no distribution: it is nan.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers, `axis` integers, or `where` booleans, or `out` is no
        array or has another dtype than the result.
    ValueError
        If `axis` is out of range or repeated, `where` does not broadcast, or `out` has another
        shape than the result or is read-only.

    Examples
    --------
    >>> log_softmax([0.0, 0.0]).round(4)
    array([-0.6931, -0.6931])
    >>> print(f"{log_softmax([40.0, 0.0])[0]:.4e}")
    -4.2484e-18
    """
    return _like_z(_kernels.log_softmax, _kernels.log_softmax_small, z, axis, out, where)


def softmax(z, axis=-1, *, out=None, where=None):
    r"""Return the softmax of `z`: positive outputs that sum to one.

    .. math:: y_i = \frac{e^{z_i}}{\sum_j e^{z_j}}

    Parameters
    ----------
    z : array_like
        The logits.
    axis : int, tuple of ints or None
        The axis, or axes, that hold the classes. None means all of them.
    out : ndarray, optional
        Where the result goes: an array of its shape and dtype, which may be `z`.
    where : array_like, optional
        A boolean array that broadcasts to the shape of `z`. A class at which it is false gets
        exactly 0, and what stands there is not read.

    Returns
    -------
    ndarray
        The probabilities, of the shape of `z`; `out` if that is given. Logits at
        :math:`+\infty` share the mass equally. A row that is all :math:`-\infty`, or masked
        altogether, has no distribution: it is nan.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers, `axis` integers, or `where` booleans, or `out` is no
        array or has another dtype than the result.
    ValueError
        If `axis` is out of range or repeated, `where` does not broadcast, or `out` has another
        shape than the result or is read-only.

    Notes
    -----
    The name is J. S. Bridle's, "Training stochastic model recognition algorithms as networks can
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
    r"""Return the derivative of the softmax of `z`, over the last axis.

    .. math:: J_{ij} = \frac{\partial y_i}{\partial z_j} = y_i (\delta_{ij} - y_j)

    It is symmetric, and its rows sum to zero. On the diagonal, :math:`1 - y_i` is summed over
    the rivals of class :math:`i`, so that no digits cancel.

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
    z, dtype = _arrays.real(z, "z")
    _arrays.check_classes(z, "z", needs_one=False)
    classes = z.shape[-1]
    result = np.empty((z.size // max(classes, 1), classes, classes), dtype)

    def kernel(x, e, y, room, rows):
        _kernels.jacobian(*_kernels.softmax_and_complement(x, room), out=result[rows])

    _arrays.rowwise(kernel, z, dtype, (z.ndim - 1,))
    return result.reshape(*z.shape, classes)


def softmax_jvp(z, v):
    r"""Return the Jacobian of the softmax of `z` times `v`, without the K × K matrix.

    .. math:: (J v)_i = y_i \Bigl(v_i - \sum_j y_j v_j\Bigr)

    It is the rate at which the outputs change when the logits move in the direction `v`. As J is
    symmetric, it is also the vector-Jacobian product that back-propagation needs.

    Parameters
    ----------
    z : array_like
        The logits, of shape (…, K).
    v : array_like
        The direction, of the shape of `z`.

    Returns
    -------
    ndarray
        The product, of the shape of `z`.

    Raises
    ------
    TypeError
        If `z` or `v` does not hold real numbers.
    ValueError
        If `z` has no class axis, or `v` has another shape.

    Examples
    --------
    >>> softmax_jvp([0.0, 0.0], [1.0, 0.0])
    array([ 0.25, -0.25])
    """
    z, dtype = _arrays.real(z, "z")
    _arrays.check_classes(z, "z", needs_one=False)
    v, _ = _arrays.real(v, "v")
    _arrays.same_shape(z, v, "z", "v")
    v = v.reshape(z.size // max(z.shape[-1], 1), z.shape[-1])
    result = np.empty(z.shape, dtype)

    def kernel(x, e, y, room, rows):
        outputs, _ = _kernels.softmax_and_complement(x, room)
        y[...] = _kernels.jvp(outputs, v[rows].astype(np.float64))

    _arrays.rowwise(kernel, z, dtype, (z.ndim - 1,), out=result)
    return result


def _like_z(kernel, small, z, axis, out, where):
    """Run a kernel whose result has the shape of `z`, or its short way for a `small` array."""
    block = _arrays.is_block(z, axis, where, out)
    if block and z.size <= _kernels.SMALL:
        result = small(z, out)
        if result is not None:
            return result
    if block and (out is None or not np.may_share_memory(out, z)):
        if out is None:
            out = np.empty(z.shape, z.dtype)
        y = _arrays.matrix(out)
        with np.errstate(all="ignore"):
            kernel(_arrays.matrix(z), y, y, _kernels.Room())
        return out
    z, dtype = _arrays.real(z, "z")
    over = _arrays.axes(axis, z.ndim)
    if where is not None:
        where = _arrays.mask(where, z.shape)
    if out is not None:
        _arrays.check_out(out, z.shape, dtype)
    result = np.empty(z.shape, dtype) if out is None else out

    def rows_kernel(x, e, y, room, rows):
        kernel(x, e, y, room)

    _arrays.rowwise(rows_kernel, z, dtype, over, out=result, where=where)
    return result[()] if out is None else out
