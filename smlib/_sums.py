"""Sums of rows, and arithmetic on blocks of rows.

The sum of a row does not depend on the other rows of its block. Each run of a row is the product of a vector
with ones, and rows are cut into pieces and runs at places that depend on their length and dtype only. (The
product of a matrix with ones takes two thirds of the time, but it adds some rows in another order than
others.)
"""

import functools
import math

import numpy as np

from smlib import _sizes


class Buffer:
    """Memory that is used again from block to block: fresh memory is slow at its first touch."""

    def __init__(self, dtype=np.float64):
        self.memory = np.empty(0, dtype)

    def array(self, shape):
        """Return an uninitialized array, which the next call overwrites."""
        size = math.prod(shape)
        if self.memory.size < size:
            self.memory = np.empty(size, self.memory.dtype)
        return self.memory[:size].reshape(shape)


class SmallUfuncBuffer:
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


@functools.lru_cache(maxsize=64)
def ones(n, dtype):
    """Return a read-only vector of ones."""
    vector = np.ones(n, dtype)
    vector.flags.writeable = False
    return vector


@functools.lru_cache(maxsize=1024)
def run_length(n, least):
    """Return the length of the runs in which `n` entries are added.

    It is a divisor of `n` if there is one from `least` to below 2 · `least`, and otherwise `least`.
    """
    return next((w for w in range(least, 2 * least) if n % w == 0), least)


def row_sums(e):
    """Return the sum of each row of a block, in float64.

    A product with ones adds entry after entry in a few lanes. Where many entries are equal, as in an
    untrained network, all roundings of a lane err in the same direction. So long rows are added in
    runs, and the sums of the runs in runs again.
    """
    n, least = e.shape[1], _sizes.RUN[e.dtype]
    if n < 2 * least:
        return short_sums(e).astype(np.float64, copy=False)
    width = run_length(n, least)
    rest = n % width
    runs = np.vecdot(e[:, : n - rest].reshape(len(e), -1, width), ones(width, e.dtype))
    runs = runs.astype(np.float64, copy=False)
    # Adding a few runs one by one is faster than a product.
    sums = row_sums(runs) if runs.shape[1] > 4 else functools.reduce(np.add, runs.T)
    return sums + row_sums(e[:, n - rest :]) if rest else sums


def short_sums(e):
    """Return the sum of each row of a block with short rows, in its own dtype."""
    n = e.shape[1]
    # Both are the same product of two vectors, but for a single row vecdot takes twice the time.
    return e.dot(ones(n, e.dtype)) if len(e) == 1 else np.vecdot(e, ones(n, e.dtype))


@functools.lru_cache(maxsize=64)
def starts(shape):
    """Return the flat index at which each row of a contiguous matrix starts."""
    numbers = np.arange(0, math.prod(shape), shape[1])
    numbers.flags.writeable = False
    return numbers


def places(shape, column):
    """Return the flat index of one class in each row of a contiguous matrix."""
    return column if shape[0] == 1 else starts(shape) + column


def own_and_rivals(e, at):
    """Return the entries of a contiguous matrix at some flat indices, and its row sums with 0 in their place.

    Both are float64.
    """
    flat = e.reshape(-1)
    own = flat[at]
    flat[at] = 0.0
    return own.astype(np.float64, copy=False), row_sums(e)


def cut(n, width):
    """Return the slices of at most `width` that together cover range(n)."""
    if n <= width:
        return [slice(0, n)]
    return [slice(i, min(i + width, n)) for i in range(0, n, width)]


def within(piece, column):
    """Return the rows whose `column` lies in a piece, and its position in the piece."""
    rows = np.flatnonzero((piece.start <= column) & (column < piece.stop))
    return rows, column[rows] - piece.start
