"""Numerical check of analytic gradients."""

import numpy as np

from smlib import _checks

__all__ = ["check_gradient"]

# The imaginary step. Next to an x of ordinary size its square vanishes, so that no truncation error
# is left.
_COMPLEX_STEP = 1e-20


def check_gradient(f, x, gradient, *, method="central", step=None, entrywise=False):
    r"""Return the relative error of `gradient` against a numerical derivative of `f` at `x`.

    .. math:: \frac{\|\text{gradient} - D\|_\infty}
        {\max(\|\text{gradient}\|_\infty, \|D\|_\infty)}, \qquad
        D_k = \frac{f(x + h e_k) - f(x - h e_k)}{2h} \quad\text{or}\quad
        D_k = \frac{\operatorname{Im} f(x + i h e_k)}{h}

    With central differences in float64, a correct gradient has an error of about
    :math:`10^{-10}`. The rounding error of the differences is proportional to `f` itself: where
    the gradient is a billion times smaller than `f`, as on a plateau, they are only noise. The
    complex step has no such limit.

    This error is measured against the largest entry, so that an error in an entry much smaller than
    that is not seen. With ``entrywise=True``, each entry is measured against itself,
    :math:`|\text{gradient}_k - D_k| / \max(|\text{gradient}_k|, |D_k|)`. Then the noise of the
    central differences shows too: use the complex step for entries much smaller than `f`.

    Parameters
    ----------
    f : callable
        A function of one array that returns real numbers, in any shape: a cost, or a vector of
        outputs. It is called with copies of `x`.
    x : array_like
        The point, an array of floats.
    gradient : array_like
        The gradient of `f` evaluated at `x`, of shape ``f(x).shape + x.shape``: the shape of `x`
        for a cost, the Jacobian for a vector.
    method : {"central", "complex-step"}
        Central differences, or the complex step. The complex step needs an `f` that takes complex
        input and is analytic, without absolute values, comparisons or maxima. The functions of
        smlib raise TypeError for complex input.
    step : float, optional
        The step h. By default :math:`\varepsilon^{1/3} \max(1, |x_k|)` for central differences,
        where :math:`\varepsilon` is the machine epsilon of the dtype of `x`, and
        :math:`10^{-20}` for the complex step.
    entrywise : bool
        Whether to return the error of each entry.

    Returns
    -------
    float, or ndarray of the shape of `gradient`
        The error: about 0 for a correct gradient, at most 2 for a wrong one. It is inf if a nan or
        an infinity in `f` or `gradient` leaves nothing to compare, so that this never looks like
        agreement. With `entrywise`, it is inf only in the entries where this is so, and 0 where an
        entry and its derivative are both 0.

    Raises
    ------
    TypeError
        If `x` does not hold floats.
        If `gradient` or ``f(x)`` does not hold real numbers.
        If `step` is not a number.
        If `f` drops the imaginary part of the complex step.
    ValueError
        If `gradient` has another shape than ``f(x).shape + x.shape``.
        If `x` or ``f(x)`` has no entries.
        If `method` is unknown.
        If `step` is not positive and finite, or so small that rounding removes it.

    Notes
    -----
    The complex step is from W. Squire and G. Trapp, "Using complex variables to estimate
    derivatives of real functions", SIAM Review 40 (1998).

    Examples
    --------
    >>> def f(x):
    ...     return (x**3).sum()
    >>> x = np.array([1.0, 2.0])
    >>> check_gradient(f, x, 3 * x**2) < 1e-9
    True
    >>> print(f"{check_gradient(f, x, 2 * x**2):.3f}")
    0.333
    >>> check_gradient(f, x, 3 * x**2, method="complex-step") < 1e-15
    True

    A wrong entry that is much smaller than the largest is seen entry by entry:

    >>> x = np.array([0.001, 1.0])
    >>> wrong = [6e-6, 3.0]
    >>> print(f"{check_gradient(f, x, wrong, method='complex-step'):.6f}")
    0.000001
    >>> check_gradient(f, x, wrong, method="complex-step", entrywise=True).round(3)
    array([0.5, 0. ])
    """
    _checks.check_choice(method, "method", ("central", "complex-step"))
    if step is not None and (np.ndim(step) or np.asarray(step).dtype.kind not in "iuf"):
        raise TypeError(f"step = {step!r} is not a number: it must be a positive, finite number")
    if step is not None and not 0 < step < np.inf:
        raise ValueError(f"step = {step!r}: it must be a positive, finite number")
    x = _checks.array(x, "x")
    if x.dtype.kind != "f":
        raise TypeError(f"x has dtype {x.dtype}: it must hold floats, to be moved by a small step")
    if x.size == 0:
        raise ValueError(f"x has shape {x.shape}: it must have at least one entry")
    gradient = _real(gradient, "gradient")
    shape = _real(f(x.copy()), "f(x)").shape
    if gradient.shape != shape + x.shape:
        raise ValueError(
            f"gradient has shape {gradient.shape}: with f(x) of shape {shape} "
            f"and x of shape {x.shape}, it must have shape {shape + x.shape}"
        )
    if gradient.size == 0:
        raise ValueError(f"f(x) has shape {shape}: it must have at least one entry")
    derivative = _central_difference if method == "central" else _complex_step
    numerical = np.empty(shape + x.shape)
    for k in np.ndindex(x.shape):
        numerical[(..., *k)] = derivative(f, x, k, step)
    return _relative_error(gradient.astype(np.float64), numerical, entrywise)


def _real(a, name):
    """Return `a` as an array of real numbers."""
    a = _checks.array(a, name)
    if a.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {a.dtype}: it must hold real numbers")
    return a


def _central_difference(f, x, k, step):
    """Return (f(x + h e_k) − f(x − h e_k)) / 2h, where 2h is the distance left by rounding."""
    if step is None:
        step = np.finfo(x.dtype).eps ** (1 / 3) * max(1.0, abs(float(x[k])))
    right, left = x.copy(), x.copy()
    with np.errstate(all="ignore"):
        right[k] += step
        left[k] -= step
        width = float(right[k]) - float(left[k])
    if width == 0:
        at = ", ".join(map(str, k))
        raise ValueError(f"step = {step!r} is lost to rounding at x[{at}] = {x[k]}: it must be larger")
    up = _real(f(right), "f(x)").astype(np.float64)
    down = _real(f(left), "f(x)").astype(np.float64)
    with np.errstate(all="ignore"):
        return (up - down) / width


def _complex_step(f, x, k, step):
    """Return Im f(x + i h e_k) / h."""
    h = _COMPLEX_STEP if step is None else step
    moved = x.astype(np.complex128)
    moved[k] += 1j * h
    value = np.asarray(f(moved))
    if value.dtype.kind != "c":
        raise TypeError(
            f"f returned {value.dtype} for a complex x: for the complex step it must keep the "
            f"imaginary part; otherwise use method='central'"
        )
    return value.imag / h


def _relative_error(a, b, entrywise):
    """Return the largest difference over the largest entry, or each over its own; inf if not finite."""
    with np.errstate(all="ignore"):
        error, size = np.abs(a - b), np.maximum(np.abs(a), np.abs(b))
        if not entrywise:
            error, size = error.max(), size.max()
        relative = np.where(np.isfinite(size), np.where(size > 0, error / size, 0.0), np.inf)
    return relative[()] if entrywise else float(relative)
