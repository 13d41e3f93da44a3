"""The numerical work behind `outputs` and `costs`, on one block of rows at a time.

A kernel is given by `_arrays.rowwise` a C-contiguous block `x` (rows, classes) of float32 or
float64 with at least one row and one class, and `y`, room for the result, which may be `x`
itself. It works in float64.
"""

import numpy as np

# Columns of a long row that are worked on at a time.
PIECE = 2**14

# The distance from a row's largest logit to the shift: e^{z − m + 300} keeps small rivals among
# the normal numbers, where they have all their digits, as far as their ratio to the top does.
HEADROOM = 300.0


class Shifted:
    """A block of rows under the shift of each row's largest logit, with exponentials in float64.

    e^{z − q} with a rounded difference is off by |z − q| units; here the difference's rounding
    error is carried along. A row whose largest logit is +inf stands for its limit: its entries
    at +inf share the mass, the rest have none.
    """

    def __init__(self, x):
        self.r = np.arange(len(x))
        self.top = x.argmax(axis=1)
        self.max = x[self.r, self.top].astype(np.float64)
        self.x = x
        infinite = np.flatnonzero(self.max == np.inf)
        if infinite.size:
            self.x = x.copy()
            self.x[infinite] = np.where(x[infinite] == np.inf, 0.0, -np.inf)
        self.m = np.where(self.max == np.inf, 0.0, self.max)
        self.q = self.m - HEADROOM
        n = x.shape[1]
        self.pieces = [slice(j, min(j + PIECE, n)) for j in range(0, n, PIECE)]

    def exponentials(self, columns):
        """Return e^{z − q} of the given columns (a slice, or one column number a row)."""
        if isinstance(columns, slice):
            x, q = self.x[:, columns], self.q[:, None]
        else:
            x, q = self.x[self.r, columns], self.q
        single = x.dtype == np.float32
        x = x.astype(np.float64)
        d = x - q
        if single:
            return np.exp(d)
        b = d - x
        c = (x - (d - b)) - (q + b)
        c[~np.isfinite(c)] = 0.0
        e = np.exp(d)
        return e + c * e

    def own_and_rivals(self, column):
        """Return the exponentials of one class a row, and the sum over its rivals."""
        own = self.exponentials(column)
        rivals = np.zeros(len(self.x))
        for p in self.pieces:
            e = self.exponentials(p)
            here = np.flatnonzero((p.start <= column) & (column < p.stop))
            e[here, column[here] - p.start] = 0.0
            rivals += e.sum(axis=1)
        return own, rivals

    def each(self):
        """Yield the columns and the exponentials, piece by piece from the right."""
        for p in reversed(self.pieces):
            yield p, self.exponentials(p)


def softmax(x, e, y, rows):
    """y = e^z / Σ e^z."""
    s = Shifted(x)
    own, rivals = s.own_and_rivals(s.top)
    total = (own + rivals)[:, None]
    for p, e in s.each():
        np.divide(e, total, out=y[:, p], casting="same_kind")


def logsumexp(x, e):
    """Return log Σ e^z of each row: the largest logit plus log(1 + Σ rivals), in float64."""
    s = Shifted(x)
    own, rivals = s.own_and_rivals(s.top)
    return np.where(np.isinf(s.max), s.max, s.m + np.log1p(rivals / own))


def log_softmax(x, e, y, rows):
    """y = z − log Σ e^z; the top entry, −log(1 + Σ rivals), keeps its digits near 0."""
    s = Shifted(x)
    own, rivals = s.own_and_rivals(s.top)
    m, rest = s.m[:, None], np.log1p(rivals / own)[:, None]
    for p in reversed(s.pieces):
        y[:, p] = s.x[:, p] - m - rest


def softmax_and_complement(x):
    """Return y and 1 − y in float64, each with its own digits."""
    s = Shifted(x)
    own, rivals = s.own_and_rivals(s.top)
    total = own + rivals
    y = s.exponentials(slice(None)) / total[:, None]
    complement = 1.0 - y
    complement[s.r, s.top] = rivals / total
    return y, complement


