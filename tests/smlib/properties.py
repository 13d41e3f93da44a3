"""Hostile input for every public function of smlib: a refusal that names the argument, or the right numbers.

Each property draws a call: arrays of any shape, dtype and layout, with any numbers. By the contract it then knows
which arguments are bad. Is there one, ValueError or TypeError has to name it; is there none, the result has to agree
with 50-digit arithmetic. No warning escapes, and no argument changes.

test_fuzz.py tries a few calls of each in every run of the tests, and `make fuzz N=20000 SEED=1` many.
"""

import math
import random
import sys
import time
import warnings

import dask
import dask.array as da
import hypothesis
import mpmath
import numpy as np
import sympy as sp
from hypothesis import HealthCheck
from hypothesis import strategies as st

import smlib
from smlib import _sizes, datasets, many_classes, plotting, sharded, symbolic, training
from tests.smlib import reference
from tests.smlib.strategies import (
    ANY,
    FLOATS,
    INF,
    NAN,
    ROUNDOFF,
    SHIFTED,
    SMALL,
    TILES,
    TINY,
    USUAL,
    Call,
    Row,
    check,
    dtype_of,
    exact,
    objects,
    plain,
    sizes,
    times,
    total,
    undefined,
)

# outputs


def logistic(call):
    z, held = call.array("z", call.shape())
    result = call.result(smlib.logistic, z)
    if result is not None:
        work = np.asarray(held, float)
        truth = objects([sigmoid(a)[0] for a in work.flat], held.shape)
        check(result, truth, dtype_of(held))


def sigmoid(z):
    """1/(1 + e^{−z}) and 1/(1 + e^z)."""
    if math.isnan(z):
        return mpmath.nan, mpmath.nan
    if math.isinf(z):
        return exact(z > 0), exact(z < 0)
    small = 1 / (1 + mpmath.exp(abs(exact(z))))
    large = 1 / (1 + mpmath.exp(-abs(exact(z))))
    return (large, small) if z >= 0 else (small, large)


def rows_over(z, over, where):
    """The rows along some axes, masked classes at −inf, and a function that puts rows of results in their place."""
    left = [a for a in range(z.ndim) if a not in over]
    order = [*left, *over]
    masked = np.where(where, z.astype(float), -INF).transpose(order)
    rows = masked.reshape(math.prod(z.shape[a] for a in left), math.prod(z.shape[a] for a in over))
    back = np.argsort(order) if order else ()
    return rows, lambda values: objects(values, masked.shape).transpose(back)


def over_axis(call, function, name, use=np.asarray, compute=None, with_out=False):
    """softmax, log_softmax and logsumexp, here or on Dask."""
    z, held = call.array("z", call.shape())
    shape = (2, 3) if held is None else held.shape
    axis, over = call.axis(len(shape))
    where, mask = call.where(shape)
    named = {"axis": axis, "where": where}
    if held is None:
        call.bad |= {"axis", "where"}
    if name == "logsumexp":
        named["keepdims"] = call.pick(False, True)
    elif with_out and held is not None:
        named["out"] = call.out(shape, dtype_of(held), z)
    if where is None and call.pick(True, False):
        del named["where"]
    if compute:
        z, named = on_dask(call, z, held, named)
        result = call.result(lambda z, **named: compute(function(z, **named)), z, **named)
    else:
        with sizes(_sizes, call.pick(USUAL, SHIFTED, TINY)):
            result = call.result(function, z, **named)
    if result is None:
        return
    if named.get("out") is not None:
        assert result is named["out"]
    rows, back = rows_over(held, over, mask)
    truths = [Row(row) for row in rows]
    dtype = dtype_of(held)
    if name == "logsumexp":
        values = [r.m + r.log if r.defined else lost(row) for r, row in zip(truths, rows)]
        scale = [abs(r.m) if r.defined and r.m < mpmath.inf else 0.0 for r in truths]
        kept = [1 if a in over else n for a, n in enumerate(shape)]
        left = [n for a, n in enumerate(shape) if a not in over]
        shape = kept if named["keepdims"] else left
        return check(result, objects(values, shape), dtype, objects(scale, shape), like_numpy=not compute)
    if name == "softmax":
        values = [a for r, row in zip(truths, rows) for a in (r.y if r.defined else undefined(len(row)))]
    else:
        values = [-a for r, row in zip(truths, rows) for a in (r.minus_log if r.defined else undefined(len(row)))]
    return check(result, back(values), dtype, like_numpy=not compute and named.get("out") is None)


def lost(row):
    """The log-sum-exp of a row without a distribution."""
    return mpmath.nan if np.isnan(row).any() else -mpmath.inf


def logsumexp(call):
    over_axis(call, smlib.logsumexp, "logsumexp")


def softmax(call):
    over_axis(call, smlib.softmax, "softmax", with_out=True)


def log_softmax(call):
    over_axis(call, smlib.log_softmax, "log_softmax", with_out=True)


def softmax_jacobian(call):
    z, held = call.array("z", call.shape(least=call.pick(1, 0)))
    if held is not None and held.ndim == 0:
        call.bad.add("z")
    with sizes(_sizes, call.pick(USUAL, TINY)):
        result = call.result(smlib.softmax_jacobian, z)
    if result is None:
        return
    values = []
    for row in matrix(held):
        r = Row(row)
        values += jacobian(r) if r.defined else undefined(len(row) ** 2)
    check(result, objects(values, (*held.shape, held.shape[-1])), dtype_of(held))


