"""The formulas in 50-digit arithmetic, and how far a float may be from them.

Infinite, nan and undefined results are floats here; all others are mpmath numbers of 50 digits.
"""

import collections
import functools
import math

import mpmath
import numpy as np

DIGITS = 50
UNIT = {np.dtype(np.float16): 2.0**-11, np.dtype(np.float32): 2.0**-24, np.dtype(np.float64): 2.0**-53}

digits = mpmath.workdps(DIGITS)  # a decorator; the small functions below are called under it


def exact(a):
    """Return a number as it is, in 50 digits."""
    return a if isinstance(a, mpmath.mpf) else mpmath.mpf(float(a))


def times(a, b):
    """Return a·b, and 0 if either is 0."""
    return a * b if a != 0 and b != 0 else mpmath.mpf(0)


def dot(a, b):
    """Return Σ a_j b_j, without the terms that have a factor of 0."""
    return mpmath.fsum(map(times, a, b))


class Row:
    """The softmax of a row of logits.

    For each class: the output `y`, the outputs of the others `rest`, and −log y as `minus_log`, without cancellation.
    `m` is the largest logit, and `log` the rest of the log-sum-exp. A row with nan, or with no logit above −∞, is not
    `defined`, and has only `m`. Each distinct value is computed once.
    """

    @digits
    def __init__(self, z):
        logits = [a if isinstance(a, mpmath.mpf) else float(a) for a in z]
        counts = collections.Counter(logits)
        values = sorted(counts)
        self.m = mpmath.nan if any(a != a for a in values) else exact(values[-1] if values else -np.inf)
        self.defined = self.m > -mpmath.inf
        if not self.defined:
            return
        place = {a: i for i, a in enumerate(values)}
        self._at = [place[a] for a in logits]
        if self.m == mpmath.inf:
            e = [exact(a == np.inf) for a in values]
        else:
            e = [mpmath.exp(exact(a) - self.m) for a in values]
        rivals, below, above = [], exact(0), exact(0)
        for a, value in zip(e, values):
            rivals.append(below + (counts[value] - 1) * a)
            below += counts[value] * a
        for i in reversed(range(len(e))):
            rivals[i] += above
            above += counts[values[i]] * e[i]
        self._e, self._rivals, self._total = e, rivals, below
        self._minus_log = [mpmath.log1p(r / a) if a else mpmath.inf for a, r in zip(e, rivals)]
        self.log = self._minus_log[-1]

    def _each(self, values):
        return [values[i] for i in self._at]

    @functools.cached_property
    @digits
    def y(self):
        return self._each([a / self._total for a in self._e])

    @functools.cached_property
    @digits
    def rest(self):
        return self._each([r / self._total for r in self._rivals])

    @functools.cached_property
    def minus_log(self):
        return self._each(self._minus_log)

    @digits
    def rivals(self, c):
        """Return the sum of e^{z_j − z_c} over the rivals j of class c."""
        return self._rivals[self._at[c]] / self._e[self._at[c]]

    @digits
    def change(self, v):
        """Return the product of the Jacobian with v, and how large the terms of each sum are."""
        truth = [y * dot(self.y, [a - b for b in v]) for y, a in zip(self.y, v)]
        best = max(self.y)
        tops = [a for y, a in zip(self.y, v) if y > best * 0.999]
        spread = [max(abs(a - top) for top in tops) for a in v]
        mean = mpmath.fsum(y * s for y, s in zip(self.y, spread))
        return truth, [y * (s + mean) for y, s in zip(self.y, spread)]


def undefined(n):
    """Return n times nan."""
    return [mpmath.nan] * n


# The outputs


def softmax(z):
    """Return the outputs of a row."""
    r = Row(z)
    return r.y if r.defined else undefined(len(z))


def log_softmax(z):
    """Return the logarithms of the outputs of a row."""
    r = Row(z)
    return [-a for a in r.minus_log] if r.defined else undefined(len(z))


@digits
def logsumexp(z):
    """Return log Σ e^z of a row."""
    r = Row(z)
    return r.m + r.log if r.defined else r.m


def rivals(z, c):
    """Return the sum of e^{z_j − z_c} over the rivals j of class c."""
    return Row(z).rivals(c)


@digits
def jacobian(z):
    """Return the derivatives of the outputs, a row for each output."""
    r, k = Row(z), range(len(z))
    if not r.defined:
        return [undefined(len(z)) for _ in k]
    return [[r.y[i] * r.rest[i] if i == j else -r.y[i] * r.y[j] for j in k] for i in k]


