"""Numerical kernels behind `outputs` and `costs`, on one block of rows at a time.

A kernel takes

- `x`: the logits, a C-contiguous block (rows, classes) of float32 or float64, with at least one
  row and one class;
- `e`: a buffer for exponentials, never the memory of `x`. It is as wide as `x`, or narrower if
  `x` is one long row;
- `y`: the output array, or None. It may be the same array as `e` or `x`. If it is `x`, the
  kernel reads each logit before it writes there;
- `room`: the scratch arrays that all blocks of one call share, a `Room`;
- `t`: the targets of the rows, one label or one target per class;
- `count`: the divisor of the gradient, which is the number of cases for a mean and otherwise 1.

In the code, m is the largest logit of a row and q its shift; `own` is the exponential of one
class of a row, and `rivals` the sum over the other classes; `p` is a slice of columns, a piece;
`u` is an `Unshifted` and `s` a `Shifted`; `lost` holds the numbers of the rows that lost digits.

The kernels of softmax, its logarithm, log-sum-exp and the cost of labels first take e^z without
a shift and then look at the sums. Where no digits were lost, which is nearly everywhere, this is
faster than the shift and more accurate: z − m is rounded, which makes e^{z − m} wrong by up to
|z − m| units. Rows that fail the check are recomputed with the shift, in float64, and the rounding
error of the difference is taken into account. The cost of distributions always uses the shift.

The sums and costs of the rows are float64: this costs next to nothing. Only the short paths for
small arrays keep the dtype of the logits.
"""

import functools
import math

import numpy as np

# Bytes of logits in a block: logits and results stay in cache from one pass to the next. With a
# quarter of this size, the overhead of the blocks adds 10 to 30 % to the time.
BLOCK = 2**20

# The same, where the exponentials need a buffer of their own.
SCRATCH = 2**19

# Largest number of rows in a block: sums and costs of the rows take memory too.
ROWS = 2048

# Bytes of logits that are processed with the shift at a time.
PIECE = 2**17

# The shift of a row with largest logit m is q = m − HEADROOM. Then e^{z − q} is a normal number,
# with all its digits, wherever e^{z − m} is a normal number.
HEADROOM = 300.0


class Limits:
    """Thresholds that decide whether exponentials of a dtype have kept their digits."""

    def __init__(self, dtype):
        self.tiny = float(np.finfo(dtype).tiny)
        # The reciprocal of a sum up to this is a normal number.
        self.largest_sum = 0.25 / self.tiny
        # The exponential of a logit above this overflows.
        self.largest_logit = math.log(float(np.finfo(dtype).max))
        # The exponential of a logit of at least this is a normal number.
        self.smallest_logit = math.log(self.tiny) + 1
        # Logits between minus this and this need no check in an array of at most SMALL entries:
        # their outputs are normal numbers too.
        self.safe_logit = 0.45 * math.log(self.largest_sum)


LIMITS = {np.dtype(t): Limits(t) for t in (np.float32, np.float64)}
TINY = LIMITS[np.dtype(np.float64)].tiny

NO_ROWS = np.arange(0)

# Largest number of entries of a small array, for which the overhead of a call outweighs the work.
# The short paths take a quarter to a half of the time for shape (1, 10).
SMALL = 4096


class Room:
    """Scratch arrays that are reused from block to block: fresh memory is slow at its first touch."""

    def __init__(self):
        self.arrays = {}

    def take(self, name, shape, dtype=np.float64):
        """Return an uninitialized array.

        The array taken before under the same name is reused, in its own dtype, if it is large enough.
        """
        size = math.prod(shape)
        array = self.arrays.get(name)
        if array is None or array.size < size:
            array = self.arrays[name] = np.empty(size, dtype)
        return array[:size].reshape(shape)


@functools.lru_cache(maxsize=64)
def ones(n, dtype):
    """Return a read-only column of ones."""
    column = np.ones((n, 1), dtype)
    column.flags.writeable = False
    return column