def label_cost(x, e, y, t, scale):
    """Return log(1 + Σ_{j≠t} e^{z_j − z_t}) of each row, and `scale` times its gradient in `y`."""
    s = Shifted(x)
    own, rivals = s.own_and_rivals(t)
    total = own + rivals
    gap = s.m - s.x[s.r, t]
    if y is not None:
        for p, e in s.each():
            np.multiply(e, (scale / total)[:, None], out=y[:, p], casting="same_kind")
        y[s.r, t] = -scale * (rivals / total)
    ratio = rivals / own
    return np.where(np.isfinite(ratio), np.log1p(ratio), gap + (np.log(total) - HEADROOM))


def distribution_cost(x, e, y, t, scale):
    """Return −Σ t log y of each row, and `scale` times its gradient, y Σt − t, in `y`."""
    s = Shifted(x)
    own, rivals = s.own_and_rivals(s.top)
    total = own + rivals
    t = t.astype(np.float64)
    logy = s.x.astype(np.float64) - s.m[:, None] - np.log1p(rivals / own)[:, None]
    nothing = np.where(np.isnan(logy), np.nan, 0.0)
    costs = np.where(t > 0, -t * logy, nothing).sum(axis=1)
    if y is not None:
        others = t.copy()
        others[s.r, s.top] = 0.0
        others = others.sum(axis=1)
        mass = others + t[s.r, s.top]
        g = s.exponentials(slice(None)) * (mass / total)[:, None] - t
        # y Σt − t of the top entry, where y is nearly 1: from 1 − y and from the other targets
        g[s.r, s.top] = others - mass * (rivals / total)
        y[...] = g * scale
    return costs


def logistic_and_complement(x):
    """Return 1/(1 + e^{−z}) and 1/(1 + e^z), each with its own digits at both ends."""
    e = np.exp(-np.abs(x))
    large, small = 1 / (1 + e), e / (1 + e)
    positive = x >= 0
    return np.where(positive, large, small), np.where(positive, small, large)


def logistic_cost(x, e, y, t, scale):
    """Return −Σ [t log y + (1 − t) log(1 − y)] of each row, and `scale` times y − t in `y`."""
    x = x.astype(np.float64)
    t = t.astype(np.float64)
    # −log y = max(−z, 0) + rest and −log(1 − y) = max(z, 0) + rest
    rest = np.log1p(np.exp(-np.abs(x)))
    right = np.where(t > 0, t * np.maximum(-x, 0.0), 0.0)
    wrong = np.where(t < 1, (1.0 - t) * np.maximum(x, 0.0), 0.0)
    if y is not None:
        y[...] = residual(*logistic_and_complement(x), t) * scale
    return (right + wrong + rest).sum(axis=1)


def squared_error(x, e, y, t, output, scale):
    """Return ½ Σ (y − t)² of each row, and `scale` times its gradient through `output` in `y`."""
    x = x.astype(np.float64)
    t = t.astype(np.float64)
    if output == "linear":
        v = g = x - t
    elif output == "logistic":
        outputs, complement = logistic_and_complement(x)
        v = residual(outputs, complement, t)
        g = outputs * complement * v
    else:
        outputs, complement = softmax_and_complement(x)
        v = residual(outputs, complement, t)
        g = jvp(outputs, v)
    if y is not None:
        y[...] = g * scale
    return 0.5 * (v * v).sum(axis=1)


def residual(y, complement, t):
    """Return y − t; for y near 1 as (1 − t) − (1 − y), in which nothing cancels."""
    return np.where(y > 0.5, (1.0 - t) - complement, y - t)


def jvp(y, v):
    """Return y_i (v_i − Σ_j y_j v_j), v measured from the largest output's: no digits cancel there."""
    r = np.arange(len(y))
    v = v - v[r, y.argmax(axis=1)][:, None]
    return y * (v - (y * v).sum(axis=1)[:, None])


def jacobian(y, complement, out):
    """out = diag(y) − y yᵀ of each row, its diagonal from y (1 − y)."""
    k = np.arange(y.shape[1])
    np.multiply(-y[:, :, None], y[:, None, :], out=out, casting="same_kind")
    out[:, k, k] = y * complement