@digits
def sigmoid(z):
    """Return 1/(1 + e^{−z}) and 1/(1 + e^z)."""
    if math.isnan(z):
        return mpmath.nan, mpmath.nan
    if math.isinf(z):
        return exact(z > 0), exact(z < 0)
    small, large = (1 / (1 + mpmath.exp(a)) for a in (abs(exact(z)), -abs(exact(z))))
    return (large, small) if z >= 0 else (small, large)


def logistic(z):
    """Return 1/(1 + e^{−z})."""
    return sigmoid(z)[0]


def softplus(a):
    """Return log(1 + e^a)."""
    if math.isinf(a):
        return exact(max(a, 0.0))
    return max(exact(a), 0) + mpmath.log1p(mpmath.exp(-abs(exact(a))))


# The costs of a case: each function returns the cost, its gradient, and the scale of the roundings in either


@digits
def class_cost(z, t):
    """Cross-entropy of softmax, for a label or a distribution; None where the sum of the targets overflows."""
    r, exactly = Row(z), [0] * len(z)
    if not r.defined:
        return mpmath.nan, undefined(len(z)), 0, exactly
    if np.ndim(t) == 0:
        return r.minus_log[t], [-r.rest[i] if i == t else y for i, y in enumerate(r.y)], 0, exactly
    t = [exact(a) for a in t]
    mass = mpmath.fsum(t)
    if mass > float(np.finfo(float).max):
        return None, [None] * len(z), 0, exactly  # a sum of targets that no float holds
    C = dot(t, r.minus_log)
    slope, scales = [y * mass - a for y, a in zip(r.y, t)], [mass * y + a for y, a in zip(r.y, t)]
    top = r.y.index(max(r.y))
    others = mpmath.fsum(t[:top] + t[top + 1 :])
    slope[top] = others - mass * r.rest[top]
    scales[top] = max(scales[top], others + mass * r.rest[top])
    # Numbers below the smallest normal one have lost digits, however large the targets are.
    floor = mass * exact(np.finfo(float).tiny)
    return C, slope, C + floor, [s + floor for s in scales]


def label(z, c):
    """Return the cost of a label, and the entry of the gradient at it."""
    r = Row(z)
    return r.minus_log[c], -r.rest[c]


def slope(z, t):
    """Return the gradient of the cross-entropy of softmax, for a label or a distribution."""
    return class_cost(z, t)[1]


@digits
def units_cost(z, t):
    """Cross-entropy of independent logistic units."""
    terms, slope, scale = [], [], []
    for a, b in zip(z, t):
        y, rest = sigmoid(a)
        b = exact(b)
        terms.append(mpmath.nan if math.isnan(a) else times(b, softplus(-a)) + times(1 - b, softplus(a)))
        slope.append(residual(y, rest, b))
        scale.append(y + b if y < 0.5 else rest + 1 - b)
    return mpmath.fsum(terms), slope, 0, scale


def residual(y, rest, t):
    """Return y − t; with y near 1 this is (1 − t) − (1 − y), and needs its digits."""
    return y - t if y < 0.5 else (1 - t) - rest


@digits
def square_cost(z, t, output):
    """½ Σ (y − t)² of an output function; with infinities and nan None, unless the outputs are linear."""
    if output == "linear" and not np.isfinite([z, t]).all():
        v = [float(a) - float(b) for a, b in zip(z, t)]
        return exact(sum(a * a for a in v)), [exact(a) for a in v], 0, [0] * len(v)
    r = Row(z) if output == "softmax" else None
    if np.isnan(z).any() or not np.isfinite(t).all() or (r and not r.defined):
        return None, [None] * len(z), 0, [0] * len(z)
    t = [exact(a) for a in t]
    if output == "linear":
        v = [exact(a) - b for a, b in zip(z, t)]
        return half_squares(v), v, 0, [0] * len(v)
    y, rest = (r.y, r.rest) if r else zip(*map(sigmoid, z))
    v = [residual(*a) for a in zip(y, rest, t)]
    size = [a + abs(b) if a < 0.5 else c + abs(1 - b) for a, c, b in zip(y, rest, t)]
    if r:
        slope, scale = r.change(v)
        spread = dot(y, size) + max(b for a, b in zip(y, size) if a > max(y) * 0.999)
        scale = [s + a * (b + spread) for s, a, b in zip(scale, y, size)]
    else:
        slope = [a * b * c for a, b, c in zip(y, rest, v)]
        scale = [a * b * c for a, b, c in zip(y, rest, size)]
    # An output below the smallest normal number has lost digits, however large the target is.
    floor = exact(np.finfo(float).tiny) * max([1, *map(abs, v)])
    return half_squares(v), slope, dot(map(abs, v), size), [s + floor for s in scale]


