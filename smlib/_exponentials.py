"""Exponentials of logits and their sums: without a shift, and with one.

Kernels first take e^z without a shift and then look at the sums. Where no digits were lost, which is
nearly everywhere, this is faster than the shift and more accurate: z − m is rounded, which makes e^{z − m}
wrong by up to |z − m| units. Rows that lost digits are recomputed with the shift, in float64, and the
rounding error of the difference is taken into account.
"""

import math

import numpy as np

from smlib import _sizes
from smlib._sums import SmallUfuncBuffer, between, cut, own_and_rivals, places, row_sums, short_sums

# The shift of a row with largest logit m is m − HEADROOM. Then e^{z − shift} is a normal number, with all
# its digits, wherever e^{z − m} is a normal number.
HEADROOM = 300.0

# Number of cases up to which the gradient of a mean keeps the digits that a sum has.
CASES = 2**30

NO_ROWS = np.arange(0)


class Limits:
    """Thresholds that decide whether exponentials of a dtype have kept their digits."""

    def __init__(self, dtype):
        self.tiny = float(np.finfo(dtype).tiny)
        # The reciprocal of a sum up to this, times the number of cases, is a normal number.
        self.largest_sum = 0.25 / self.tiny / CASES
        # The exponential of a logit of at least this is a normal number.
        self.smallest_logit = math.log(self.tiny) + 1
        # Logits between minus this and this need no check in an array of at most SMALL entries:
        # their outputs are normal numbers too.
        self.safe_logit = 0.45 * math.log(self.largest_sum)
        # A class whose rivals have more than this share of the sum does not round to 1.
        self.smallest_share = float(np.finfo(dtype).eps) / 4


LIMITS = {np.dtype(t): Limits(t) for t in (np.float32, np.float64)}


class Exponentials:
    """The exponentials of a block of logits, computed piece by piece.

    A piece is a slice of columns; only a single row has several pieces. Subclasses compute one in
    `compute(piece)`, in a buffer that the next call may overwrite.
    """

    def __init__(self, logits, width):
        self.logits = logits
        self.pieces = cut(logits.shape[1], width)
        assert len(logits) == 1 or len(self.pieces) == 1

    def sums(self, column=None):
        """Return the exponentials of one class per row, and the sums over its rivals.

        Without a `column`, return 0 and the sums over all classes.
        """
        own, rivals = np.zeros(len(self.logits)), 0.0
        for piece in self.pieces:
            e = self.last = self.compute(piece)
            if column is None:
                rivals = rivals + row_sums(e)
            else:
                rows, at = self.within(piece, column, e.shape)
                own[rows], part = own_and_rivals(e, at)
                rivals = rivals + part
                e.reshape(-1)[at] = own[rows]
        return own, rivals

    def within(self, piece, column, shape):
        """Return the rows whose `column` lies in a piece, and its flat index in the piece."""
        if len(self.pieces) == 1:
            return slice(None), places(shape, column)
        here = slice(0, int(piece.start <= column[0] < piece.stop))
        return here, column[here] - piece.start

    def again(self):
        """Yield each piece and its exponentials a second time, after `sums`; they may be overwritten.

        The last piece comes first, because it is still in the buffer.
        """
        e, self.last = self.last, None
        for piece in reversed(self.pieces):
            yield piece, self.compute(piece) if e is None else e
            e = None