def jacobian(r):
    k = range(len(r.y))
    return [r.y[i] * r.rest[i] if i == j else -r.y[i] * r.y[j] for i in k for j in k]


def matrix(a):
    """An array as rows of float64."""
    return rows_of(a.astype(float))


def rows_of(a):
    return a.reshape(a.size // max(1, a.shape[-1]), a.shape[-1])


def softmax_jvp(call):
    shape = call.shape(least=call.pick(1, 0))
    z, held = call.array("z", shape)
    v, held_v = call.array("v", call.near(shape if held is None else held.shape), pools=(*ANY, "huge"))
    if held is None:
        call.bad.add("v")
    elif held.ndim == 0:
        call.bad.add("z")
    if held is not None and held_v is not None and held.shape != held_v.shape:
        call.bad.add("v")
    with sizes(_sizes, call.pick(USUAL, TINY)):
        result = call.result(smlib.softmax_jvp, z, v)
    if result is None:
        return
    assert result.shape == held.shape and result.dtype == dtype_of(held)
    for row, direction, product in zip(matrix(held), matrix(held_v), rows_of(result)):
        r = Row(row)
        if not r.defined:
            assert np.isnan(product).all()
        elif np.isfinite(direction).all():
            v = [exact(a) for a in direction]
            truth, scale = r.change(v)
            floor = np.finfo(float).tiny * max(map(abs, v), default=0)
            check(product, objects(truth, row.shape), result.dtype, objects([s + floor for s in scale], row.shape))
        else:
            assert not np.isfinite(product).any() or not all(r.y)


# costs


def cost(call, function, model, targets, name="z", gradient=False, dask_too=None, **options):
    """A cost of `model(z, t)`, which gives a case's cost, its gradient, and the scale of either."""
    shape = call.shape(least=call.pick(1, 1, 1, 0))
    z, held = call.array(name, shape)
    shape = shape if held is None else held.shape
    if held is not None and (held.ndim == 0 or held.shape[-1] == 0):
        call.bad |= {name, "t"}
    t, held_t = targets(call, held, shape)
    reduction = call.choice("reduction", "mean", "sum", "none")
    named = {"reduction": reduction, **options}
    if held is None:
        call.bad.add("t")
    elif reduction is not None and str(reduction) == "mean" and math.prod(shape[:-1]) == 0:
        call.bad |= {name, "reduction"}
    if gradient and function in (smlib.cross_entropy_value_and_grad,) and held is not None:
        named["out"] = call.out(shape, dtype_of(held), z, *([t] if isinstance(t, np.ndarray) else []))
    if dask_too:
        z, named, t = *on_dask(call, z, held, named), lazy_targets(call, t, held_t)
        result = call.result(lambda z, t, **named: dask_too(function(z, t, **named)), z, t, **named)
    else:
        with sizes(_sizes, call.pick(USUAL, SHIFTED, TINY)):
            result = call.result(function, z, t, **named)
    if result is None:
        return
    value, slope = result if gradient else (result, None)
    if named.get("out") is not None:
        assert slope is named["out"]
    cases = [model(row, case) for row, case in zip(matrix(held), cases_of(held, held_t))]
    dtype, numpy = dtype_of(held), not dask_too
    costs, cost_scales = [c[0] for c in cases], [c[2] for c in cases]
    count = len(cases) if reduction == "mean" else 1
    if reduction == "none":
        lead = shape[:-1]
        check(value, objects(costs, lead), dtype, objects(cost_scales, lead), like_numpy=numpy)
    else:
        # The sum over the cases may overflow where the mean would not.
        over = None in costs or (total(costs) > float(np.finfo(float).max) and math.isinf(value))
        if not over:
            scale = objects([total(cost_scales) / count], ())
            check(value, objects([total(costs) / count], ()), dtype, scale, like_numpy=numpy)
    if gradient:
        slopes = [None if a is None else a / count for c in cases for a in c[1]]
        scales = [a / count for c in cases for a in c[3]]
        numpy = numpy and named.get("out") is None
        check(slope, objects(slopes, shape), dtype, objects(scales, shape), like_numpy=numpy)


def cases_of(z, t):
    """The targets of each row: a label or a row of numbers."""
    return t.reshape(-1).tolist() if t.ndim < z.ndim else matrix(t)


def class_targets(call, z, shape):
    """Labels or distributions for logits (or bad ones), and what they hold, or None."""
    if call.pick(True, False):
        t = call.labels(call.near(shape[:-1]), shape[-1] if shape else 1)
    else:
        t = call.array("-", call.near(shape), pools=("ties", "tame", "edges", "wild"))[0]
        call.bad.discard("-")
        if type(t) is np.ndarray and t.dtype.kind == "f" and not call.rarely():
            t = np.abs(t, out=t) if t.flags.writeable else np.array(np.abs(t))
            t[~(t < call.pick(INF, INF, 1e4))] = 0
    held = plain(t)
    if z is not None and not good_class_targets(z, held):
        call.bad.add("t")
    return t, held


def good_class_targets(z, t):
    if t is None or z.ndim == 0:
        return False
    if t.ndim == z.ndim - 1:
        in_range = t.dtype.kind in "iu" and t.shape == z.shape[:-1] and all(0 <= a < z.shape[-1] for a in t.flat)
        return in_range
    if not (t.dtype.kind in "biu" or t.dtype.newbyteorder("=") in ROUNDOFF):
        return False
    return t.shape == z.shape and all(0 <= a < INF for a in t.flat)


def real_targets(call, z, shape, good=lambda a: True, pools=ANY):
    t, held = call.array("t", call.near(shape), pools=pools)
    if z is not None and held is not None and not (held.shape == shape and all(map(good, held.flat))):
        call.bad.add("t")
    return t, held


def unit_targets(call, z, shape):
    pool = call.pick("ties", "edges", "units", "units", "wild")
    return real_targets(call, z, shape, lambda a: 0 <= a <= 1, (pool,))


def class_cost(z, t):
    """Cross-entropy of softmax, for a label or a distribution."""
    r = Row(z)
    if not r.defined:
        return mpmath.nan, undefined(len(z)), 0, [0] * len(z)
    if isinstance(t, int):
        slope = [-r.rest[i] if i == t else y for i, y in enumerate(r.y)]
        return r.minus_log[t], slope, 0, [0] * len(z)
    t = [exact(a) for a in t]
    mass = total(t)
    C = total(times(a, b) for a, b in zip(t, r.minus_log))
    slope, scales = [y * mass - a for y, a in zip(r.y, t)], [mass * y + a for y, a in zip(r.y, t)]
    top = r.y.index(max(r.y))
    others = total(t[:top] + t[top + 1 :])
    slope[top] = others - mass * r.rest[top]
    scales[top] = max(scales[top], others + mass * r.rest[top])
    # What is below the smallest normal number has lost digits, however large the targets are.
    floor = mass * exact(np.finfo(float).tiny)
    return C, slope, C + floor, [s + floor for s in scales]


def units_cost(z, t):
    """Cross-entropy of independent logistic units."""
    terms, slope, scale = [], [], []
    for a, b in zip(z, t):
        y, rest = sigmoid(a)
        b = exact(b)
        terms.append(mpmath.nan if math.isnan(a) else times(b, softplus(-a)) + times(1 - b, softplus(a)))
        slope.append(residual(y, rest, b))
        scale.append(y + b if y < 0.5 else rest + 1 - b)
    return total(terms), slope, 0, scale


def residual(y, rest, t):
    """y − t; with y near 1 this is (1 − t) − (1 − y), and needs its digits."""
    return y - t if y < 0.5 else (1 - t) - rest


def capped(C):
    """A squared error: Σ (y − t)² may overflow where half of it would not."""
    return mpmath.inf if 2 * C > float(np.finfo(float).max) else C


def softplus(a):
    """log(1 + e^a)"""
    if math.isinf(a):
        return exact(max(a, 0.0))
    return max(exact(a), 0) + mpmath.log1p(mpmath.exp(-abs(exact(a))))


def square_cost(output):
    """½ Σ (y − t)² of an output function; with infinities and nan only linear outputs are looked at."""

    def model(z, t):
        if output == "linear" and not np.isfinite([z, t]).all():
            v = [float(a) - float(b) for a, b in zip(z, t)]
            return exact(sum(a * a for a in v)), [exact(a) for a in v], 0, [0] * len(v)
        r = Row(z) if output == "softmax" else None
        if np.isnan(z).any() or not np.isfinite(t).all() or (r and not r.defined):
            return None, [None] * len(z), 0, [0] * len(z)
        t = [exact(a) for a in t]
        if output == "linear":
            v = [exact(a) - b for a, b in zip(z, t)]
            return capped(total(a * a for a in v) / 2), v, 0, [0] * len(v)
        y, rest = (r.y, r.rest) if r else zip(*map(sigmoid, z))
        v = [residual(*a) for a in zip(y, rest, t)]
        size = [a + abs(b) if a < 0.5 else c + abs(1 - b) for a, c, b in zip(y, rest, t)]
        if r:
            slope, scale = r.change(v)
            spread = total(a * b for a, b in zip(y, size)) + max(b for a, b in zip(y, size) if a > max(y) * 0.999)
            scale = [s + a * (b + spread) for s, a, b in zip(scale, y, size)]
        else:
            slope = [a * b * c for a, b, c in zip(y, rest, v)]
            scale = [a * b * c for a, b, c in zip(y, rest, size)]
        # An output below the smallest normal number has lost digits, however large the target is.
        floor = exact(np.finfo(float).tiny) * max([1, *map(abs, v)])
        C = capped(total(a * a for a in v) / 2)
        return C, slope, total(abs(a) * b for a, b in zip(v, size)), [s + floor for s in scale]

    return model


def squared_error(call):
    output = call.choice("output", "linear", "logistic", "softmax")
    model = square_cost(output if isinstance(output, str) else "linear")
    cost(call, smlib.squared_error, model, real_targets, output=output)


def squared_error_value_and_grad(call):
    output = call.choice("output", "linear", "logistic", "softmax")
    model = square_cost(output if isinstance(output, str) else "linear")
    cost(call, smlib.squared_error_value_and_grad, model, real_targets, gradient=True, output=output)


def cross_entropy(call):
    cost(call, smlib.cross_entropy, class_cost, class_targets)


def cross_entropy_value_and_grad(call):
    cost(call, smlib.cross_entropy_value_and_grad, class_cost, class_targets, gradient=True)


def logistic_cross_entropy(call):
    cost(call, smlib.logistic_cross_entropy, units_cost, unit_targets)


def logistic_cross_entropy_value_and_grad(call):
    cost(call, smlib.logistic_cross_entropy_value_and_grad, units_cost, unit_targets, gradient=True)


# gradcheck


def check_gradient(call):
    pools = ("tame", "tame", *ANY)
    tame = call.pick(True, False)
    x, held = call.array("x", call.shape(), FLOATS, ("ties",) if tame else pools)
    point = plain(x)
    call.bad.discard("x")
    if point is None or point.dtype.kind != "f" or point.size == 0:
        call.bad.add("x")
    shape = (2,) if "x" in call.bad else point.shape
    right = call.pick(True, False)
    gradient = np.full(shape, 1.0 if right else 2.0)
    if call.rarely():
        gradient = call.odd(shape)
        held = plain(gradient)
        if held is None or held.dtype.kind not in "biuf" or held.shape != shape:
            call.bad.add("gradient")
        else:
            tame = False
    if "x" in call.bad:
        call.bad.add("gradient")
    method = call.choice("method", "central", "complex-step")
    step = None
    if call.rarely():
        call.bad.add("step")
        step = call.pick(0, -1.0, NAN, INF, "1", True, [1e-3], 1j, 10**400, np.array([1e-3]), -0.0, -(10**30))
    elif tame and call.pick(True, False):
        step = call.pick(0.125, 1)

    def f(x):
        with np.errstate(all="ignore"):
            return x.sum(dtype=complex if x.dtype.kind == "c" else float)

    error = call.result(smlib.check_gradient, f, x, gradient, method=method, step=step)
    if error is None:
        return
    assert type(error) is float and (0 <= error <= 2 or error == INF), error
    if tame:
        # Central differences of numbers up to 50, by steps of at least eps^(1/3)
        assert error < 0.02 if right else 0.45 < error < 0.55, error


# many_classes


def linear_cross_entropy(call):
    n, k, d = (call.pick(2, 1, 3, 5, 0), call.pick(3, 1, 2, 7, 0), call.pick(2, 1, 3, 0))
    extreme = call.rarely(6)
    pools = ANY if extreme else ("ties", "tame")
    h, held_h = call.array("h", call.near((n, d)), SMALL, pools)
    W, held_W = call.array("W", call.near((k, d)), SMALL, pools)
    b, held_b = call.array("b", call.near((k,)), SMALL) if call.pick(False, True) else (None, None)
    if b is None:
        call.bad.discard("b")
    for a, name in ((held_h, "h"), (held_W, "W")):
        if a is None or a.ndim != 2:
            call.bad |= {name, "b", "t"}
    if not call.bad & {"h", "W"}:
        if held_h.shape[1] != held_W.shape[1] or len(held_W) == 0:
            call.bad |= {"W", "b", "t"}
        (n, d), k = held_h.shape, len(held_W)
        if held_b is not None and held_b.shape != (k,):
            call.bad.add("b")
    t = call.labels(call.near((n,)), k)
    held_t = plain(t)
    if held_t is None or held_t.dtype.kind not in "iu" or held_t.shape != (n,) or not all(0 <= a < k for a in held_t):
        call.bad.add("t")
    reduction = call.choice("reduction", "mean", "sum")
    if isinstance(reduction, str) and reduction == "mean" and n == 0:
        call.bad |= {"h", "reduction"}
    with sizes(many_classes, call.pick(USUAL, TILES)):
        result = call.result(smlib.many_classes.linear_cross_entropy, h, W, t, b=b, reduction=reduction)
    if result is None:
        return
    C, gradients = result
    arrays = [a for a in (held_h, held_W, held_b) if a is not None]
    dtype = dtype_of(*arrays)
    assert type(C) is dtype.type and len(gradients) == len(arrays)
    for a, g in zip(arrays, gradients):
        assert type(g) is np.ndarray and g.dtype == dtype and g.shape == a.shape
    if not extreme and all(np.isfinite(a).all() for a in arrays[:2]):
        truth = layer_cost(held_h.astype(float), held_W.astype(float), held_t, held_b)
        count = n if reduction == "mean" else 1
        unit = ROUNDOFF[np.dtype(dtype)] if dtype != np.float16 else 2.0**-24
        check_layer(result, *truth, count, dtype, unit)


def layer_cost(h, W, t, b):
    """The cost of a linear layer, its gradients, and the scale of each."""
    (n, d), k = h.shape, len(W)
    b = np.zeros(k) if b is None else b.astype(float)
    C, spread = exact(0), exact(0)
    shapes = ((n, d), (k, d), (k,))
    truth = [objects([exact(0)] * math.prod(s), s) for s in shapes]
    scale = [objects([exact(0)] * math.prod(s), s) for s in shapes]
    h, W = (objects([exact(x) for x in a.flat], a.shape) for a in (h, W))
    for i in range(n):
        products = [[h[i, m] * W[j, m] for m in range(d)] for j in range(k)]
        r = Row([total(p) + exact(c) for p, c in zip(products, b)])
        size = max(total(map(abs, p)) + (abs(exact(c)) if np.isfinite(c) else 0) for p, c in zip(products, b))
        g = [-r.rest[j] if j == t[i] else r.y[j] for j in range(k)] if r.defined else undefined(k)
        C += r.minus_log[t[i]] if r.defined else mpmath.nan
        spread = spread + size
        for j in range(k):
            # A logit that is off by some roundings puts the outputs off by as much, of themselves.
            off = abs(g[j]) * (1 + 2 * size)
            terms = [(truth[0][i], scale[0][i], W[j]), (truth[1][j], scale[1][j], h[i])]
            for sums, sizes_, factor in terms:
                for m in range(d):
                    sums[m] += g[j] * factor[m]
                    sizes_[m] += off * abs(factor[m])
            truth[2][j] += g[j]
            scale[2][j] += off
    return C, C + spread, truth, scale


def check_layer(result, C, spread, truth, scale, count, dtype, unit):
    value, gradients = result
    if spread * unit > 1e-3:
        return  # large logits in which no digit is left
    check(value, objects([C / count], ()), dtype, objects([spread / count], ()), limit=64)
    # The exponents leave half of their range to h and W.
    floor = float(np.finfo(np.float32 if unit > 1e-10 else np.float64).tiny) ** 0.5
    for g, a, s in zip(gradients, truth, scale):
        check(g, a / count, dtype, s / count + floor, limit=64)


def running_logsumexp(call):
    lead = call.shape()[:2]
    parts = [many_classes.RunningLogSumExp() for _ in range(call.pick(2, 1, 3))]
    owned = [[] for _ in parts]
    coarse = False
    for _ in range(call.pick(2, 1, 3, 4, 0)):
        p = call.pick(*range(len(parts)))
        shape, axis = (lead, ()) if call.rarely() else (call.near((*lead, call.pick(3, 1, 8, 0))), -1)
        call.bad = set()
        z, held = call.array("z", shape)
        if held is None:
            call.bad.add("axis")
        elif call.rarely():
            axis, _ = call.axis(held.ndim)
        elif axis == -1 and held.ndim == 0:
            call.bad.add("axis")
        if not call.bad:
            over = range(held.ndim) if axis is None else [a % held.ndim for a in np.atleast_1d(np.array(axis, int))]
            rows, _ = rows_over(held, over, True)
            left = tuple(m for a, m in enumerate(held.shape) if a not in over)
            if owned[p] and owned[p][0][0] != left:
                call.bad.add("z")
        with sizes(_sizes, call.pick(USUAL, TINY)):
            before = parts[p].value
            done = call.result(Updated(parts[p]), z, axis=axis)
        if done is None:
            assert np.array_equal(parts[p].value, before, equal_nan=True)
            continue
        owned[p].append((left, rows))
        coarse |= dtype_of(held) != np.float64
    whole, held = parts[0], owned[0]
    for other, pieces in zip(parts[1:], owned[1:]):
        call.bad = {"other"} if held and pieces and held[0][0] != pieces[0][0] else set()
        merged = call.result(whole.merge, other)
        if merged is not None:
            assert np.array_equal(merged.value, other.merge(whole).value, equal_nan=True)
            whole, held = merged, held + pieces
    if call.rarely():
        call.bad = {"other"}
        call.result(whole.merge, call.pick(None, 1.0, np.zeros(2), "a"))
    left = held[0][0] if held else ()
    values, scale = [], []
    for i in range(math.prod(left)):
        row = [a for _, rows in held for a in rows[i]]
        r = Row(row)
        values.append(r.m + r.log if r.defined else lost(row))
        scale.append((abs(r.m) + abs(r.log)) * (2.0**29 if coarse else 1) if r.defined and r.m < mpmath.inf else 0)
    check(whole.value, objects(values, left), np.float64, objects(scale, left))


class Updated:
    """Update an accumulator, and return it."""

    def __init__(self, part):
        self.part, self.__name__ = part, "update"

    def __call__(self, z, axis):
        self.part.update(z, axis=axis)
        return self.part


# sharded


def on_dask(call, z, held, named):
    """The arguments with the logits, and perhaps the mask, on Dask."""
    if isinstance(z, np.ndarray) and not call.rarely(20):
        z = in_chunks(call, z)
    elif held is not None and not call.rarely(20):
        z = in_chunks(call, held)
    else:
        call.bad.add("z")
    where = named.get("where")
    if type(where) is np.ndarray and call.pick(True, False):
        named = {**named, "where": in_chunks(call, where)}
    return z, named


def in_chunks(call, a):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return da.from_array(a, chunks=tuple(call.pick(max(n, 1), 1, 2, 3) for n in a.shape), name=False)


def lazy_targets(call, t, held):
    lazy = type(t) is np.ndarray and t.dtype.kind in "biuf" and call.pick(True, False)
    return in_chunks(call, t) if lazy else t


def computed(result):
    if isinstance(result, tuple):
        return dask.compute(*result, scheduler="synchronous")
    return result.compute(scheduler="synchronous")


def sharded_logsumexp(call):
    over_axis(call, sharded.logsumexp, "logsumexp", compute=computed)


def sharded_softmax(call):
    over_axis(call, sharded.softmax, "softmax", compute=computed)


def sharded_log_softmax(call):
    over_axis(call, sharded.log_softmax, "log_softmax", compute=computed)


def sharded_cross_entropy(call):
    cost(call, sharded.cross_entropy, class_cost, class_targets, dask_too=computed)


def sharded_cross_entropy_value_and_grad(call):
    cost(call, sharded.cross_entropy_value_and_grad, class_cost, class_targets, gradient=True, dask_too=computed)


# plotting


def simplex_xy(call):
    shape = (*call.shape()[:2], 3)
    y, held = call.array("y", call.near(shape))
    if held is not None and (held.ndim == 0 or held.shape[-1] != 3):
        call.bad.add("y")
    points = call.result(plotting.simplex_xy, y)
    if points is None:
        return
    truth, scale = [], []
    for row in matrix(held):
        a, b, c = map(exact, row)
        fine = np.isfinite(row).all()
        truth += [b + c / 2, c * mpmath.sqrt(0.75)] if fine else [None, None]
        scale += [abs(b) + abs(c), abs(c)] if fine else [0, 0]
    shape = (*held.shape[:-1], 2)
    check(points, objects(truth, shape), np.float64, objects(scale, shape))


# training


def network_of(call):
    """A network, or None if it was refused."""
    call.flags = {"all": "raise", "under": "ignore"}  # as NumPy's default is
    sizes_ = call.pick((2, 3), (3, 1), (1, 2, 2), (2, 2, 1, 3), ((2, 1), (1, 2), 3))
    output, cost = call.choice("output", "softmax", "logistic"), call.choice("cost", "cross-entropy", "squared-error")
    bad = (3,), (), (2, 0), (2, -1), (2.0, 3), 3, None, "23", ((1, 1), (1, 1, 1)), [[2, 2], 3], ((), 2)
    sizes_ = call.bad_or("sizes", sizes_, *bad)
    if isinstance(output, str) and output == "softmax" and isinstance(sizes_, tuple) and sizes_[-1:] == (1,):
        call.bad.add("sizes")
    rng = call.bad_or("rng", np.random.default_rng(call.pick(0, 1, 2)), None, 0, np.random.RandomState(0))
    hidden = call.bad_or("hidden", "logistic", "relu", None, ["logistic"])
    return call.result(training.Network, sizes_, output=output, cost=cost, rng=rng, hidden=hidden)


def cases_for(call, network, names=("x", "t")):
    """Cases that the network takes, or bad ones; and what they hold."""
    inputs, classes = len(network.weights[0]), len(network.biases[-1])
    n = call.pick(2, 3, 1)
    x, held_x = call.array(names[0], call.near((n, inputs)), SMALL, ("ties", "tame", call.pick("ties", "infinite")))
    if held_x is None or held_x.shape[1:] != (inputs,) or not np.isfinite(held_x).all():
        call.bad |= {names[0]}
    else:
        n = len(held_x)
    if call.pick(True, False):
        t = call.labels(call.near((n,)), classes)
    else:
        t = call.array("-", call.near((n, classes)), pools=("units", "units", "ties"))[0]
        call.bad.discard("-")
    held = plain(t)
    if names[0] in call.bad:
        call.bad.add(names[1])
    elif held is None or not good_network_targets(held, n, classes):
        call.bad.add(names[1])
    return x, t, held_x, held


def good_network_targets(t, n, classes):
    if t.shape == (n, classes):
        real = t.dtype.kind in "biu" or t.dtype.newbyteorder("=") in ROUNDOFF
        return real and all(0 <= a <= 1 for a in t.flat)
    return t.shape == (n,) and t.dtype.kind in "iu" and all(0 <= a < classes for a in t)


def network_cost(network, weights, biases, x, t):
    """The mean cost and the outputs, by the plain formulas, for real or complex weights."""
    h = x
    for W, b in zip(weights, biases):
        z = h @ W + b
        h = 1 / (1 + np.exp(-z))
    if network.output == "softmax":
        e = np.exp(z - z.real.max(axis=1, keepdims=True))
        h = e / e.sum(axis=1, keepdims=True)
        logs, others = np.log(h), 0
    else:
        logs, others = -np.log(1 + np.exp(-z)), (1 - t) * np.log(1 + np.exp(z))
    costs = (h - t) ** 2 / 2 if network.cost == "squared-error" else others - t * logs
    return costs.sum() / len(x), h


def network_gradient(network, x, t):
    """The gradient by the complex step, in long double; entries between groups stay."""
    real = [a.astype(np.clongdouble) for a in network.weights + network.biases]
    half, step = len(network.weights), 1e-30
    gradient = [np.zeros(a.shape) for a in real]
    for a, g in zip(real, gradient):
        for i in np.ndindex(a.shape):
            kept = a[i]
            a[i] += 1j * step
            g[i] = network_cost(network, real[:half], real[half:], x, t)[0].imag / step
            a[i] = kept
    for g, absent in zip(gradient, network._absent):
        g[absent] = 0
    return gradient[:half], gradient[half:]


def one_hot(t, classes):
    return np.eye(classes)[t.astype(int)] if t.ndim == 1 else t.astype(float)


def agree(a, b):
    assert np.shape(a) == np.shape(b)
    assert np.allclose(np.asarray(a, float), np.asarray(b, float), rtol=1e-9, atol=1e-11), f"{a} instead of {b}"


def network(call):
    made = network_of(call)
    if made is None:
        return
    x, t, held_x, held_t = cases_for(call, made)
    bad = call.bad
    call.bad = bad & {"x"}
    outputs, logits = call.result(made.outputs, x), call.result(made.logits, x)
    layers = call.result(made.layers, x)
    call.bad = bad
    right, gradient = call.result(made.right, x, t), call.result(made.value_and_grad, x, t)
    if gradient is None:
        return
    x, t = held_x.astype(float), one_hot(held_t, len(made.biases[-1]))
    C, y = network_cost(made, made.weights, made.biases, x.astype(np.longdouble), t)
    agree(outputs, y)
    agree(layers[-1], y)
    agree(gradient[0], C)
    assert len(layers) == len(made.sizes) and np.isfinite(logits).all()
    for (dW, db), slope, slope_b in zip(gradient[1], *network_gradient(made, x, t)):
        agree(dW, slope)
        agree(db, slope_b)
    assert right.shape == (len(x),) and right.dtype == bool


def train(call):
    made = network_of(call)
    if made is None:
        return
    x, t, held_x, held_t = cases_for(call, made)
    count = lambda name, good, *bad: call.bad_or(name, good, -1, 1.5, "2", None, [1], *bad)
    number = lambda name, good, *bad: call.bad_or(name, good, -1.0, NAN, INF, "1", None, 1j, [0.1], True, *bad)
    named = {
        "steps": count("steps", call.pick(1, 3, 0)),
        "learning_rate": number("learning_rate", call.pick(0.1, 1), 0),
        "record_every": count("record_every", call.pick(1, 2), 0),
        "momentum": number("momentum", call.pick(0.0, 0.5), 1),
        "weight_decay": number("weight_decay", call.pick(0, 0.01)),
    }
    n = 1 if "x" in call.bad else len(held_x)
    if call.pick(False, True):
        named["batch_size"] = call.bad_or("batch_size", 1, 0, 99, 1.5, "1")
        named["rng"] = call.bad_or("rng", np.random.default_rng(0), None, 0)
    if call.pick(False, True):
        named["watch"] = call.bad_or("watch", [n - 1, 0] if n else [], [99], [-1], [0.5], None, 3, "0", [None])
    if call.pick(False, True):
        pair = cases_for(call, made, ("held_out", "held_out"))[:2]
        named["held_out"] = call.bad_or("held_out", pair, pair[:1], 3, list(pair))
        if call.pick(False, True):
            named["patience"] = call.bad_or("patience", 1, 0, -1, 1.5, "a")
    elif call.rarely():
        call.bad.add("patience")
        named["patience"] = 1
    if call.bad & {"x", "t"}:
        call.bad |= {"watch", "batch_size"}
    if "x" not in call.bad and n == 0:
        return  # no cases: a network of training's own
    start = [a.copy() for a in made.weights + made.biases]
    history = call.result(training.train, made, x, t, **named)
    if history is None:
        assert all(map(np.array_equal, start, made.weights + made.biases)), "the network changed"
        return
    x, t = held_x.astype(float), one_hot(held_t, len(made.biases[-1]))
    half = len(made.weights)
    agree(history.cost[0], network_cost(made, start[:half], start[half:], x.astype(np.longdouble), t)[0])
    assert history.step[0] == 0 and len(history.step) == len(history.cost) == len(history.outputs)
    if named["steps"] == 1 and not {"batch_size", "patience"} & set(named):
        W, b = made.weights, made.biases
        made.weights, made.biases = start[:half], start[half:]
        slopes = network_gradient(made, x, t)
        for a, old, g in zip(W, start[:half], slopes[0]):
            agree(a, old - named["learning_rate"] * (g + named["weight_decay"] * old))
        for a, old, g in zip(b, start[half:], slopes[1]):
            agree(a, old - named["learning_rate"] * g)


# datasets and symbolic


def split(call):
    whole = lambda name, good: call.bad_or(name, good, -1, 1.5, "2", None, [1], np.array([1, 2]), 1j, NAN)
    n = whole("n", call.pick(5, 0, 1, 40, np.int8(7), np.array(3)))
    held_out = whole("held_out", call.pick(2, 0, 1, 5, 40, np.uint64(3)))
    seed = whole("seed", call.pick(0, 1, 2**70, np.int64(5)))
    if not call.bad & {"n", "held_out"} and held_out > n:
        call.bad.add("held_out")
    result = call.result(datasets.split, n, held_out=held_out, seed=seed)
    if result is not None:
        train, test = result
        assert train.dtype == test.dtype == np.int64 and len(test) == held_out
        assert sorted([*train, *test]) == list(range(n))
        assert np.array_equal(train, np.sort(train)) and np.array_equal(test, np.sort(test))


def loaded(call):
    """What is loaded has no arguments; what one caller does to it the next does not see."""
    load = call.pick(datasets.digits, lambda: vars(datasets.family_trees()).values())
    first = [a for a in load() if isinstance(a, np.ndarray)]
    before = [a.copy() for a in first]
    for a in first:
        a[...] = 7
    assert all(map(np.array_equal, before, [a for a in load() if isinstance(a, np.ndarray)]))


def symbols(call):
    """The symbolic columns and expressions, as numbers."""
    n = call.pick(1, 2, 3)
    odd = (0, -1, 2.5, 2.0, "2", None, [2], NAN, 1j)
    made = call.result(call.pick(symbolic.logits, symbolic.targets), call.bad_or("n", n, *odd))
    if made is None:
        return
    assert made.shape == (n, 1) and len(set(made)) == n
    z, t = symbolic.logits(n), symbolic.targets(n)
    no_columns = None, 3, [1, 2], np.ones((2, 1)), "z", sp.zeros(0, 1), sp.zeros(2, 2)
    function = call.pick(
        *(
            getattr(symbolic, name)
            for name in ("softmax", "softmax_jacobian", "cross_entropy", "cross_entropy_gradient")
        )
    )
    given_z = call.bad_or("z", z, *no_columns)
    if function in (symbolic.softmax, symbolic.softmax_jacobian):
        expression = call.result(function, given_z)
    else:
        given_t = call.bad_or("t", t, *no_columns, symbolic.targets(n + 1))
        if "z" in call.bad:
            call.bad.add("t")
        expression = call.result(function, given_z, given_t)
    values = [float(call.pick(0, 1, -2, 3)) for _ in range(n)]
    weights = [float(call.pick(0, 1, 2)) for _ in range(n)]
    C, slope, _, _ = class_cost(np.array(values), np.array(weights))
    r = Row(values)
    J = jacobian(r)
    point = dict(zip([*z, *t], [*values, *weights]))
    if expression is not None:
        truth = {
            symbolic.softmax: r.y,
            symbolic.softmax_jacobian: J,
            symbolic.cross_entropy: [C],
            symbolic.cross_entropy_gradient: slope,
        }[function]
        entries = list(expression) if hasattr(expression, "shape") else [expression]
        close(entries, truth, point)
    call.bad = set()
    i, j = call.pick(*range(1, n + 1)), call.pick(*range(1, n + 1))
    general, indices, truth = call.pick(
        (symbolic.general_softmax, {"i": i}, r.y[i - 1]),
        (symbolic.general_jacobian, {"i": i, "j": j}, J[(i - 1) * n + j - 1]),
        (symbolic.general_cross_entropy, {}, C),
        (symbolic.general_gradient, {"j": j}, slope[j - 1]),
    )
    indices = {name: call.bad_or(name, a, 0, n + 1, -1, 1.5, "a", None) for name, a in indices.items()}
    if call.rarely(20):
        call.bad.add("q")
        indices["q"] = 1
    written = call.result(symbolic.at_size, general(), call.bad_or("n", n, *odd), **indices)
    if written is not None:
        close([written], [truth], point)


def close(expressions, truth, point):
    for expression, b in zip(expressions, truth, strict=True):
        a = complex(sp.N(sp.sympify(expression).subs(point), 30))
        assert abs(a - float(b)) <= 1e-12 * max(1, abs(b)), f"{expression} is {a} instead of {b}"


# The properties, and how many calls of each are tried for one of the quickest: those on Dask and SymPy take longer

SHARES = {
    **dict.fromkeys(
        [
            logistic,
            logsumexp,
            softmax,
            log_softmax,
            softmax_jacobian,
            softmax_jvp,
            squared_error,
            squared_error_value_and_grad,
            cross_entropy,
            cross_entropy_value_and_grad,
            logistic_cross_entropy,
            logistic_cross_entropy_value_and_grad,
            check_gradient,
            linear_cross_entropy,
            running_logsumexp,
            network,
            train,
            simplex_xy,
            split,
        ],
        1,
    ),
    **dict.fromkeys(
        [
            sharded_logsumexp,
            sharded_softmax,
            sharded_log_softmax,
            sharded_cross_entropy,
            sharded_cross_entropy_value_and_grad,
            symbols,
        ],
        1 / 8,
    ),
    loaded: 0,
}


def attempt(prop, draw):
    """Try one call."""
    call = Call(draw)
    try:
        with mpmath.workdps(reference.DIGITS):
            prop(call)
    except Exception as error:
        error.add_note(f"in {call.words()}")
        raise


def fuzz(prop, n, seed):
    """Try `n` calls of a property; return their number and, if one failed, the smallest such failure."""
    tried = 0

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=n,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=HealthCheck,
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )
    @hypothesis.given(st.data())
    def run(data):
        nonlocal tried
        tried += 1
        attempt(prop, data.draw)

    try:
        run()
    except Exception as error:
        return tried, error
    return tried, None


def main(n, seed, names):
    """Fuzz every property, or those named, and tell of each how many calls were tried."""
    failed, inputs = [], 0
    for prop, share in SHARES.items():
        if names and prop.__name__ not in names:
            continue
        start = time.perf_counter()
        tried, error = fuzz(prop, max(2, int(n * share)), seed)
        inputs += tried
        print(f"{prop.__name__:38}{tried:8} inputs {time.perf_counter() - start:6.0f} s", flush=True)
        if error is not None:
            failed.append(prop.__name__)
            words = [note for note in error.__notes__ if note.startswith("in ")]
            print(f"FAILED {type(error).__name__}: {error}", *words, "", sep="\n", flush=True)
    again = f"make fuzz N={n} SEED={seed}"
    if failed:
        sys.exit(f'{inputs} inputs; these fail: {", ".join(failed)} (again with: {again} NAMES="{" ".join(failed)}")')
    print(f"{inputs} inputs, and each was refused by name or got the right numbers ({again})")


if __name__ == "__main__":
    n, seed, *names = sys.argv[1:]
    main(int(n), int(seed or random.randrange(2**32)), names)