def half_squares(v):
    """Return ½ Σ v²; infinity where Σ v² overflows, though half of it would not."""
    C = mpmath.fsum(a * a for a in v) / 2
    return mpmath.inf if 2 * C > float(np.finfo(float).max) else C


@digits
def layer_cost(h, W, t, b, w):
    """The cross-entropy of a linear layer, summed with weights w, its gradients by h, W and b, and their scales."""
    (n, d), k = h.shape, len(W)
    b = np.zeros(k) if b is None else b.astype(float)
    C, spread = exact(0), exact(0)
    shapes = ((n, d), (k, d), (k,))
    truth, scale = ([objects([exact(0)] * math.prod(s), s) for s in shapes] for _ in range(2))
    h, W = (objects([exact(x) for x in a.flat], a.shape) for a in (h, W))
    for i in np.flatnonzero(w):
        weight = exact(w[i])
        products = [[h[i, m] * W[j, m] for m in range(d)] for j in range(k)]
        z = [mpmath.fsum(p) + exact(c) for p, c in zip(products, b)]
        size = max(mpmath.fsum(map(abs, p)) + (abs(exact(c)) if np.isfinite(c) else 0) for p, c in zip(products, b))
        cost, g, *_ = class_cost(z, t[i])
        C += weight * cost
        spread = spread + weight * size
        g = [weight * a for a in g]
        for j in range(k):
            # A logit that is off by some roundings puts the outputs off by as much, of themselves.
            off = abs(g[j]) * (1 + 2 * size)
            for sums, scales, factor in ((truth[0][i], scale[0][i], W[j]), (truth[1][j], scale[1][j], h[i])):
                for m in range(d):
                    sums[m] += g[j] * factor[m]
                    scales[m] += off * abs(factor[m])
            truth[2][j] += g[j]
            scale[2][j] += off
    return C, C + spread, truth, scale


# The comparison


def objects(values, shape):
    """Return an array of 50-digit numbers."""
    result = np.empty(math.prod(shape), object)
    result[:] = values
    return result.reshape(shape)


@digits
def error(values, truth):
    """Return the largest relative error of floats, in units of their dtype's roundoff.

    Below the smallest normal number, where floats are evenly spaced, it is relative to that.
    """
    values = np.asarray(values)
    tiny = float(np.finfo(values.dtype).tiny)
    flat = np.array(truth, dtype=object).reshape(-1)
    pairs = zip(values.reshape(-1).tolist(), flat, strict=True)
    worst = max((abs(exact(a) - b) / max(abs(b), tiny) for a, b in pairs), default=0)
    return float(worst / UNIT[values.dtype])


def rounded(truth, dtype=np.float64):
    """Return the truth as an array of floats."""
    flat = np.array(truth, dtype=object)
    return np.array([float(a) for a in flat.reshape(-1)], dtype).reshape(flat.shape)


@digits
def near(value, truth, scale, dtype, limit):
    """Return True if a float is as near the truth as roundings of numbers as large as `scale` allow."""
    if truth is None:
        return True
    if mpmath.isnan(truth) or mpmath.isinf(truth):
        return math.isnan(value) if mpmath.isnan(truth) else value == truth
    info = np.finfo(dtype)
    allowed = limit * UNIT[dtype] * max(scale, abs(truth), float(info.tiny))
    if math.isinf(value):
        return value * truth > 0 and abs(truth) + allowed >= float(info.max)
    return not math.isnan(value) and abs(exact(value) - truth) <= allowed


def check(result, truth, dtype, scale=None, limit=16, like_numpy=True):
    """Compare the type, shape, dtype and numbers of a result with the truth."""
    dtype = np.dtype(dtype)
    if like_numpy:
        kind = np.ndarray if truth.ndim else np.generic
        assert isinstance(result, kind), f"{type(result)} instead of {kind}"
    result = np.asarray(result)
    assert result.shape == truth.shape, f"shape {result.shape} instead of {truth.shape}"
    assert result.dtype.newbyteorder("=") == dtype, f"dtype {result.dtype} instead of {dtype}"
    scale = np.zeros(truth.shape) if scale is None else scale
    limit = 2 if dtype == np.float16 else limit
    for i, b in np.ndenumerate(truth):
        a = result[i].item()
        assert near(a, b, scale[i], dtype, limit), f"{a!r} at {i} instead of {mpmath.nstr(b, 17)}"
