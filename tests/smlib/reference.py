"""The formulas in 50-digit arithmetic, and a measure of how far a float is from them."""

import mpmath
import numpy as np

DIGITS = 50
UNIT = {np.dtype(np.float32): 2.0**-24, np.dtype(np.float64): 2.0**-53}


def exact(z):
    """The entries of a one-dimensional array, as they are, in 50-digit numbers."""
    return [mpmath.mpf(float(a)) for a in z]


def softmax(z):
    with mpmath.workdps(DIGITS):
        e = [mpmath.exp(a) for a in exact(z)]
        total = mpmath.fsum(e)
        return [a / total for a in e]


def logsumexp(z):
    with mpmath.workdps(DIGITS):
        return mpmath.log(mpmath.fsum(mpmath.exp(a) for a in exact(z)))


def rivals(z, c):
    """The sum of e^{z_j − z_c} over the rivals j of class c."""
    values, counts = np.unique(np.delete(z, c), return_counts=True)
    own = mpmath.mpf(float(z[c]))
    with mpmath.workdps(DIGITS):
        return mpmath.fsum(int(n) * mpmath.exp(a - own) for a, n in zip(exact(values), counts))


def log_softmax(z):
    with mpmath.workdps(DIGITS):
        return [-mpmath.log1p(rivals(z, i)) for i in range(len(z))]


def jacobian(z):
    with mpmath.workdps(DIGITS):
        y = softmax(z)
        k = range(len(y))
        rest = [rivals(z, i) * y[i] for i in k]
        return [[y[i] * rest[i] if i == j else -y[i] * y[j] for j in k] for i in k]


def label_cost(z, c):
    with mpmath.workdps(DIGITS):
        return mpmath.log1p(rivals(z, c))


def label_gradient(z, c):
    with mpmath.workdps(DIGITS):
        g = softmax(z)
        g[c] = -rivals(z, c) * g[c]
        return g


def distribution_cost(z, t):
    with mpmath.workdps(DIGITS):
        return -mpmath.fsum(a * b for a, b in zip(exact(t), log_softmax(z)))


def distribution_gradient(z, t):
    with mpmath.workdps(DIGITS):
        t = exact(t)
        total = mpmath.fsum(t)
        return [y * total - a for y, a in zip(softmax(z), t)]


def logistic(a):
    with mpmath.workdps(DIGITS):
        return 1 / (1 + mpmath.exp(-mpmath.mpf(float(a))))


def logistic_cost(z, t):
    with mpmath.workdps(DIGITS):
        return mpmath.fsum(
            b * mpmath.log1p(mpmath.exp(-a)) + (1 - b) * mpmath.log1p(mpmath.exp(a)) for a, b in zip(exact(z), exact(t))
        )


def error(values, truth):
    """The largest relative error of floats, in units of their dtype's roundoff.

    Below the smallest normal number, where floats are evenly spaced, it is relative to that.
    """
    values = np.asarray(values)
    unit, tiny = UNIT[values.dtype], float(np.finfo(values.dtype).tiny)
    flat = np.array(truth, dtype=object).reshape(-1)
    worst = mpmath.mpf(0)
    with mpmath.workdps(DIGITS):
        for a, b in zip(values.reshape(-1), flat, strict=True):
            worst = max(worst, abs(mpmath.mpf(float(a)) - b) / max(abs(b), tiny))
    return float(worst / unit)


def rounded(truth, dtype=np.float64):
    """The truth as an array of floats."""
    flat = np.array(truth, dtype=object)
    return np.array([float(a) for a in flat.reshape(-1)], dtype).reshape(flat.shape)
