"""The state of a part of a row: its largest logit m, and the sum over its rivals r = Σ e^{z − m}.

States of parts merge into the state of the whole, in any order. Where m is −inf, no class has a
probability, and r has no meaning; it is 0, or a number that merging has left.
"""

import numpy as np

from smlib._exponentials import difference
from smlib._kernels import top_and_rivals


def of_rows(block):
    """Return the states m and r of the rows of a block, and the column of m."""
    m, r, top = top_and_rivals(block)
    return m, np.where(m == -np.inf, 0.0, r), top


def merge(m, r):
    """Return the states of the whole and the position of the largest m, for parts along the last axis.

    If two parts change places, the result has the same bits.
    """
    largest = m.max(axis=-1, keepdims=True)
    # Among parts with the same m, the first in the sum is the one with the largest r.
    top = np.where(m == largest, r, -np.inf).argmax(axis=-1, keepdims=True)
    sums = scaled(1.0 + r, m, largest)
    np.put_along_axis(sums, top, np.take_along_axis(r, top, axis=-1), axis=-1)
    return largest[..., 0], sums.sum(axis=-1), top


def value(m, r):
    """Return the log-sum-exp of a state."""
    return m + np.log1p(r)


def share(m, r, largest, rest):
    """Return the share of the state m, r in the sum of the whole, whose state is `largest`, `rest`."""
    return scaled(1.0 + r, m, largest) / (1.0 + rest)


def gap(a, b):
    """Return a − b in float64, and 0 for two equal infinities."""
    return np.where(a == b, 0.0, np.subtract(a, b, dtype=np.float64))


def scaled(a, m, largest):
    """Return a·e^{m − largest} to the last digits, even where the exponential alone underflows."""
    d, c = difference(m, largest)
    d = np.where(m == largest, 0.0, d)
    half = np.exp(0.5 * d)
    return half * a * half * (1.0 + c)