class Unshifted(Exponentials):
    """The exponentials e^z of a block, in its own dtype."""

    def __init__(self, block):
        super().__init__(block.logits, _sizes.SCRATCH // block.logits.itemsize)
        self.scratch = block.scratch
        self.kept = self.scratch.shape == self.logits.shape

    def compute(self, piece):
        """Return the exponentials of a piece."""
        place = piece if self.kept else slice(0, piece.stop - piece.start)
        return np.exp(self.logits[:, piece], out=self.scratch[:, place])

    def again(self):
        """Yield each piece and its exponentials a second time."""
        if self.kept:
            return ((piece, self.scratch[:, piece]) for piece in reversed(self.pieces))
        return super().again()

    def write(self, total, out):
        """Write the exponentials divided by one total per row into `out`."""
        write_quotients(self.again(), total, out)

    def lost(self, total, rivals=None, outputs=True):
        """Return the rows that lost digits to overflow or underflow, or that hold a nan.

        With `outputs`, the digits of the outputs e^z / total count too.
        """
        limits = LIMITS[self.logits.dtype]
        # A subnormal exponential is off by at most half of the smallest subnormal number.
        least = limits.tiny * self.logits.shape[1]
        if between(total, 1.0, limits.largest_sum) and (rivals is None or rivals.item(rivals.argmin()) >= least):
            return NO_ROWS
        good = total <= limits.largest_sum
        if rivals is not None:
            good &= rivals >= least
        low = good & (total < 1)
        if outputs and low.any() and not self.logits.min() >= limits.smallest_logit:
            # With a total below 1, an exponential may be subnormal though its output e^z / total is not.
            good[low] = (self.logits.min(axis=1) >= limits.smallest_logit)[low]
        return np.flatnonzero(~good)


class Shifted(Exponentials):
    """The exponentials e^{z − shift} of a few rows in float64, with shift = m − HEADROOM in each row.

    A row whose largest logit m is +inf is replaced by its limit: its entries at +inf share the mass,
    and the others have none.
    """

    def __init__(self, logits, wide):
        super().__init__(logits, _sizes.PIECE // logits.itemsize)
        self.wide = wide
        self.top = logits.argmax(axis=1)
        self.max = self.of(self.top).astype(np.float64)
        infinite = np.flatnonzero(self.max == np.inf)
        if len(infinite):
            self.logits = logits.copy()
            self.logits[infinite] = np.where(logits[infinite] == np.inf, 0.0, -np.inf)
        self.shift = self.of(self.top).astype(np.float64) - HEADROOM

    def of(self, column):
        """Return the logits of one class per row."""
        return self.logits[np.arange(len(self.logits)), column]

    def compute(self, piece):
        """Return the exponentials of a piece."""
        x, shift = self.logits[:, piece], self.shift[:, None]
        if x.dtype == np.float32:
            # The difference of two float32 numbers is accurate enough in float64.
            d = np.subtract(x, shift, out=self.wide.array(x.shape))
            return np.exp(d, out=d)
        # z − shift = d + c exactly, so e^{z − shift} is e^d (1 + c) up to rounding.
        d, c = difference(x, shift, self.wide.array((3, *x.shape)))
        np.exp(d, out=d)
        c *= d
        d += c
        return d

    def write(self, total, out):
        """Write the exponentials divided by one total per row into `out`."""
        for piece, e in self.again():
            np.divide(e, total[:, None], out=out[:, piece], casting="same_kind")


def difference(a, b, arrays=(None, None, None)):
    """Return d and c with d = a − b rounded and a − b = d + c exactly (Knuth's two-sum).

    c is 0 where a − b is not finite. `arrays` are three arrays to work in.
    """
    d, c, rounded = arrays
    d = np.subtract(a, b, out=d)
    rounded = np.subtract(d, a, out=rounded)
    c = np.subtract(d, rounded, out=c)
    np.subtract(a, c, out=c)
    rounded += b
    c -= rounded
    if c.size and np.isnan(c.item(c.argmax())):
        c[np.isnan(c)] = 0.0
    return d, c


def groups(rows, logits):
    """Split rows into groups whose float64 work stays in cache; yield (rows, logits[rows])."""
    size = max(1, _sizes.PIECE // (logits.shape[1] * logits.itemsize))
    everything = len(rows) == len(logits)
    for i in range(0, len(rows), size):
        some = slice(i, i + size) if everything else rows[i : i + size]
        yield some, logits[some]


def write_quotients(pieces, total, out):
    """Write exponentials divided by one total per row into `out`, which may hold the exponentials.

    `pieces` yields slices of columns and their exponentials. An exponential that equals the total
    becomes exactly 1.
    """
    total = total.astype(out.dtype, copy=False)
    n = out.shape[1]
    if n < _sizes.SHORT:
        for piece, e in pieces:
            np.divide(e, total[:, None], out=out[:, piece])
        return
    reciprocal = 1 / total
    with SmallUfuncBuffer(n if len(out) > 1 else 0):
        for piece, e in pieces:
            np.multiply(e, reciprocal[:, None], out=out[:, piece])
    _settle_certain(total, reciprocal, out)


def _settle_certain(total, reciprocal, out):
    """Set to 1 the outputs whose exponential equals the total, where the rounded product with 1/total is less.

    Such an output is near 1, and the others of its row are near 0. Where the first outputs of a row have a
    share in between, there is none, and the row is not read again.
    """
    share = short_sums(out[:, :32])
    least = LIMITS[out.dtype].smallest_share
    if between(share, least, 0.99):
        return
    product = total * reciprocal
    rows = np.flatnonzero(~((least <= share) & (share <= 0.99)) & (product != 1))
    if len(rows):
        part = out[rows]
        top = part.argmax(axis=1)
        certain = part[np.arange(len(rows)), top] == product[rows]
        out[rows[certain], top[certain]] = 1.0