def cut(x, width):
    """Return the slices of columns in which a block is processed: one, unless it is a long row."""
    n = x.shape[1]
    if len(x) > 1 or n <= width:
        return [slice(0, n)]
    return [slice(j, min(j + width, n)) for j in range(0, n, width)]


@functools.lru_cache(maxsize=64)
def starts(shape):
    """Return the flat index at which each row of a contiguous array starts, with shape (…, 1)."""
    numbers = np.arange(0, math.prod(shape), shape[-1]).reshape(*shape[:-1], 1)
    numbers.flags.writeable = False
    return numbers


def places(shape, column):
    """Return the flat index of one column in each row of a block."""
    return starts(shape)[:, 0] + column


# Long rows are added in runs of at least this length and less than twice this length. One product
# with ones adds a run.
RUN = {np.dtype(np.float32): 64, np.dtype(np.float64): 16}


@functools.lru_cache(maxsize=1024)
def run_length(n, least):
    """Return the length of the runs in which `n` entries are added.

    It is a divisor of `n` if there is one from `least` to below 2 · `least`, and otherwise `least`.
    """
    return next((w for w in range(least, 2 * least) if n % w == 0), least)


def row_sums(e):
    """Return the sum of each row of a block, in float64.

    On short rows, a product with ones takes a third of the time of `sum`. But it adds entry after
    entry, and where many entries are equal, as in an untrained network, all roundings err in the
    same direction. So long rows are added in runs, and the sums of the runs in runs again.
    """
    rows, n = e.shape
    least = RUN[e.dtype]
    if rows == 1 and (n < 2 * least or (n <= SMALL and e.dtype == np.float32)):
        return e.sum(axis=1, dtype=np.float64)
    if n < 2 * least:
        return e.dot(ones(n, e.dtype))[:, 0].astype(np.float64, copy=False)
    width = least if rows == 1 else run_length(n, least)
    rest = n % width
    if rest == 0 or rows == 1:
        runs = e[:, : n - rest].reshape(-1, width).dot(ones(width, e.dtype))
    else:
        runs = np.matmul(e[:, : n - rest].reshape(rows, -1, width), ones(width, e.dtype))
    sums = row_sums(runs.astype(np.float64, copy=False).reshape(rows, -1))
    if rest:
        sums += row_sums(e[:, n - rest :])
    return sums


class OneNumberARow:
    """Context manager that speeds up arithmetic between rows of length `n` and one number per row.

    NumPy repeats the number in a buffer of 8192 entries. With a small buffer the product takes 60 %
    of the time at 1000 classes. Use it for such arithmetic only: with a small buffer, sums are slow
    and inexact in NumPy 2.0, and conversions are slow in all versions.
    """

    def __init__(self, n):
        self.helps = 256 <= n < 8192

    def __enter__(self):
        if self.helps:
            self.size = np.setbufsize(16)

    def __exit__(self, *error):
        if self.helps:
            np.setbufsize(self.size)


def between(a, low, high):
    """Return True if all entries lie from `low` to `high`, and False if there is a nan."""
    return low <= a.item(a.argmin()) and a.item(a.argmax()) <= high


def is_tame(z):
    """Return True if the logits are so close to 0 that no output overflows or underflows."""
    safe = LIMITS[z.dtype].safe_logit
    return between(z, -safe, safe)


def small_sums(e):
    """Return the sums over the last axis of a small array, in its dtype; the axis stays, with length 1.

    Call it with floating-point warnings ignored: a matrix product has been seen to raise a flag
    though none of its terms overflows or underflows.
    """
    n = e.shape[-1]
    if n < 2 * RUN[e.dtype]:
        return e.dot(ones(n, e.dtype))
    return row_sums(e.reshape(-1, n)).astype(e.dtype).reshape(*e.shape[:-1], 1)


