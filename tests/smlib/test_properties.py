"""Hostile arguments for every public function of smlib: an error that names a bad one, or the right numbers.

Each property draws a call: arrays of any shape, dtype and layout, with any numbers. If an argument is bad by the
documentation, ValueError or TypeError has to name it; if none is, the result has to agree with 50-digit arithmetic.
No warning escapes, and no argument changes. strategies.py says how a call knows its bad arguments.

Every run of the tests tries some calls of each function, and `make fuzz` many, other ones each time.
"""

import dataclasses
import functools
import importlib
import inspect
import math
import pkgutil
import warnings

import dask
import dask.array as da
import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy import special

import smlib
from smlib import _sizes, datasets, many_classes, plotting, sharded, symbolic, training
from tests.smlib import reference
from tests.smlib.reference import Row, check, exact, objects
from tests.smlib.strategies import (
    ANY,
    FLOATS,
    INF,
    NAN,
    SHIFTED,
    SMALL,
    TILES,
    TINY,
    USUAL,
    Call,
    dtype_of,
    plain,
    real,
    sizes,
)

TRIED = set()


def tries(*functions, share=1):
    """Make a test of a property of these functions; one of them that is slow takes a share of the usual calls."""
    TRIED.update(functions)

    def test_of(prop):
        def test(data):
            call = Call(data.draw)
            try:
                reference.digits(prop)(call)
            except Exception as error:
                error.add_note(f"in {call.words()}")
                raise

        test.__name__ = test.__qualname__ = prop.__name__
        return settings(max_examples=max(2, settings.default.max_examples // share))(given(st.data())(test))

    return test_of


def test_every_public_function_is_tried():
    modules = [m.name for m in pkgutil.iter_modules(smlib.__path__) if not m.name.startswith("_")]
    # smlib.letters is the model of a chapter, and checks little of what it is given.
    # smlib.practice takes any answer on purpose, and says what is wrong with it.
    modules = [importlib.import_module(f"smlib.{name}") for name in modules if name not in ("letters", "practice")]
    public = {getattr(m, name) for m in modules for name in m.__all__}
    classes = {c for c in public if inspect.isclass(c) and not dataclasses.is_dataclass(c)}
    functions = {f for f in public if inspect.isfunction(f) and inspect.signature(f).parameters}
    assert classes | functions == TRIED


# outputs


@tries(smlib.logistic)
def test_logistic_withstands_hostile_arguments(call):
    z, held = call.array("z", call.shape())
    result = call.result(smlib.logistic, z)
    if result is not None:
        work = np.asarray(held, float)
        truth = objects([reference.logistic(a) for a in work.flat], held.shape)
        check(result, truth, dtype_of(held))


def rows_over(z, over, where):
    """Return the rows along some axes, masked classes at −∞, and a function that puts such rows back in place."""
    left = [a for a in range(z.ndim) if a not in over]
    order = [*left, *over]
    masked = np.where(where, z.astype(float), -INF).transpose(order)
    rows = masked.reshape(math.prod(z.shape[a] for a in left), math.prod(z.shape[a] for a in over))
    back = np.argsort(order) if order else ()
    return rows, lambda values: objects(values, masked.shape).transpose(back)


def over_axis(call, function, compute=None):
    """Try softmax, log_softmax or logsumexp; with `compute` on Dask."""
    name = function.__name__
    z, held = call.array("z", call.shape())
    shape = (2, 3) if held is None else held.shape
    axis, over = call.axis(len(shape))
    where, mask = call.where(shape)
    named = {"axis": axis, "where": where}
    if held is None:
        call.bad |= {"axis", "where"}
    if name == "logsumexp":
        named["keepdims"] = call.pick(False, True)
    elif not compute and held is not None:
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
    dtype = dtype_of(held)
    if name == "logsumexp":
        values = [reference.logsumexp(row) for row in rows]
        scale = [abs(m) if np.isfinite(m := max(row, default=0.0)) else 0.0 for row in rows]
        kept = [1 if a in over else n for a, n in enumerate(shape)]
        left = [n for a, n in enumerate(shape) if a not in over]
        shape = kept if named["keepdims"] else left
        check(result, objects(values, shape), dtype, objects(scale, shape), like_numpy=not compute)
        return
    values = [a for row in rows for a in getattr(reference, name)(row)]
    check(result, back(values), dtype, like_numpy=not compute and named.get("out") is None)


@tries(smlib.logsumexp)
def test_logsumexp_withstands_hostile_arguments(call):
    over_axis(call, smlib.logsumexp)


@tries(smlib.softmax)
def test_softmax_withstands_hostile_arguments(call):
    over_axis(call, smlib.softmax)


@tries(smlib.log_softmax)
def test_log_softmax_withstands_hostile_arguments(call):
    over_axis(call, smlib.log_softmax)


@tries(smlib.softmax_jacobian)
def test_softmax_jacobian_withstands_hostile_arguments(call):
    z, held = call.array("z", call.shape(least=call.pick(1, 0)))
    if held is not None and held.ndim == 0:
        call.bad.add("z")
    with sizes(_sizes, call.pick(USUAL, TINY)):
        result = call.result(smlib.softmax_jacobian, z)
    if result is None:
        return
    values = [a for row in matrix(held) for line in reference.jacobian(row) for a in line]
    check(result, objects(values, (*held.shape, held.shape[-1])), dtype_of(held))


def matrix(a):
    """Return an array as rows of float64."""
    return rows_of(a.astype(float))


def rows_of(a):
    """Return an array as rows along its last axis."""
    return a.reshape(a.size // max(1, a.shape[-1]), a.shape[-1])


@tries(smlib.softmax_jvp)
def test_softmax_jvp_withstands_hostile_arguments(call):
    shape = call.shape(least=call.pick(1, 0))
    z, held = call.array("z", shape)
    v, held_v = call.array("v", call.near(shape if held is None else held.shape), pools=(*ANY, "huge"))
    if held is None:
        call.bad.add("v")
    elif held.ndim == 0:
        call.bad.add("z")
    if held is not None and held_v is not None and held.shape != held_v.shape:
        call.bad.add("v")
    shape = shape if held is None else held.shape
    axis, named_axis = class_axis(call, held, z, v)
    where, mask = call.where(moved(shape, axis))
    if held is None:
        call.bad |= {"axis", "where"}
    z, v = (np.moveaxis(a, -1, axis) if axis != -1 and a.ndim == len(shape) else a for a in (z, v))
    with sizes(_sizes, call.pick(USUAL, TINY)):
        result = call.result(smlib.softmax_jvp, z, v, axis=named_axis, where=where)
    if result is None:
        return
    assert result.shape == moved(shape, axis) and result.dtype == dtype_of(held)
    result, mask = np.moveaxis(result, axis, -1), np.moveaxis(mask, axis, -1)
    held, held_v = np.where(mask, held.astype(float), -INF), np.where(mask, held_v.astype(float), 0)
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


def cost(call, function, model, targets, name="z", compute=None, **options):
    """Try a cost of `model(z, t)`, as reference.py has them. Until the call, the classes lie along the last axis."""
    gradient = function.__name__.endswith("value_and_grad")
    shape = call.shape(least=call.pick(1, 1, 1, 0))
    z, held = call.array(name, shape)
    shape = shape if held is None else held.shape
    if held is not None and (held.ndim == 0 or held.shape[-1] == 0):
        call.bad |= {name, "t"}
    reduction = call.choice("reduction", "mean", "sum", "none")
    mean = reduction is not None and str(reduction) == "mean"
    weights, held_w = call.weights(shape[:-1], mean)
    t, held_t = targets(call, held, shape, None if held_w is None else held_w == 0)
    named = {"reduction": reduction, "weights": weights, **options}
    if held is None:
        call.bad.add("t")
    elif mean and math.prod(shape[:-1]) == 0:
        call.bad |= {name, "reduction"}
    axis = -1
    if "axis" in inspect.signature(function).parameters:
        axis, named["axis"] = class_axis(call, held, z, t)
        z, t = (np.moveaxis(a, -1, axis) if axis != -1 and a.ndim == len(shape) else a for a in (z, t))
    if function is smlib.cross_entropy_value_and_grad and held is not None:
        over = [z, *(a for a in (t, weights) if isinstance(a, np.ndarray))]
        named["out"] = call.out(moved(shape, axis), dtype_of(held), *over)
    if compute:
        z, named, t = *on_dask(call, z, held, named), lazy(call, t)
        named["weights"] = lazy(call, weights)
        result = call.result(lambda z, t, **named: compute(function(z, t, **named)), z, t, **named)
    else:
        with sizes(_sizes, call.pick(USUAL, SHIFTED, TINY)):
            result = call.result(function, z, t, **named)
    if result is None:
        return
    value, slope = result if gradient else (result, None)
    if named.get("out") is not None:
        assert slope is named["out"]
    rows, kinds = matrix(held), cases_of(held, held_t)
    w = np.ones(len(rows)) if held_w is None else held_w.astype(float).reshape(-1)
    cases = [weighed(model(*case), a) if a else nothing(case[0]) for *case, a in zip(rows, kinds, w)]
    dtype, numpy = dtype_of(held), not compute
    costs, cost_scales = [c[0] for c in cases], [c[2] for c in cases]
    count = exact(w.sum()) if reduction == "mean" else 1
    if reduction == "none":
        lead = shape[:-1]
        check(value, objects(costs, lead), dtype, objects(cost_scales, lead), like_numpy=numpy)
    else:
        # The sum over the cases may overflow where the mean would not.
        over = None in costs or (mpmath.fsum(costs) > float(np.finfo(float).max) and math.isinf(value))
        if not over:
            scale = objects([mpmath.fsum(cost_scales) / count], ())
            check(value, objects([mpmath.fsum(costs) / count], ()), dtype, scale, like_numpy=numpy)
    if gradient:
        slopes = [None if a is None else a / count for c in cases for a in c[1]]
        scales = [a / count for c in cases for a in c[3]]
        numpy = numpy and named.get("out") is None
        assert slope.shape == moved(shape, axis)
        slope = np.moveaxis(slope, axis, -1)
        check(slope, objects(slopes, shape), dtype, objects(scales, shape), like_numpy=numpy)


def class_axis(call, held, z, t):
    """Return the place of the classes, −1 unless `z` and `t` are plain arrays, and an argument that says so."""
    if call.rarely():
        call.bad.add("axis")
        return -1, call.pick(None, (), (0,), 1.5, "0", True, 10**30, [0])
    if held is None or held.ndim == 0:
        return -1, -1
    place = call.pick(*range(held.ndim)) if type(z) is type(t) is np.ndarray and call.pick(False, True) else -1
    named = place if call.pick(True, False) else place % held.ndim
    return place, (np.int8(named) if call.rarely() else named)


def moved(shape, axis):
    """Return a shape with its last axis at another place."""
    order = [*range(len(shape))]
    if axis != -1:
        order.insert(axis, order.pop())
    return tuple(shape[a] for a in order)


def weighed(case, w):
    """Return a cost, its gradient, and how large their terms are, times a weight."""
    C, slope, scale, scales = case
    times = lambda a: None if a is None else a * exact(w)
    return times(C), list(map(times, slope)), times(scale), list(map(times, scales))


def nothing(row):
    """Return what a case of weight 0 adds."""
    return mpmath.mpf(0), [mpmath.mpf(0)] * len(row), 0, [0] * len(row)


def cases_of(z, t):
    """Return the targets of each row: a label or a row of numbers."""
    return t.reshape(-1).tolist() if t.ndim < z.ndim else matrix(t)


def read(t, left_out):
    """Return targets without what no function may read: those of the cases that are left out become 0."""
    if t is None or left_out is None or t.shape[: left_out.ndim] != left_out.shape or t.dtype.kind not in "biuf":
        return t
    t = t.copy()
    t[left_out] = 0
    return t


def class_targets(call, z, shape, left_out):
    """Return labels or distributions for logits, or bad ones, and what they hold or None."""
    if call.pick(True, False):
        t = call.labels(call.near(shape[:-1]), shape[-1] if shape else 1)
    else:
        t = call.array(None, call.near(shape), pools=("ties", "tame", "edges", "wild"))[0]
        if type(t) is np.ndarray and t.dtype.kind == "f" and not call.rarely():
            t = np.abs(t, out=t) if t.flags.writeable else np.array(np.abs(t))
            t[~(t < call.pick(INF, INF, 1e4))] = 0
    held = read(plain(t), left_out)
    if z is not None and not good_class_targets(z, held):
        call.bad.add("t")
    return t, held


def good_class_targets(z, t):
    """Return True if these are labels or distributions for logits."""
    if t is None or z.ndim == 0:
        return False
    if t.ndim == z.ndim - 1:
        return t.dtype.kind in "iu" and t.shape == z.shape[:-1] and all(0 <= a < z.shape[-1] for a in t.flat)
    return real(t) and t.shape == z.shape and all(0 <= a < INF for a in t.flat)


def real_targets(call, z, shape, left_out, good=lambda a: True, pools=ANY):
    """Return targets like the logits, or bad ones, and what they hold or None."""
    t, held = call.array("t", call.near(shape), pools=pools)
    held = read(held, left_out)
    if z is not None and held is not None and not (held.shape == shape and all(map(good, held.flat))):
        call.bad.add("t")
    return t, held


def unit_targets(call, z, shape, left_out):
    """Return targets from 0 to 1, or bad ones, and what they hold or None."""
    pool = call.pick("ties", "edges", "units", "units", "wild")
    return real_targets(call, z, shape, left_out, lambda a: 0 <= a <= 1, (pool,))


@tries(smlib.squared_error)
def test_squared_error_withstands_hostile_arguments(call):
    output = call.choice("output", "linear", "logistic", "softmax")
    model = functools.partial(reference.square_cost, output=output)
    cost(call, smlib.squared_error, model, real_targets, output=output)


@tries(smlib.squared_error_value_and_grad)
def test_squared_error_value_and_grad_withstands_hostile_arguments(call):
    output = call.choice("output", "linear", "logistic", "softmax")
    model = functools.partial(reference.square_cost, output=output)
    cost(call, smlib.squared_error_value_and_grad, model, real_targets, output=output)


@tries(smlib.cross_entropy)
def test_cross_entropy_withstands_hostile_arguments(call):
    cost(call, smlib.cross_entropy, reference.class_cost, class_targets)


@tries(smlib.cross_entropy_value_and_grad)
def test_cross_entropy_value_and_grad_withstands_hostile_arguments(call):
    cost(call, smlib.cross_entropy_value_and_grad, reference.class_cost, class_targets)


@tries(smlib.logistic_cross_entropy)
def test_logistic_cross_entropy_withstands_hostile_arguments(call):
    cost(call, smlib.logistic_cross_entropy, reference.units_cost, unit_targets)


@tries(smlib.logistic_cross_entropy_value_and_grad)
def test_logistic_cross_entropy_value_and_grad_withstands_hostile_arguments(call):
    cost(call, smlib.logistic_cross_entropy_value_and_grad, reference.units_cost, unit_targets)


# gradcheck


@tries(smlib.check_gradient)
def test_check_gradient_withstands_hostile_arguments(call):
    pools = ("tame", "tame", *ANY)
    tame = call.pick(True, False)
    x, _ = call.array(None, call.shape(), FLOATS, ("ties",) if tame else pools)
    point = plain(x)
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


@tries(many_classes.linear_cross_entropy)
def test_linear_cross_entropy_withstands_hostile_arguments(call):
    lead = call.pick((2,), (1,), (3,), (5,), (0,), (2, 1), (1, 3), (2, 2), (0, 2), (1, 2, 1))
    k, d = call.pick(3, 1, 2, 7, 0), call.pick(2, 1, 3, 0)
    extreme = call.rarely(6)
    pools = ANY if extreme else ("ties", "tame")
    h, held_h = call.array("h", call.near((*lead, d)), SMALL, pools)
    W, held_W = call.array("W", call.near((k, d)), SMALL, pools)
    b, held_b = call.array("b", call.near((k,)), SMALL) if call.pick(False, True) else (None, None)
    if b is None:
        call.bad.discard("b")  # it was drawn as None, which is no bias
    if held_h is None or held_h.ndim < 2:
        call.bad |= {"h", "b", "t"}
    if held_W is None or held_W.ndim != 2:
        call.bad |= {"W", "b", "t"}
    if not call.bad & {"h", "W"}:
        if held_h.shape[-1] != held_W.shape[1] or len(held_W) == 0:
            call.bad |= {"W", "b", "t"}
        (*lead, d), k = held_h.shape, len(held_W)
        if held_b is not None and held_b.shape != (k,):
            call.bad.add("b")
    lead, n = tuple(lead), math.prod(lead)
    reduction = call.choice("reduction", "mean", "sum")
    mean = isinstance(reduction, str) and reduction == "mean"
    weights, held_w = call.weights(lead, mean and n > 0)
    t = call.labels(call.near(lead), k)
    held_t = read(plain(t), None if held_w is None else held_w == 0)
    labels = held_t is not None and held_t.dtype.kind in "iu" and held_t.shape == lead
    if not labels or not all(0 <= a < k for a in held_t.flat):
        call.bad.add("t")
    if mean and n == 0:
        call.bad |= {"h", "reduction"}
    with sizes(many_classes, call.pick(USUAL, TILES)):
        function = smlib.many_classes.linear_cross_entropy
        result = call.result(function, h, W, t, b=b, reduction=reduction, weights=weights)
    if result is None:
        return
    C, gradients = result
    arrays = [a for a in (held_h, held_W, held_b) if a is not None]
    dtype = dtype_of(*arrays)
    assert type(C) is dtype.type and len(gradients) == len(arrays)
    for a, g in zip(arrays, gradients):
        assert type(g) is np.ndarray and g.dtype == dtype and g.shape == a.shape
    w = np.ones(n) if held_w is None else held_w.astype(float).reshape(-1)
    rows = np.where(w[:, None] == 0, 0.0, held_h.reshape(n, d).astype(float))
    if not extreme and np.isfinite(rows).all() and np.isfinite(held_W).all():
        truth = reference.layer_cost(rows, held_W.astype(float), held_t.reshape(-1), held_b, w)
        count = exact(w.sum()) if reduction == "mean" else 1
        C, gradients = result = C, (gradients[0].reshape(n, d), *gradients[1:])
        unit = reference.UNIT[np.dtype(dtype)] if dtype != np.float16 else 2.0**-24
        check_layer(result, *truth, count, dtype, unit)


def check_layer(result, C, spread, truth, scale, count, dtype, unit):
    """Compare the cost and gradients of a linear layer with the truth."""
    value, gradients = result
    if spread * unit > 1e-3:
        return  # large logits in which no digit is left
    check(value, objects([C / count], ()), dtype, objects([spread / count], ()), limit=64)
    # The exponents leave half of their range to h and W.
    floor = float(np.finfo(np.float32 if unit > 1e-10 else np.float64).tiny) ** 0.5
    for g, a, s in zip(gradients, truth, scale):
        check(g, a / count, dtype, s / count + floor, limit=64)


@tries(many_classes.RunningLogSumExp)
def test_running_logsumexp_withstands_hostile_arguments(call):
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
        values.append(reference.logsumexp(row))
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
    """Return the arguments with the logits, and perhaps the mask, on Dask."""
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
    """Return an array on Dask, cut into chunks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return da.from_array(a, chunks=tuple(call.pick(max(n, 1), 1, 2, 3) for n in a.shape), name=False)


def lazy(call, a):
    """Return an argument as it is or on Dask."""
    return in_chunks(call, a) if type(a) is np.ndarray and a.dtype.kind in "biuf" and call.pick(True, False) else a


def computed(result):
    """Return what is lazy as arrays."""
    if isinstance(result, tuple):
        return dask.compute(*result, scheduler="synchronous")
    return result.compute(scheduler="synchronous")


@tries(sharded.logsumexp, share=8)
def test_sharded_logsumexp_withstands_hostile_arguments(call):
    over_axis(call, sharded.logsumexp, computed)


@tries(sharded.softmax, share=8)
def test_sharded_softmax_withstands_hostile_arguments(call):
    over_axis(call, sharded.softmax, computed)


@tries(sharded.log_softmax, share=8)
def test_sharded_log_softmax_withstands_hostile_arguments(call):
    over_axis(call, sharded.log_softmax, computed)


@tries(sharded.cross_entropy, share=8)
def test_sharded_cross_entropy_withstands_hostile_arguments(call):
    cost(call, sharded.cross_entropy, reference.class_cost, class_targets, compute=computed)


@tries(sharded.cross_entropy_value_and_grad, share=8)
def test_sharded_cross_entropy_value_and_grad_withstands_hostile_arguments(call):
    cost(call, sharded.cross_entropy_value_and_grad, reference.class_cost, class_targets, compute=computed)


# plotting


@tries(plotting.simplex_xy)
def test_simplex_xy_withstands_hostile_arguments(call):
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


@tries(plotting.simplex_axes, share=8)
def test_simplex_axes_withstands_hostile_arguments(call):
    labels = call.bad_or("labels", ("A", "B", "C"), ("A", "B"), "AB", [], np.zeros(4))
    call.result(plotting.simplex_axes, Figure().add_subplot(), labels=labels)


# training


def network_of(call):
    """Return a network, or None if its arguments were bad."""
    call.flags = {"all": "raise", "under": "ignore"}  # as NumPy's default is
    sizes_ = call.pick((2, 3), (3, 1), (1, 2, 2), (2, 2, 1, 3), ((2, 1), (1, 2), 3))
    output, cost = call.choice("output", "softmax", "logistic"), call.choice("cost", "cross-entropy", "squared-error")
    bad = (3,), (), (2, 0), (2, -1), (2.0, 3), 3, None, "23", ((1, 1), (1, 1, 1)), [[2, 2], 3], ((), 2)
    sizes_ = call.bad_or("sizes", sizes_, *bad)
    if isinstance(output, str) and output == "softmax" and isinstance(sizes_, tuple) and sizes_[-1:] == (1,):
        call.bad.add("sizes")
    rng = call.bad_or("rng", np.random.default_rng(call.pick(0, 1, 2)), None, 0, np.random.RandomState(0))
    return call.result(training.Network, sizes_, output=output, cost=cost, rng=rng)


def cases_for(call, network, names=("x", "t")):
    """Return cases for the network, or bad ones, and what they hold or None."""
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
        t = call.array(None, call.near((n, classes)), pools=("units", "units", "ties"))[0]
    held = plain(t)
    if names[0] in call.bad:
        call.bad.add(names[1])
    elif held is None or not good_network_targets(held, n, classes):
        call.bad.add(names[1])
    return x, t, held_x, held


def good_network_targets(t, n, classes):
    """Return True if these are targets of n cases."""
    if t.shape == (n, classes):
        return real(t) and all(0 <= a <= 1 for a in t.flat)
    return t.shape == (n,) and t.dtype.kind in "iu" and all(0 <= a < classes for a in t)


def network_cost(network, weights, biases, x, t):
    """Return the mean cost and the outputs by SciPy's functions or NumPy's, for real or complex weights."""
    h = x
    for W, b in zip(weights, biases):
        z = h @ W + b
        h = 1 / (1 + np.exp(-z))
    if network.output == "softmax":
        h, costs = special.softmax(z, axis=1), -t * special.log_softmax(z, axis=1)
    else:
        costs = t * np.log(1 + np.exp(-z)) + (1 - t) * np.log(1 + np.exp(z))
    if network.cost == "squared-error":
        costs = (h - t) ** 2 / 2
    return costs.sum() / len(x), h


def network_gradient(network, x, t):
    """Return the gradient by the complex step, in long double; it is 0 between groups."""
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
    """Return targets as distributions."""
    return np.eye(classes)[t.astype(int)] if t.ndim == 1 else t.astype(float)


def agree(a, b):
    """Compare two arrays of float64, up to many roundings."""
    assert np.shape(a) == np.shape(b)
    assert np.allclose(np.asarray(a, float), np.asarray(b, float), rtol=1e-9, atol=1e-11), f"{a} instead of {b}"


@tries(training.Network)
def test_network_withstands_hostile_arguments(call):
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


@tries(training.train)
def test_train_withstands_hostile_arguments(call):
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


# datasets, symbolic


@tries(datasets.split)
def test_split_withstands_hostile_arguments(call):
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


@pytest.mark.parametrize("load", [datasets.digits, lambda: vars(datasets.family_trees()).values()])
def test_what_one_caller_does_to_loaded_data_the_next_does_not_see(load):
    first = [a for a in load() if isinstance(a, np.ndarray)]
    before = [a.copy() for a in first]
    for a in first:
        a[...] = 7
    assert all(map(np.array_equal, before, [a for a in load() if isinstance(a, np.ndarray)]))


@tries(
    *(symbolic.logits, symbolic.targets, symbolic.softmax, symbolic.softmax_jacobian),
    *(symbolic.cross_entropy, symbolic.cross_entropy_gradient, symbolic.at_size),
    share=8,
)
def test_symbolic_expressions_withstand_hostile_arguments(call):
    n = call.pick(1, 2, 3)
    odd = (0, -1, 2.5, 2.0, "2", None, [2], NAN, 1j)
    made = call.result(call.pick(symbolic.logits, symbolic.targets), call.bad_or("n", n, *odd))
    if made is None:
        return
    assert made.shape == (n, 1) and len(set(made)) == n
    z, t = symbolic.logits(n), symbolic.targets(n)
    no_columns = None, 3, [1, 2], np.ones((2, 1)), "z", sp.zeros(0, 1), sp.zeros(2, 2)
    names = "softmax", "softmax_jacobian", "cross_entropy", "cross_entropy_gradient"
    function = getattr(symbolic, call.pick(*names))
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
    C, slope, *_ = reference.class_cost(values, weights)
    y, J = reference.softmax(values), sum(reference.jacobian(values), [])
    point = dict(zip([*z, *t], [*values, *weights]))
    if expression is not None:
        truth = {
            symbolic.softmax: y,
            symbolic.softmax_jacobian: J,
            symbolic.cross_entropy: [C],
            symbolic.cross_entropy_gradient: slope,
        }[function]
        entries = list(expression) if hasattr(expression, "shape") else [expression]
        close(entries, truth, point)
    call.bad = set()
    i, j = call.pick(*range(1, n + 1)), call.pick(*range(1, n + 1))
    general, indices, truth = call.pick(
        (symbolic.general_softmax, {"i": i}, y[i - 1]),
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
    """Compare expressions at a point with the truth."""
    for expression, b in zip(expressions, truth, strict=True):
        a = complex(sp.N(sp.sympify(expression).subs(point), 30))
        assert abs(a - float(b)) <= 1e-12 * max(1, abs(b)), f"{expression} is {a} instead of {b}"
