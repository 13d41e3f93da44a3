"""One function for each formula, on one block of rows at a time.

A kernel takes a `Block` (see `smlib._blocks`) and returns one float64 number per row. A result with the
shape of the logits goes to `block.out`. The costs also take the targets of the rows, and the `divisor` of
the gradient, which is the number of cases for a mean and otherwise 1. (A factor 1/divisor would be rounded
first.) Some kernels have a short path for small arrays, which gives the same bits.

In the code, `own` is the exponential of one class of a row, and `rivals` the sum over the other classes;
`lost` holds the numbers of the rows that lost digits without a shift.
"""

import numpy as np

from smlib import _sizes
from smlib._exponentials import LIMITS, NO_ROWS, Shifted, Unshifted, groups, write_quotients
from smlib._sums import SmallUfuncBuffer, between, cut, own_and_rivals, places, row_sums, short_sums, within


def recompute(block, lost):
    """Yield some of the lost rows at a time, and their exponentials with the shift."""
    for rows, logits in groups(lost, block.logits):
        yield rows, Shifted(logits, block.wide)


def write_lost(block, lost, rows, shifted, total):
    """Write the outputs of some of the lost rows: to `out` if all rows are lost, and otherwise to `scratch`."""
    if len(lost) == len(block.logits):
        shifted.write(total, block.out[rows])
        return
    # Only a single long row has a scratch array that is narrower, and if it is lost, all rows are.
    assert block.scratch.shape == block.logits.shape
    outputs = np.empty_like(shifted.logits)
    shifted.write(total, outputs)
    block.scratch[rows] = outputs


def write_kept(block, lost, plain, total):
    """Write the outputs of the other rows, after those of the lost rows."""
    if len(lost) < len(block.logits):
        # The scratch array has the outputs of the lost rows in place of their exponentials.
        total[lost] = 1.0
        plain.write(total, block.out)


def softmax(block):
    """Write e^z / Σ e^z."""
    plain = Unshifted(block)
    _, total = plain.sums()
    lost = plain.lost(total)
    for rows, shifted in recompute(block, lost):
        own, rivals = shifted.sums(shifted.top)
        write_lost(block, lost, rows, shifted, own + rivals)
    write_kept(block, lost, plain, total)


def logsumexp(block):
    """Return log Σ e^z."""
    plain = Unshifted(block)
    _, total = plain.sums()
    result = np.log(total)
    lost = plain.lost(total)
    if len(lost) or not between(total, 2.0, np.inf):
        # Near 0 the logarithm needs all digits of the largest logit and of the sum of its rivals.
        bad = (total >= 0.5) & (total <= 2.0)
        bad[lost] = True
        for rows, shifted in recompute(block, np.flatnonzero(bad)):
            own, rivals = shifted.sums(shifted.top)
            result[rows] = np.where(np.isinf(shifted.max), shifted.max, shifted.max + np.log1p(rivals / own))
    return result


def top_and_rivals(block):
    """Return the largest logit m of each row, Σ e^{z − m} over its rivals, and the column of m."""
    top = block.logits.argmax(axis=1)
    plain = Unshifted(block)
    own, rivals = plain.sums(top)
    for rows, shifted in recompute(block, plain.lost(own + rivals, rivals, outputs=False)):
        own[rows], rivals[rows] = shifted.sums(shifted.top)
    return block.logits.reshape(-1)[places(block.logits.shape, top)], rivals / own, top


def log_softmax(block):
    """Write (z − m) − log(1 + Σ e^{z − m}), with the largest logit m and the sum over its rivals."""
    m, ratio, _ = top_and_rivals(block)
    write_log_softmax(block.logits, m, np.log1p(ratio), block.out)