def small_sum(e):
    """Return the sum of an array of one row, as a float."""
    # For a few entries, Python's own numbers are faster than arrays.
    return math.fsum(e.reshape(-1).tolist()) if e.size < 64 else small_sums(e).item()


def softmax_small(z, out):
    """Return the softmax of a small array over its last axis, or None if digits could be lost."""
    if not is_tame(z):
        return None
    e = np.exp(z, out=out)
    if e.size < 64 and e.size == e.shape[-1]:
        e /= small_sum(e)
        return e
    with np.errstate(all="ignore"):
        e /= small_sums(e)
    return e


def log_softmax_small(z, out):
    """Return the log-softmax of a small array over its last axis, or None if digits could be lost."""
    limits, n = LIMITS[z.dtype], z.shape[-1]
    least, most = limits.tiny * n, limits.largest_sum / n
    with np.errstate(all="ignore"):
        e = np.exp(z)
        logits, exponentials = z.reshape(-1), e.reshape(-1)
        if z.size == n:
            top = int(logits.argmax())
            m, own = logits.item(top), exponentials.item(top)
            exponentials[top] = 0.0
            rest = small_sum(e) if own <= most else 0.0
            if not rest >= least:
                return None
            rest = math.log1p(rest / own)
        else:
            top = z.argmax(axis=-1, keepdims=True) + starts(z.shape)
            m, own = logits[top], exponentials[top]
            exponentials[top] = 0.0
            rest = small_sums(e)
            if not (rest.item(rest.argmin()) >= least and own.item(own.argmax()) <= most):
                return None
            rest /= own
            np.log1p(rest, out=rest)
        y = np.subtract(z, m, out=e if out is None else out)
        y -= rest
    return y


def logsumexp_small(z):
    """Return log Σ e^z of a small array over its last axis, or None if digits could be lost."""
    with np.errstate(all="ignore"):
        total = small_sums(np.exp(z))[..., 0]
    # Near 0 the logarithm needs the sum over the rivals alone.
    return np.log(total) if between(total, 2.0, LIMITS[z.dtype].largest_sum) else None


def label_cost_small(z, t, count, out):
    """Return the costs of `label_cost` for a small array, or None if digits could be lost.

    `out` is None, or a contiguous array for the gradient.
    """
    if not is_tame(z):
        return None
    e = np.exp(z, out=out).reshape(-1, z.shape[-1])
    exponentials = e.reshape(-1)
    with np.errstate(all="ignore"):
        if len(t) == 1:
            label = t.item()
            own = exponentials.item(label)
            exponentials[label] = 0.0
            rivals = small_sum(e)
            whole = (own + rivals) * count
            cost = np.array([math.log1p(rivals / own)])
        else:
            label = starts(e.shape) + t[:, None]
            own = exponentials[label]
            exponentials[label] = 0.0
            rivals = small_sums(e)
            whole = (own + rivals) * count
            cost = np.log1p(rivals / own)[:, 0]
        if out is not None:
            e /= whole
            exponentials[label] = -rivals / whole
    return cost


class Unshifted:
    """The exponentials e^z of a block, in its own dtype."""

    def __init__(self, x, e):
        self.x, self.e = x, e
        self.kept = e.shape[1] == x.shape[1]
        self.pieces = cut(x, BLOCK // x.itemsize if self.kept else e.shape[1])
        # If the first logit overflows, most will. All rows then count as lost without a try, which
        # saves an eighth of the time of the shifted path.
        self.hopeless = x.item(0) > LIMITS[x.dtype].largest_logit

    def _exponentials(self, p):
        """Return the exponentials of the columns `p`, written into `e`."""
        e = self.e[:, p] if self.kept else self.e[:, : p.stop - p.start]
        return np.exp(self.x[:, p], out=e)

    def total(self):
        """Compute the exponentials and return the sum of each row."""
        if self.hopeless:
            return np.full(len(self.x), np.inf)
        if len(self.pieces) == 1:
            return row_sums(np.exp(self.x, out=self.e))
        return sum(row_sums(self._exponentials(p)) for p in self.pieces)

    def own_and_rivals(self, column):
        """Return the logits of one class per row, their exponentials, and the sums over the rivals.

        In `e`, the exponential of that class is replaced by 0.
        """
        at = places(self.x.shape, column)
        logits = self.x.reshape(-1)[at]
        if self.hopeless:
            return logits, *np.full((2, len(self.x)), np.inf)
        own = np.exp(logits, dtype=np.float64)
        if len(self.pieces) == 1:
            np.exp(self.x, out=self.e).reshape(-1)[at] = 0.0
            return logits, own, row_sums(self.e)
        rivals = 0.0
        for p in self.pieces:
            e = self._exponentials(p)
            if p.start <= column[0] < p.stop:
                e[0, column[0] - p.start] = 0.0
            rivals = rivals + row_sums(e)
        return logits, own, rivals

    def lost(self, total, rivals=None, count=1):
        """Return the rows that lost digits to overflow or underflow, or that hold a nan."""
        limits = LIMITS[self.x.dtype]
        most = limits.largest_sum / count
        # A subnormal exponential is off by at most half of the smallest subnormal number.
        least = limits.tiny * self.x.shape[1]
        if between(total, 1.0, most) and (rivals is None or between(rivals, least, most)):
            return NO_ROWS
        good = total <= most
        if rivals is not None:
            good &= rivals >= least
        low = good & (total < 1)
        if low.any() and not self.x.min() >= limits.smallest_logit:
            # With a total below 1, an exponential may be subnormal though its output e^z / total is not.
            good[low] = (self.x.min(axis=1) >= limits.smallest_logit)[low]
        return np.flatnonzero(~good)

    def scaled(self, factor, y):
        """Write e times one factor per row into `y`."""
        factor = factor.astype(self.x.dtype, copy=False)[:, None]
        with OneNumberARow(y.shape[1]):
            for p in reversed(self.pieces):
                e = self.e[:, p] if self.kept else self._exponentials(p)
                np.multiply(e, factor, out=y[:, p])


class Shifted:
    """The exponentials e^{z − q} of a few rows in float64, with a shift q = m − HEADROOM in each row.

    A row whose largest logit m is +inf is replaced by its limit: its entries at +inf share the
    mass, and the others have none.
    """

    def __init__(self, x, room):
        self.room = room
        self.r = np.arange(len(x))
        self.top = x.argmax(axis=1)
        self.max = x[self.r, self.top].astype(np.float64)
        self.x = x
        self.m = self.max
        infinite = np.flatnonzero(self.max == np.inf)
        if len(infinite):
            self.x = x.copy()
            self.x[infinite] = np.where(x[infinite] == np.inf, 0.0, -np.inf)
            self.m = np.where(self.max == np.inf, 0.0, self.max)
        self.q = self.m - HEADROOM
        self.pieces = cut(x, PIECE // x.itemsize)
        self.current = None, None

    def exponentials(self, columns):
        """Return e^{z − q} of the given columns: a slice, or one column number per row."""
        if isinstance(columns, slice):
            x, q = self.x[:, columns], self.q[:, None]
            d = self.room.take("d", x.shape)
        else:
            x, q = self.x[self.r, columns], self.q
            d = np.empty(len(x))
        np.copyto(d, x)
        if x.dtype == np.float32:
            # The difference of two float32 numbers is accurate enough in float64.
            d -= q
            return np.exp(d, out=d)
        # z − q = d + c exactly (Knuth's two-sum), so e^{z − q} is e^d (1 + c) up to rounding.
        b, c = self.room.take("b", x.shape), self.room.take("c", x.shape)
        d -= q
        np.subtract(d, x, out=b)
        np.subtract(d, b, out=c)
        np.subtract(x, c, out=c)
        b += q
        c -= b
        if np.isnan(c.item(c.argmax())):
            c[np.isnan(c)] = 0.0
        np.exp(d, out=d)
        c *= d
        d += c
        return d

    def _piece(self, p):
        """Return the exponentials of a piece, from the cache if it was the last one computed."""
        if self.current[0] != p:
            self.current = p, self.exponentials(p)
        return self.current[1]

    def within(self, p, column):
        """Return the rows whose `column` lies in a piece, and its position in the piece."""
        rows = np.flatnonzero((p.start <= column) & (column < p.stop))
        return rows, column[rows] - p.start

    def own_and_rivals(self, column):
        """Return the exponentials of one class per row, and the sums over its rivals."""
        own = self.exponentials(column)
        rivals = np.zeros(len(self.x))
        for p in self.pieces:
            e = self._piece(p)
            at = self.within(p, column)
            kept = e[at]
            e[at] = 0.0
            rivals += row_sums(e)
            e[at] = kept
        return own, rivals

    def scaled(self, factor, y):
        """Write e^{z − q} times one factor per row into `y`."""
        for p in reversed(self.pieces):
            e = self._piece(p)
            np.multiply(e, factor[:, None], out=y[:, p], casting="same_kind")


def groups(rows, x):
    """Split rows of `x` into groups whose float64 work stays in cache; yield (rows, x[rows])."""
    size = max(1, PIECE // (x.shape[1] * x.itemsize))
    whole = len(rows) == len(x)
    for i in range(0, len(rows), size):
        some = slice(i, i + size) if whole else rows[i : i + size]
        yield some, x[some]


def redo(kernel, lost, x, e, y):
    """Call `kernel(x, y, rows)` for the lost rows.

    If all rows are lost, their results go to `y`, and otherwise to `e`, which then is as wide as `x`.
    If `y` is None, there are no results to write.
    """
    for rows, part in groups(lost, x):
        if y is None:
            kernel(part, None, rows)
        elif len(lost) == len(x):
            kernel(part, y[rows], rows)
        else:
            result = np.empty_like(part)
            kernel(part, result, rows)
            e[rows] = result


def softmax(x, e, y, room):
    """Write e^z / Σ e^z into `y`."""
    u = Unshifted(x, e)
    total = u.total()
    lost = u.lost(total)
    if len(lost):
        redo(functools.partial(softmax_shifted, room), lost, x, e, y)
        if len(lost) == len(x):
            return
        total[lost] = 1.0
    u.scaled(1.0 / total.astype(x.dtype, copy=False), y)


def softmax_shifted(room, x, y, rows):
    """Do what `softmax` does, with the shift."""
    s = Shifted(x, room)
    own, rivals = s.own_and_rivals(s.top)
    s.scaled(1.0 / (own + rivals), y)


def logsumexp(x, e, room):
    """Return log Σ e^z of each row, in float64."""
    u = Unshifted(x, e)
    total = u.total()
    result = np.log(total)
    lost = u.lost(total)
    if len(lost) or not between(total, 2.0, np.inf):
        # Near 0 the logarithm needs all digits of the largest logit and of the sum of its rivals.
        bad = (total >= 0.5) & (total <= 2.0)
        bad[lost] = True
        for rows, part in groups(np.flatnonzero(bad), x):
            s = Shifted(part, room)
            own, rivals = s.own_and_rivals(s.top)
            result[rows] = np.where(np.isinf(s.max), s.max, s.m + np.log1p(rivals / own))
    return result


def top_and_rivals(x, e, room):
    """Return the largest logit m of each row, Σ e^{z − m} over its rivals, and the column of m."""
    u = Unshifted(x, e)
    top = x.argmax(axis=1)
    m, own, rivals = u.own_and_rivals(top)
    rest = rivals / own
    for rows, part in groups(u.lost(own + rivals, rivals), x):
        s = Shifted(part, room)
        own, rivals = s.own_and_rivals(s.top)
        rest[rows] = rivals / own
    return m, rest, top


def log_softmax(x, e, y, room):
    """Write (z − m) − log(1 + Σ e^{z − m}) into `y`, with the largest logit m and the sum over its rivals."""
    u = Unshifted(x, e)
    m, own, rivals = u.own_and_rivals(x.argmax(axis=1))
    rest = np.log1p(rivals / own)
    lost = u.lost(own + rivals, rivals)
    if len(lost):
        for rows, part in groups(lost, x):
            s = Shifted(part, room)
            own, rivals = s.own_and_rivals(s.top)
            rest[rows] = np.log1p(rivals / own)
        infinite = lost[m[lost] == np.inf]
        limits = np.where(x[infinite] == np.inf, -rest[infinite, None], -np.inf)
    m, rest = m[:, None], rest.astype(x.dtype)[:, None]
    with OneNumberARow(x.shape[1]):
        for p in reversed(u.pieces):
            np.subtract(x[:, p], m, out=y[:, p])
            np.subtract(y[:, p], rest, out=y[:, p])
    if len(lost):
        y[infinite] = limits


def label_cost(x, e, y, room, t, count):
    """Return log(1 + Σ_{j≠t} e^{z_j − z_t}) of each row; unless `y` is None, write gradient / count to it.

    The gradient is y_j for each rival and, at the label, minus their sum. For a mean, `count` is the
    number of cases. The gradient is divided by it, because a factor 1/count would be rounded first.
    """
    u = Unshifted(x, e)
    label, own, rivals = u.own_and_rivals(t)
    total = own + rivals
    costs = np.log1p(rivals / own)
    if not (own.item(own.argmin()) > TINY and costs.item(costs.argmax()) < np.inf):
        # Where e^{z_t} has underflowed or the ratio has overflowed, the cost is large. The plain
        # difference is then accurate enough: the total of a row that is not lost is at least 1.
        costs = np.where((own > TINY) & (costs < np.inf), costs, np.log(total) - label)
    lost = u.lost(total, rivals, count)
    total *= count
    slope = -rivals / total
    if len(lost):

        def shifted(x, y, rows):
            costs[rows] = label_cost_shifted(x, y, room, t[rows], count)

        redo(shifted, lost, x, e, y)
        if len(lost) == len(x) or y is None:
            return costs
        slope[lost] = e[lost, t[lost]]
        total[lost] = 1.0
    if y is not None:
        u.scaled(1.0 / total, y)
        y.reshape(-1)[places(y.shape, t)] = slope
    return costs


def label_cost_shifted(x, y, room, t, count):
    """Do what `label_cost` does, with the shift."""
    s = Shifted(x, room)
    own, rivals = s.own_and_rivals(t)
    total = own + rivals
    gap = s.m - s.x[s.r, t]
    if y is not None:
        whole = total * count
        s.scaled(1.0 / whole, y)
        y[s.r, t] = -rivals / whole
    ratio = rivals / own
    # m − q differs from HEADROOM if m is so large that the subtraction was rounded.
    return np.where(np.isfinite(ratio), np.log1p(ratio), gap + (np.log(total) - (s.m - s.q)))


def distribution_cost(x, e, y, room, t, count):
    """Return −Σ t log y of each row; unless `y` is None, write gradient / count to it.

    The gradient is y Σt − t.
    """
    costs = np.empty(len(x))
    for rows, part in groups(np.arange(len(x)), x):
        result = None if y is None else y[rows]
        costs[rows] = distribution_cost_shifted(part, result, room, t[rows], count)
    return costs


def distribution_cost_shifted(x, y, room, t, count):
    """Do what `distribution_cost` does, for a group of rows."""
    s = Shifted(x, room)
    own, rivals = s.own_and_rivals(s.top)
    total, rest = own + rivals, np.log1p(rivals / own)[:, None]
    t_top = t[s.r, s.top].astype(np.float64)
    costs, others = np.zeros(len(x)), np.zeros(len(x))
    for p in s.pieces:
        part = t[:, p].astype(np.float64)
        minus_log = rest - (s.x[:, p].astype(np.float64) - s.m[:, None])
        # A target of 0 costs nothing, even at a logit of −inf.
        minus_log[np.isposinf(minus_log) & (part == 0)] = 0.0
        costs += row_sums(part * minus_log)
        part[s.within(p, s.top)] = 0.0
        others += row_sums(part)
    if y is not None:
        mass = t_top + others
        # At the largest logit, y Σt − t is the sum of the other targets minus (1 − y) Σt: less cancels.
        slope = others - mass * (rivals / total)
        for p in reversed(s.pieces):
            e = s.exponentials(p)
            # In two steps, because total is so large that mass / total may underflow.
            e /= total[:, None]
            e *= mass[:, None]
            e -= t[:, p].astype(np.float64)
            e /= count
            np.copyto(y[:, p], e, casting="same_kind")
        y[s.r, s.top] = slope / count
    return costs


def softmax_and_complement(x, room):
    """Return y and 1 − y in float64, each without cancellation."""
    s = Shifted(x, room)
    own, rivals = s.own_and_rivals(s.top)
    total = own + rivals
    y = s.exponentials(slice(None)) / total[:, None]
    complement = 1.0 - y
    complement[s.r, s.top] = rivals / total
    return y, complement


def logistic_and_complement(x):
    """Return 1/(1 + e^{−z}) and 1/(1 + e^z), each without cancellation."""
    e = np.exp(-np.abs(x))
    large, small = 1 / (1 + e), e / (1 + e)
    positive = x >= 0
    return np.where(positive, large, small), np.where(positive, small, large)


def logistic_cost(x, e, y, room, t, count):
    """Return −Σ [t log y + (1 − t) log(1 − y)] of each row; unless `y` is None, write gradient / count to it.

    The gradient is y − t.
    """
    x = x.astype(np.float64)
    t = t.astype(np.float64)
    # −log y = max(−z, 0) + rest and −log(1 − y) = max(z, 0) + rest
    rest = np.log1p(np.exp(-np.abs(x)))
    right = np.where(t > 0, t * np.maximum(-x, 0.0), 0.0)
    wrong = np.where(t < 1, (1.0 - t) * np.maximum(x, 0.0), 0.0)
    if y is not None:
        y[...] = residual(*logistic_and_complement(x), t) / count
    return row_sums(right + wrong + rest)


def squared_error(x, e, y, room, t, count, output):
    """Return ½ Σ (y − t)² of each row; unless `y` is None, write gradient / count to it.

    The gradient is with respect to the logits, through the function `output`.
    """
    x = x.astype(np.float64)
    t = t.astype(np.float64)
    if output == "linear":
        v = g = x - t
    elif output == "logistic":
        outputs, complement = logistic_and_complement(x)
        v = residual(outputs, complement, t)
        g = outputs * complement * v
    else:
        outputs, complement = softmax_and_complement(x, room)
        v = residual(outputs, complement, t)
        g = jvp(outputs, v)
    if y is not None:
        y[...] = g / count
    return 0.5 * row_sums(v * v)


def residual(y, complement, t):
    """Return y − t, for y above ½ as (1 − t) − (1 − y), because there 1 − y has more digits."""
    return np.where(y > 0.5, (1.0 - t) - complement, y - t)


def jvp(y, v):
    """Return y_i (v_i − Σ_j y_j v_j), computed with v relative to its entry at the largest output."""
    r = np.arange(len(y))
    # Half of v: the difference of two entries may overflow though its product with y does not.
    v = 0.5 * v
    v -= v[r, y.argmax(axis=1)][:, None]
    v -= row_sums(y * v)[:, None]
    v *= y
    v += v
    return v


def jacobian(y, complement, out):
    """Write diag(y) − y yᵀ of each row into `out`, with y (1 − y) on its diagonal."""
    k = np.arange(y.shape[1])
    np.multiply(-y[:, :, None], y[:, None, :], out=out, casting="same_kind")
    out[:, k, k] = y * complement