def write_log_softmax(logits, m, rest, out):
    """Write (z − m) − rest; where m is +inf, the classes at +inf get −rest and the others −inf."""
    infinite = NO_ROWS
    if not m.item(m.argmax()) < np.inf:
        # The limits are computed first, because `out` may be the logits.
        infinite = np.flatnonzero(m == np.inf)
        limits = np.where(logits[infinite] == np.inf, -rest[infinite, None], -np.inf)
    m, rest = m[:, None], rest.astype(out.dtype, copy=False)[:, None]
    with SmallUfuncBuffer(out.shape[1]):
        for piece in reversed(cut(out.shape[1], _sizes.SCRATCH // out.itemsize)):
            np.subtract(logits[:, piece], m, out=out[:, piece])
            np.subtract(out[:, piece], rest, out=out[:, piece])
    if len(infinite):
        out[infinite] = limits


def label_cost(block, labels, divisor):
    """Return log(1 + Σ_{j≠t} e^{z_j − z_t}) for the label t, and write gradient / divisor.

    The gradient is y_j for each rival and, at the label, minus their sum.
    """
    at = places(block.logits.shape, labels)
    # These logits are read first, because `out` may be the logits.
    label, shift = block.logits.reshape(-1)[at].astype(np.float64), np.zeros(len(labels))
    plain = Unshifted(block)
    own, rivals = plain.sums(labels)
    lost = plain.lost(own + rivals, rivals)
    for rows, shifted in recompute(block, lost):
        own[rows], rivals[rows] = shifted.sums(labels[rows])
        label[rows], shift[rows] = shifted.of(labels[rows]), shifted.shift
        if block.out is not None:
            write_lost(block, lost, rows, shifted, (own + rivals)[rows] * divisor)
    total = own + rivals
    costs = np.log1p(rivals / own)
    tiny = LIMITS[block.logits.dtype].tiny
    if not (own.item(own.argmin()) >= tiny and costs.item(costs.argmax()) < np.inf):
        # Where e^{z − shift} of the label has underflowed or the ratio has overflowed, the cost is large.
        # The plain difference is then accurate enough.
        far = ~((own >= tiny) & (costs < np.inf))
        costs[far] = np.log(total[far]) + (shift[far] - label[far])
    if block.out is not None:
        total *= divisor
        slope = rivals / -total
        write_kept(block, lost, plain, total)
        block.out.reshape(-1)[at] = slope
    return costs


def widened(targets):
    """Return targets as a new contiguous float64 array: the sums of its rows then do not depend on its layout."""
    return targets.astype(np.float64, order="C")


def distribution_cost(block, targets, divisor):
    """Return −Σ t log y, and write gradient / divisor. The gradient is y Σt − t."""
    costs = np.empty(len(targets))
    for rows, shifted in recompute(block, np.arange(len(targets))):
        out = None if block.out is None else block.out[rows]
        costs[rows] = _distribution_cost(shifted, targets[rows], divisor, out)
    return costs


def _distribution_cost(shifted, targets, divisor, out):
    """Do what `distribution_cost` does, for some of the rows."""
    everything, top = np.arange(len(targets)), shifted.top
    own, rivals = shifted.sums(top)
    total, rest = own + rivals, np.log1p(rivals / own)[:, None]
    costs, others = np.zeros(len(targets)), np.zeros(len(targets))
    for piece in shifted.pieces:
        t = widened(targets[:, piece])
        minus_log = rest - (shifted.logits[:, piece].astype(np.float64) - shifted.of(top).astype(np.float64)[:, None])
        # A target of 0 costs nothing, even at a logit of −inf.
        minus_log[np.isposinf(minus_log) & (t == 0)] = 0.0
        costs += row_sums(t * minus_log)
        t[within(piece, top)] = 0.0
        others += row_sums(t)
    if out is not None:
        mass = targets[everything, top].astype(np.float64) + others
        for piece, e in shifted.again():
            # In two steps, because total is so large that mass / total may underflow.
            e /= total[:, None]
            e *= mass[:, None]
            e -= targets[:, piece].astype(np.float64)
            e /= divisor
            np.copyto(out[:, piece], e, casting="same_kind")
        # At the largest logit, y Σt − t is the sum of the other targets minus (1 − y) Σt: less cancels.
        out[everything, top] = (others - mass * (rivals / total)) / divisor
    return costs


def softmax_and_complement(block):
    """Return y and 1 − y in float64, each without cancellation."""
    shifted = Shifted(block.logits, block.wide)
    own, rivals = shifted.sums(shifted.top)
    total = own + rivals
    y = np.empty(block.logits.shape)
    shifted.write(total, y)
    complement = 1.0 - y
    complement[np.arange(len(y)), shifted.top] = rivals / total
    return y, complement


def logistic_and_complement(x):
    """Return 1/(1 + e^{−z}) and 1/(1 + e^z), each without cancellation."""
    e = np.exp(-np.abs(x))
    large, small = 1 / (1 + e), e / (1 + e)
    positive = x >= 0
    return np.where(positive, large, small), np.where(positive, small, large)


def logistic_cost(block, targets, divisor):
    """Return −Σ [t log y + (1 − t) log(1 − y)], and write gradient / divisor. The gradient is y − t."""
    x = block.logits.astype(np.float64)
    t = widened(targets)
    # −log y = max(−z, 0) + rest and −log(1 − y) = max(z, 0) + rest
    rest = np.log1p(np.exp(-np.abs(x)))
    right = np.where(t > 0, t * np.maximum(-x, 0.0), 0.0)
    wrong = np.where(t < 1, (1.0 - t) * np.maximum(x, 0.0), 0.0)
    if block.out is not None:
        block.out[...] = residual(*logistic_and_complement(x), t) / divisor
    return row_sums(right + wrong + rest)


def squared_error(block, targets, divisor, output):
    """Return ½ Σ (y − t)², and write gradient / divisor.

    The gradient is with respect to the logits, through the function `output`.
    """
    t = widened(targets)
    if output == "linear":
        v = g = block.logits.astype(np.float64) - t
    elif output == "logistic":
        outputs, complement = logistic_and_complement(block.logits.astype(np.float64))
        v = residual(outputs, complement, t)
        g = outputs * complement * v
    else:
        outputs, complement = softmax_and_complement(block)
        v = residual(outputs, complement, t)
        g = jvp(outputs, v)
    if block.out is not None:
        block.out[...] = g / divisor
    return 0.5 * row_sums(v * v)


def residual(y, complement, t):
    """Return y − t, for y above ½ as (1 − t) − (1 − y), because there 1 − y has more digits."""
    return np.where(y > 0.5, (1.0 - t) - complement, y - t)


def jvp(y, v):
    """Return y_i (v_i − Σ_j y_j v_j), computed with v relative to its entry at the largest output."""
    # Half of v: the difference of two entries may overflow though its product with y does not.
    v = 0.5 * v
    v -= v[np.arange(len(y)), y.argmax(axis=1)][:, None]
    v -= row_sums(y * v)[:, None]
    v *= y
    v += v
    return v


def jacobian(y, complement, out):
    """Write diag(y) − y yᵀ of each row into `out`, with y (1 − y) on its diagonal."""
    k = np.arange(y.shape[1])
    np.multiply(-y[:, :, None], y[:, None, :], out=out, casting="same_kind")
    out[:, k, k] = y * complement


# Short paths for small arrays of tame logits, whose rows lie along the last axis. They give the bits of the
# kernels, and take a quarter to a half of the time for shape (1, 10).


def matrix(a):
    """Return a contiguous array as a matrix with rows along its last axis."""
    return a if a.ndim == 2 else a.reshape(-1, a.shape[-1])


def is_small(z):
    """Return True for a small array of logits so close to 0 that no output overflows or underflows."""
    safe = LIMITS[z.dtype].safe_logit
    return z.size <= _sizes.SMALL and between(z, -safe, safe)


def softmax_small(z, out):
    """Return the softmax of a small array."""
    result = np.exp(z, out=out)
    e = matrix(result)
    if e.shape[1] < _sizes.SHORT:
        e /= short_sums(e)[:, None]
    else:
        write_quotients([(slice(None), e)], row_sums(e), e)
    return result


def log_softmax_small(z, out):
    """Return the log-softmax of a small array."""
    x = matrix(z)
    e = np.exp(x)
    m, rest = _top_and_rest(x, e)
    y = np.subtract(x, m, out=e if out is None else matrix(out))
    y -= rest.astype(x.dtype, copy=False)[:, None]
    return y.reshape(z.shape) if out is None else out


def _top_and_rest(x, e):
    """Return the largest logit m of each row, as a column, and log(1 + Σ e^{z − m}); `e` is overwritten."""
    top = x.argmax(axis=1)
    if len(x) == 1:
        # For one row, single numbers are faster than arrays.
        at = top.item()
        m, own = x.item(at), e.item(at)
        e[0, at] = 0.0
        return m, np.log1p(row_sums(e) / own)
    at = places(x.shape, top)
    own, rivals = own_and_rivals(e, at)
    return x.reshape(-1)[at][:, None], np.log1p(rivals / own)


def logsumexp_small(z):
    """Return log Σ e^z of a small array, or None if a result near 0 needs the sum over the rivals."""
    total = row_sums(matrix(np.exp(z)))
    return np.log(total).astype(z.dtype, copy=False) if total.item(total.argmin()) > 2.0 else None


def label_cost_small(z, labels, divisor, out):
    """Return the costs of `label_cost` for a small array; write its gradient unless `out` is None."""
    e = matrix(np.exp(z, out=out))
    at = places(e.shape, labels)
    own, rivals = own_and_rivals(e, at)
    if out is not None:
        total = (own + rivals) * divisor
        write_quotients([(slice(None), e)], total, e)
        e.reshape(-1)[at] = rivals / -total
    return np.log1p(rivals / own)
