"""smlib.sharded against smlib on the whole array and 50-digit arithmetic."""

import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid

import dask
import dask.array as da
import distributed
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smlib
from smlib import sharded
from tests.smlib import reference

OUTPUTS = pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
LIKE_Z = pytest.mark.parametrize("name", ["softmax", "log_softmax"])
KINDS = pytest.mark.parametrize("kind", ["labels", "distributions"])
INF, NAN = np.inf, np.nan
# Each example builds and runs several graphs.
FEWER = settings(max_examples=settings.default.max_examples // 4)


@pytest.fixture(autouse=True)
def one_thread():
    """Compute in this thread."""
    with dask.config.set(scheduler="synchronous"):
        yield


def case(shape=(7, 11), kind="labels", dtype=np.float64, seed=0):
    """Return logits and targets."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 3, shape).astype(dtype)
    if kind == "labels":
        return z, rng.integers(0, shape[-1], shape[:-1])
    t = rng.random(shape)
    return z, t / t.sum(axis=-1, keepdims=True)


def lazily(z, chunks):
    """Return an array on Dask, cut into chunks."""
    return da.from_array(z, chunks=chunks)


def value_and_grad(z, t, **options):
    """Return the cost and gradient, computed together."""
    return dask.compute(*sharded.cross_entropy_value_and_grad(z, t, **options))


def assert_same(a, b, units=16):
    """Compare dtypes and shapes, infinities and nan, and values up to some units of roundoff.

    atol is as large as rtol: entries near 0 come from differences y − t of numbers near 1.
    """
    a, b = np.asarray(a), np.asarray(b)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    u = np.finfo(a.dtype).eps / 2
    np.testing.assert_allclose(a.astype(float), b.astype(float), rtol=units * u, atol=units * u)


# Equality with smlib on the whole array


@st.composite
def cut_logits(draw):
    """Draw logits of up to three axes, and chunks that cut them."""
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=1, max_size=3)))
    chunks = []
    for n in shape:
        edges = draw(st.lists(st.integers(0, n), max_size=3))
        chunks.append(tuple(np.diff([0, *sorted(edges), n]).tolist()))
    numbers = st.floats(-40, 40, width=32) | st.sampled_from([-INF, INF, 1e4, -1e4, 0.0])
    values = draw(st.lists(numbers, min_size=1, max_size=20))
    z = np.resize(np.array(values), np.prod(shape)).reshape(shape)
    return z.astype(draw(st.sampled_from([np.float32, np.float64]))), tuple(chunks)


@FEWER
@given(cut_logits(), st.data())
def test_outputs_are_those_of_the_whole_array_however_it_is_cut(cut, data):
    z, chunks = cut
    axis = data.draw(st.sampled_from([-1, 0, None, tuple(range(z.ndim))]))
    lazy = lazily(z, chunks)
    for name in ("logsumexp", "softmax", "log_softmax"):
        whole = getattr(smlib, name)(z, axis)
        assert_same(getattr(sharded, name)(lazy, axis).compute(), whole)


@FEWER
@given(cut_logits(), st.data())
def test_costs_and_gradients_are_those_of_the_whole_array_however_it_is_cut(cut, data):
    z, chunks = cut
    reduction = data.draw(st.sampled_from(["mean", "sum", "none"]))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    labels = rng.integers(0, z.shape[-1], z.shape[:-1])
    shares = rng.integers(0, 3, z.shape) / 4
    for t in (labels, shares):
        C, gradient = smlib.cross_entropy_value_and_grad(z, t, reduction=reduction)
        lazy_C, lazy_gradient = value_and_grad(lazily(z, chunks), t, reduction=reduction)
        assert_same(lazy_C, C, units=64)
        assert_same(lazy_gradient, gradient)


ROWS = [
    [-INF, 0.0, 1.0, -INF, 2.0, -INF],
    [-INF] * 6,
    [INF, 0.0, INF, 1.0, 2.0, INF],
    [0.0, INF, 1.0, -INF, 2.0, 3.0],
    [0.0, 1.0, NAN, 2.0, 3.0, 4.0],
    [INF, NAN, 1.0, -INF, 2.0, 3.0],
    [NAN] * 6,
    [-INF, -INF, -INF, -INF, -INF, 5.0],
    [1e308, -1e308, 0.0, 1.0, 2.0, 3.0],
]


@pytest.mark.parametrize("width", [1, 2, 4, 6])
def test_infinities_and_nan_take_the_limits_that_smlib_takes(width):
    z = np.array(ROWS)
    for name in ("logsumexp", "softmax", "log_softmax"):
        assert_same(getattr(sharded, name)(lazily(z, (2, width))).compute(), getattr(smlib, name)(z))
    sparse = np.zeros(z.shape)
    sparse[:, [0, 5]] = 0.5
    for rows, t in ((z, sparse), (np.stack([z] * 6), np.arange(6)[:, None].repeat(len(z), 1))):
        C, gradient = smlib.cross_entropy_value_and_grad(rows, t, reduction="none")
        lazy_C, lazy_gradient = value_and_grad(lazily(rows, (6, 2, width)[-rows.ndim :]), t, reduction="none")
        assert_same(lazy_C, C)
        assert_same(lazy_gradient, gradient)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", np.int32, bool])
def test_dtypes_are_those_of_smlib_before_and_after_it_is_computed(dtype):
    z, t = case(dtype=dtype)
    lazy = lazily(z, (3, 4))
    for name in ("logsumexp", "softmax", "log_softmax"):
        result = getattr(sharded, name)(lazy)
        whole = getattr(smlib, name)(z)
        assert result.dtype == whole.dtype
        assert_same(result.compute(), whole)
    for result, whole in zip(sharded.cross_entropy_value_and_grad(lazy, t), smlib.cross_entropy_value_and_grad(z, t)):
        assert result.dtype == whole.dtype
        assert_same(result.compute(), whole)


@OUTPUTS
@pytest.mark.parametrize("axis", [-1, 0, 1, (0, 2), (-1, 1), None, ()], ids=str)
def test_any_axes_may_hold_the_classes(name, axis):
    z, _ = case((4, 5, 6))
    lazy = lazily(z, (3, 2, 4))
    assert_same(getattr(sharded, name)(lazy, axis).compute(), getattr(smlib, name)(z, axis))
    if name == "logsumexp":
        kept = sharded.logsumexp(lazy, axis, keepdims=True)
        whole = smlib.logsumexp(z, axis, keepdims=True)
        assert kept.shape == whole.shape
        assert_same(kept.compute(), whole)


@OUTPUTS
@pytest.mark.parametrize("lazy_mask", [False, True], ids=["NumPy", "Dask"])
@pytest.mark.parametrize("shape", [(7, 11), (11,), (1, 11), (7, 1), ()], ids=str)
def test_masked_classes_are_left_out_and_not_read(name, shape, lazy_mask):
    z, _ = case()
    where = np.random.default_rng(1).random(shape) < 0.5
    z[~np.broadcast_to(where, z.shape)] = NAN
    mask = da.from_array(where, chunks=5) if lazy_mask else where
    result = getattr(sharded, name)(lazily(z, (3, 4)), where=mask)
    assert_same(result.compute(), getattr(smlib, name)(z, where=where))


def test_a_mask_may_have_empty_chunks():
    z, _ = case()
    where = np.random.default_rng(1).random((1, 11)) < 0.5
    result = sharded.softmax(lazily(z, (3, 4)), where=da.from_array(where, chunks=((0, 1), 11)))
    assert_same(result.compute(), smlib.softmax(z, where=where))


@KINDS
def test_targets_may_be_lists_or_arrays_of_either_kind_with_chunks_of_their_own(kind):
    z, t = case(kind=kind)
    C, gradient = smlib.cross_entropy_value_and_grad(z, t)
    for targets in (t.tolist(), t, da.from_array(t, chunks=5)):
        lazy_C, lazy_gradient = value_and_grad(lazily(z, (3, 4)), targets)
        assert_same(lazy_C, C)
        assert_same(lazy_gradient, gradient)
        assert_same(sharded.cross_entropy(lazily(z, (3, 4)), targets).compute(), C)


@KINDS
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("lazy_weights", [False, True])
def test_weights_and_the_axis_of_the_classes_are_those_of_smlib(kind, reduction, axis, lazy_weights):
    z, t = case((5, 4, 11), kind)
    w = np.random.default_rng(1).choice([0.0, 0.5, 1.0, 3.0], (5, 4))
    z[w == 0] = NAN
    t[w == 0] = -100
    z = np.moveaxis(z, -1, axis).copy()
    if kind == "distributions":
        t = np.moveaxis(t, -1, axis).copy()
    options = {"reduction": reduction, "axis": axis}
    C, gradient = smlib.cross_entropy_value_and_grad(z, t, weights=w, **options)
    weights = da.from_array(w, chunks=3) if lazy_weights else w
    lazy_C, lazy_gradient = value_and_grad(lazily(z, (2, 3, 4)), t, weights=weights, **options)
    assert_same(lazy_C, C, units=64)
    assert_same(lazy_gradient, gradient)
    assert_same(sharded.cross_entropy(lazily(z, (2, 3, 4)), t, weights=weights, **options).compute(), C, units=64)


def test_wrong_weights_are_refused():
    z, t = case()
    lazy = lazily(z, (2, 4))
    with pytest.raises(ValueError, match=r"^weights has shape \(3,\): .* one weight for each case, shape \(7,\)$"):
        sharded.cross_entropy(lazy, t, weights=np.ones(3))
    with pytest.raises(TypeError, match="^weights has dtype complex128"):
        sharded.cross_entropy(lazy, t, weights=np.ones(7) * 1j)
    for bad in (-1.0, INF, NAN):
        w = np.ones(7)
        w[3] = bad
        with pytest.raises(ValueError, match=rf"^weights\[3\] = {bad} is not a weight"):
            sharded.cross_entropy(lazy, t, weights=w).compute()
    with pytest.raises(ValueError, match="^weights are all 0: the mean over no cases is undefined$"):
        sharded.cross_entropy(lazy, t, weights=np.zeros(7)).compute()
    with pytest.raises(TypeError, match="^cross_entropy has no argument dim"):
        sharded.cross_entropy(lazy, t, dim=1)
    with pytest.raises(ValueError, match="^axis 2 is out of range"):
        sharded.cross_entropy(lazy, t, axis=2)


def test_labels_at_the_borders_of_the_chunks():
    z, _ = case((12, 12))
    t = np.arange(12)
    C, gradient = smlib.cross_entropy_value_and_grad(z, t, reduction="none")
    for chunks in [(5, (4, 4, 4)), (12, (1, 10, 1)), (1, (0, 5, 0, 7)), ((6, 6), 12)]:
        lazy_C, lazy_gradient = value_and_grad(lazily(z, chunks), t, reduction="none")
        assert_same(lazy_C, C)
        assert_same(lazy_gradient, gradient)


def test_arrays_without_cases_or_classes():
    none = da.zeros((0, 5), chunks=(1, 2))
    assert sharded.softmax(none).compute().shape == (0, 5)
    assert value_and_grad(none, np.zeros(0, int), reduction="none")[0].shape == (0,)
    assert value_and_grad(none, np.zeros(0, int), reduction="sum")[0] == 0
    empty = da.zeros((3, 0), chunks=(2, 1))
    assert sharded.log_softmax(empty).compute().shape == (3, 0)
    assert sharded.logsumexp(empty).compute().tolist() == [-INF] * 3


# Digits


@pytest.mark.parametrize("dtype, bound", [(np.float32, 8), (np.float64, 6)])
@pytest.mark.parametrize("offset", [0.0, -3.7, 41.3, 1000.0, 1e5])
def test_cost_and_label_gradient_keep_their_digits_however_confident_the_case(dtype, bound, offset):
    rng = np.random.default_rng(3)
    gaps = [0.0, 1.0, 20.0, 60.0, 80.0] + [300.0, 690.0] * (dtype == np.float64)
    z = np.stack([offset - gap - rng.random(37) for gap in gaps]).astype(dtype)
    z[:, 20] = offset
    costs, gradient = value_and_grad(lazily(z, 10), [20] * len(z), reduction="none")
    log_y = sharded.log_softmax(lazily(z, 10)).compute()
    truth, own = zip(*[reference.label(row, 20) for row in z])
    assert reference.error(costs, truth) <= bound
    assert reference.error(gradient[:, 20], own) <= bound
    assert reference.error(-log_y[:, 20], truth) <= bound


def test_rivals_far_below_the_label_are_counted_though_each_one_underflows():
    z = np.full(100_000, -716.0)
    z[0] = 0.0
    C, gradient = value_and_grad(lazily(z, (5000,)), 0)
    assert reference.error(C, [reference.rivals(z, 0)]) <= 8
    assert reference.error(-gradient[0], [reference.rivals(z, 0)]) <= 8


@pytest.mark.parametrize("dtype, bound", [(np.float32, 6), (np.float64, 8)])
def test_outputs_keep_their_digits_at_any_offset(dtype, bound):
    for offset in (0.0, 41.3, 1000.0):
        z = (np.random.default_rng(4).normal(0, 9, 200) + offset).astype(dtype)
        assert reference.error(sharded.softmax(lazily(z, 30)).compute(), reference.softmax(z)) <= bound


def test_a_distribution_with_its_mass_on_the_top_keeps_the_digits_of_its_gradient():
    z, t = np.array([50.0, 0.0, 1.0, 2.0]), np.array([1.0, 0.0, 0.0, 1e-25])
    _, gradient = value_and_grad(lazily(z, 2), t)
    assert reference.error(gradient, reference.slope(z, t)) <= 8


@KINDS
def test_the_gap_between_a_label_and_the_top_is_taken_in_float64(kind):
    """With a wide gap the rest of the cost is lost in rounding, and the cost is right to its last bit."""
    z = np.random.default_rng(5).normal(0, 30, (60, 12)).astype(np.float32)
    c = z.argmin(axis=1)
    t = c if kind == "labels" else np.eye(12)[c]
    costs = sharded.cross_entropy(lazily(z, (25, 5)), t, reduction="none").compute()
    assert reference.error(costs, [reference.label(row, k)[0] for row, k in zip(z, c)]) <= 1.2


# Warnings


OVERFLOWING = np.array(
    [
        *([1e308, 0.0], [1e308, 0.0], [0.0, -800.0], [0.0, -740.0], [-740.0, 0.0], [0.0, -100.0], [1e308, -1e308]),
        *([INF, 0.0], [-INF, -INF], [-INF, 0.0], [INF, INF], [NAN, 0.0]),
    ]
)


@pytest.mark.parametrize("rows", [[0, 1], [2, 3, 4, 5], [6], range(12)], ids=["over", "under", "both", "all"])
@KINDS
def test_overflow_and_underflow_on_the_way_to_a_cost_are_not_warned_of(kind, rows):
    """Overflow gives infinity and underflow 0, as in smlib."""
    z = OVERFLOWING[rows]
    t = np.ones(len(z), int) if kind == "labels" else np.resize([[1e-300, 1.0], [1e-300, 1e-300]], z.shape)
    for reduction in ("mean", "sum", "none"):
        expected = smlib.cross_entropy_value_and_grad(z, t, reduction=reduction)
        with np.errstate(all="raise"):
            found = value_and_grad(lazily(z, (2, 1)), t, reduction=reduction)
        for a, b in zip(found, expected):
            assert_same(a, b)


@OUTPUTS
def test_overflow_and_underflow_on_the_way_to_an_output_are_not_warned_of(name):
    for rows in ([0, 1], [2, 3, 4, 5], [6], range(12)):
        with np.errstate(all="raise"):
            found = getattr(sharded, name)(lazily(OVERFLOWING[rows], (2, 1))).compute()
        assert_same(found, getattr(smlib, name)(OVERFLOWING[rows]))


def test_a_result_beyond_the_largest_float16_is_infinite():
    many = da.full(9_000_000, 65504, dtype=np.float16, chunks=3_000_000)
    far = lazily(np.array([60000, -60000], np.float16), 1)
    with np.errstate(all="raise"):
        assert sharded.logsumexp(many).compute() == INF
        assert sharded.cross_entropy(far, 1).compute() == INF


# Laziness


def counted(shape, chunks, dtype=np.float64):
    """Return logits, the same on Dask, and a list that grows with each chunk computed."""
    z, _ = case(shape, dtype=dtype)
    made = []

    def make(block_info=None):
        place = block_info[None]["array-location"]
        made.append(tuple(map(tuple, place)))
        return z[tuple(slice(a, b) for a, b in place)]

    sizes = da.core.normalize_chunks(chunks, shape)
    return z, da.map_blocks(make, chunks=sizes, dtype=dtype, meta=np.empty((0, 0), dtype)), made


@KINDS
def test_value_and_gradient_pass_over_the_logits_twice(kind):
    z, lazy, made = counted((6, 8), (3, 4))
    _, t = case((6, 8), kind)
    C, gradient = sharded.cross_entropy_value_and_grad(lazy, t)
    assert made == []
    C, gradient = dask.compute(C, gradient)
    assert len(made) == 2 * len(set(made)) == 2 * lazy.npartitions
    assert_same(gradient, smlib.cross_entropy_value_and_grad(z, t)[1])


def test_sums_take_one_pass_and_what_has_the_shape_of_the_logits_two():
    for function, passes in [
        (lambda z: sharded.logsumexp(z), 1),
        (lambda z: sharded.cross_entropy(z, np.arange(6)), 1),
        (lambda z: sharded.softmax(z), 2),
        (lambda z: sharded.log_softmax(z).sum(), 2),
    ]:
        _, lazy, made = counted((6, 8), (3, 4))
        result = function(lazy)
        assert made == []
        result.compute()
        assert len(made) == passes * lazy.npartitions


def test_the_second_pass_computes_logits_again_wherever_they_come_from():
    z, t = case((8, 12))
    rng = da.random.default_rng(0)
    h, w = rng.normal(size=(8, 6), chunks=(3, 2)), rng.normal(size=(12, 6), chunks=(5, 4))
    base = lazily(z, (3, 5))
    for lazy in (
        rng.normal(size=(8, 12), chunks=(3, 5)).astype(np.float32),
        h @ w.T,
        da.concatenate([base[:, :4], base[:, 4:] + 1], axis=1)[::-1],
        base.rechunk((4, 7)).T.rechunk((12, 3)).T,
        da.from_delayed(dask.delayed(z), z.shape, z.dtype),
        (base + 1).persist(),
        sharded.log_softmax(base),
    ):
        result = value_and_grad(lazy, t)
        for a, b in zip(result, smlib.cross_entropy_value_and_grad(lazy.compute(), t)):
            assert_same(a, b)


def test_the_same_call_has_the_same_keys_and_results_the_chunks_of_the_logits():
    z, t = case()
    lazy = lazily(z, (3, 4))
    C, gradient = sharded.cross_entropy_value_and_grad(lazy, t)
    assert gradient.name == sharded.cross_entropy_value_and_grad(lazy, t)[1].name
    assert gradient.name != sharded.cross_entropy_value_and_grad(lazy, t[::-1])[1].name
    assert C.shape == () and gradient.chunks == sharded.softmax(lazy).chunks == lazy.chunks
    assert sharded.logsumexp(lazy).chunks == lazy.chunks[:1]


def test_threads_give_what_one_thread_gives():
    z, t = case((40, 50))
    lazy = lazily(z, (7, 9))
    alone = value_and_grad(lazy, t)
    with dask.config.set(scheduler="threads", num_workers=4):
        for a, b in zip(alone, value_and_grad(lazy, t)):
            np.testing.assert_array_equal(a, b)


# Unknown sizes


def unknown(a, keep):
    """Return the rows to keep, in chunks of unknown sizes."""
    return da.from_array(a, chunks=(3, *a.shape[1:]))[da.from_array(keep, chunks=3)]


@KINDS
def test_the_sizes_of_chunks_of_cases_may_be_unknown(kind):
    z, t = case(kind=kind)
    keep = np.array([True, False, True, False, False, False, True])
    lazy, targets = unknown(z, keep), unknown(t, keep)
    assert np.isnan(lazy.shape[0])
    for name in ("logsumexp", "softmax", "log_softmax"):
        assert_same(getattr(sharded, name)(lazy).compute(), getattr(smlib, name)(z[keep]))
    for reduction in ("mean", "sum", "none"):
        C, gradient = smlib.cross_entropy_value_and_grad(z[keep], t[keep], reduction=reduction)
        lazy_C, lazy_gradient = value_and_grad(lazy, targets, reduction=reduction)
        assert_same(lazy_C, C)
        assert_same(lazy_gradient, gradient)
    for known in (t[keep], da.from_array(t[keep], chunks=2)):
        with pytest.raises(ValueError, match=r"t has \d and z has 3 chunks .* give t the chunks of z"):
            sharded.cross_entropy(lazy, known)
    with pytest.raises(ValueError, match="where has 1 and z has 3 chunks .* give where the chunks of z"):
        sharded.softmax(lazy, where=np.ones(z[keep].shape, bool))


def test_a_target_that_turns_out_to_have_other_chunks_is_an_error_when_computed():
    z, t = case()
    first, second = np.arange(7) < 4, np.arange(7) > 2
    cost = sharded.cross_entropy(unknown(z, first), unknown(t, second))
    with pytest.raises(ValueError, match=r"t has a chunk of shape \(\d,\) where that of z has"):
        cost.compute()


def test_the_mean_over_no_cases_is_an_error_as_soon_as_it_is_known():
    z, t = case()
    with pytest.raises(ValueError, match="mean over no cases"):
        sharded.cross_entropy(da.zeros((0, 3)), np.zeros(0, int))
    nobody = np.zeros(7, bool)
    cost = sharded.cross_entropy(unknown(z, nobody), unknown(t, nobody))
    with pytest.raises(ValueError, match="^z has no cases: the mean over no cases is undefined$"):
        cost.compute()


def test_the_sizes_of_chunks_of_classes_must_be_known():
    z, t = case()
    lazy = unknown(z.T.copy(), np.arange(11) < 9).T
    for call in (
        lambda: sharded.softmax(lazy),
        lambda: sharded.logsumexp(lazy, (0, 1)),
        lambda: sharded.cross_entropy(lazy, t),
    ):
        with pytest.raises(ValueError, match=r"unknown sizes along axis 1, .*compute_chunk_sizes"):
            call()
    assert_same(sharded.softmax(lazy.compute_chunk_sizes()).compute(), smlib.softmax(z[:, :9]))


# What Dask knows


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@KINDS
def test_dtype_and_axes_are_known_before_anything_is_computed(kind, dtype):
    z, t = case(kind=kind, dtype=dtype)
    z, t = lazily(z, (3, 4)), t.astype(dtype) if kind == "distributions" else t
    results = [getattr(sharded, name)(z) for name in ("logsumexp", "softmax", "log_softmax")]
    for reduction in ("mean", "sum", "none"):
        results += sharded.cross_entropy_value_and_grad(z, t, reduction=reduction)
    for result, computed in zip(results, dask.compute(*results)):
        assert (result.dtype, result.shape) == (computed.dtype, computed.shape)
        assert (result._meta.dtype, result._meta.ndim) == (computed.dtype, computed.ndim)


def test_targets_are_not_read_before_the_cost_is_computed(monkeypatch):
    read = []
    monkeypatch.setattr(sharded, "_checked_targets", lambda *args, **named: read.append(args))
    z, t = case()
    sharded.cross_entropy_value_and_grad(lazily(z, (3, 4)), lazily(t, 3))
    assert read == []


@pytest.mark.parametrize("dtype", ["u1", "u8", "i1", ">i4"])
def test_labels_may_be_integers_of_any_kind(dtype):
    z, t = case()
    C, gradient = value_and_grad(lazily(z, (3, 4)), t.astype(dtype))
    expected = smlib.cross_entropy_value_and_grad(z, t)
    assert_same(C, expected[0])
    assert_same(gradient, expected[1])


@pytest.mark.parametrize("kind, times", [("labels", 1), ("distributions", 2)])
def test_distributions_are_read_again_for_the_gradient_and_labels_are_kept(kind, times):
    """Labels are small. Distributions are as large as the logits, and are not kept either."""
    z, t = case(kind=kind)
    t, reads = lazily(t, 3), []

    def read(block):
        reads.append(block)
        return block

    watched = t.map_blocks(read, meta=t._meta)
    pair = sharded.cross_entropy_value_and_grad(lazily(z, 3), watched)
    dask.compute(*pair, scheduler="synchronous", optimize_graph=False)
    assert len(reads) == times * t.npartitions


def test_the_second_reading_keeps_the_annotations_of_the_first():
    z, _ = case()
    with dask.annotate(priority=7):
        z = lazily(z, (3, 4))[::-1]
    annotated = [layer for layer in z.dask.layers.values() if layer.annotations == {"priority": 7}]
    layers = sharded.softmax(z).dask.layers.values()
    assert len([layer for layer in layers if layer.annotations == {"priority": 7}]) == 2 * len(annotated) > 0


def test_states_meet_in_branches():
    z, _ = case((2, 40))
    graph = dict(sharded.logsumexp(lazily(z, (2, 1))).dask)
    most = max(len(dask.core.get_dependencies(graph, key)) for key in graph)
    assert most == sharded.BRANCHES < 40


# Errors


@pytest.mark.parametrize("index, label", [((0,), -1), ((5,), 11), ((6,), 1000)])
def test_a_label_outside_the_classes_is_an_error_when_computed(index, label):
    z, t = case()
    t[index] = label
    message = f"t[{index[0]}] = {label} is not a class index: z has 11 classes"
    for targets in (t, da.from_array(t, chunks=2)):
        C, gradient = sharded.cross_entropy_value_and_grad(lazily(z, (3, 4)), targets)
        for result in (C, gradient):
            with pytest.raises(ValueError) as error:
                result.compute()
            assert str(error.value) == message
    with pytest.raises(ValueError) as error:
        smlib.cross_entropy(z, t)
    assert str(error.value) == message


@pytest.mark.parametrize("bad", [-0.1, INF, NAN])
def test_a_target_that_is_not_a_probability_is_an_error_when_computed(bad):
    z, t = case(kind="distributions")
    t[4, 9] = bad
    cost = sharded.cross_entropy(lazily(z, (3, 4)), t)
    with pytest.raises(ValueError) as error:
        cost.compute()
    complaint = "is not a probability: it must be finite and at least 0"
    assert str(error.value) == f"t[4, 9] = {bad} {complaint}"


def test_a_bad_label_among_unknown_sizes_is_placed_in_its_chunk():
    z, t = case()
    t[4] = 99
    keep = np.arange(7) > 0
    with pytest.raises(ValueError, match=r"t\[1\] of block \(1,\) = 99 is not a class index"):
        sharded.cross_entropy(unknown(z, keep), unknown(t, keep)).compute()


MISTAKES = {
    "complex logits": ("softmax", np.zeros((2, 3), complex), {}),
    "text": ("softmax", np.full((2, 3), "a"), {}),
    "float axis": ("softmax", np.zeros((2, 3)), {"axis": 1.0}),
    "no such axis": ("logsumexp", np.zeros((2, 3)), {"axis": 2}),
    "axis twice": ("logsumexp", np.zeros((2, 3)), {"axis": (0, -2)}),
    "mask of floats": ("log_softmax", np.zeros((2, 3)), {"where": np.ones(3)}),
    "mask of another shape": ("softmax", np.zeros((2, 3)), {"where": np.ones(2, bool)}),
    "float labels": ("cross_entropy", np.zeros((2, 3)), {"t": [0.0, 1.0]}),
    "bool labels": ("cross_entropy", np.zeros((2, 3)), {"t": [True, False]}),
    "complex targets": ("cross_entropy", np.zeros((2, 3)), {"t": np.zeros((2, 3), complex)}),
    "too few distributions": ("cross_entropy", np.zeros((2, 3)), {"t": np.zeros((1, 3))}),
    "no class axis": ("cross_entropy", np.zeros(()), {"t": 0}),
    "no classes": ("cross_entropy", np.zeros((2, 0)), {"t": [0, 0]}),
    "unknown reduction": ("cross_entropy", np.zeros((2, 3)), {"t": [0, 0], "reduction": "max"}),
    "no cases": ("cross_entropy_value_and_grad", np.zeros((0, 3)), {"t": np.zeros(0, int)}),
    "ragged mask": ("softmax", np.zeros((2, 3)), {"where": [[True], [True, False]]}),
    "ragged targets": ("cross_entropy", np.zeros((2, 3)), {"t": [[1.0], [1.0, 2.0]]}),
}


@pytest.mark.parametrize("name, z, options", MISTAKES.values(), ids=MISTAKES.keys())
def test_wrong_shapes_and_dtypes_are_an_error_at_once_in_the_words_of_smlib(name, z, options):
    with pytest.raises((TypeError, ValueError)) as expected:
        getattr(smlib, name)(z, **options)
    with pytest.raises(expected.type) as error:
        getattr(sharded, name)(da.from_array(z, chunks=1), **options)
    assert str(error.value) == str(expected.value)


def test_labels_of_another_shape_are_an_error_at_once():
    with pytest.raises(ValueError) as error:
        sharded.cross_entropy(da.zeros((2, 4, 3)), [0, 0, 0])
    assert str(error.value) == (
        "t has shape (3,): for z of shape (2, 4, 3), labels have shape (2, 4) and distributions (2, 4, 3)"
    )


@pytest.mark.parametrize("turn", [1, 2])
def test_a_chunk_that_turns_out_not_to_hold_real_numbers_is_an_error(turn):
    made = []

    def make():
        made.append(None)
        return np.zeros((2, 3), complex if len(made) == turn else float)

    z = da.map_blocks(make, chunks=((2,), (3,)), meta=np.empty((0, 0)))
    for call in (sharded.softmax, *[lambda z: sharded.cross_entropy(z, [0, 0])] * (turn == 1)):
        made.clear()
        with pytest.raises(TypeError) as error:
            call(z).compute()
        assert str(error.value).startswith("z has dtype complex128: it must hold real numbers")


def test_numpy_logits_are_sent_to_smlib():
    with pytest.raises(TypeError, match="z is of type ndarray: it must be a Dask .*from_array"):
        sharded.softmax(np.zeros((2, 3)))


def test_the_mask_of_a_masked_array_is_not_lost():
    z, _ = case()
    masked = da.ma.masked_greater(lazily(z, (3, 4)), 1.0)
    with pytest.raises(TypeError) as error:
        sharded.softmax(masked)
    assert str(error.value) == (
        "z is a masked array: pass dask.array.ma.getdata(z); softmax, log_softmax and logsumexp take the "
        "mask of logits as where=~dask.array.ma.getmaskarray(z)"
    )
    result = sharded.softmax(da.ma.getdata(masked), where=~da.ma.getmaskarray(masked))
    assert_same(result.compute(), smlib.softmax(z, where=z <= 1.0))


@pytest.mark.slow
def test_without_dask_the_import_says_what_to_install():
    code = "import sys; sys.modules['dask'] = None; import smlib; import smlib.sharded"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: smlib.sharded needs Dask 2025.1 or later: pip install")
    code = "import sys, smlib; assert 'dask' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# Memory, and other machines


@pytest.mark.rare
def test_sixteen_hundred_megabytes_of_logits_pass_through_two_hundred():
    code = """
        import re, resource
        from pathlib import Path
        import dask, dask.array as da, numpy as np
        import smlib
        from smlib import sharded

        def make(block_info=None):
            (a, b), (c, d) = block_info[None]["array-location"]
            cases, classes = np.arange(a, b, dtype=np.float32), np.arange(c, d) % 97
            return cases[:, None] % 11 + classes.astype(np.float32) / 8

        chunks = da.core.normalize_chunks((256, 8192), (1024, 400_000))
        z = da.map_blocks(make, chunks=chunks, dtype=np.float32, meta=np.empty((0, 0), np.float32))
        t = np.arange(1024) * 390
        C, gradient = sharded.cross_entropy_value_and_grad(z, t)
        with dask.config.set(scheduler="threads", num_workers=2):
            C, size = dask.compute(C, abs(gradient).sum(dtype=np.float64))
        row = (np.arange(400_000) % 97) / 8
        own = np.exp(row[t] - smlib.logsumexp(row))
        assert abs(C / -np.log(own).mean() - 1) < 1e-6
        assert abs(size / (2 * (1 - own).mean()) - 1) < 1e-6
        status = Path("/proc/self/status")
        if status.exists():
            peak = 1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1])
        else:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in bytes, on macOS
        print(z.nbytes, peak)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True, encoding="utf-8"
    )
    logits, peak = map(int, done.stdout.split())
    assert logits > 1.6e9
    assert 2**20 < peak < 200 * 2**20


@pytest.fixture
def cluster():
    """A client of two workers, each a process."""
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            memory_limit=0,
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_changes_nothing(cluster, tmp_path):
    z, t = case((30, 40))

    def make(pause, trace, block_info=None):
        place = block_info[None]["array-location"]
        name = f"{place[0][0]}-{place[1][0]}-{os.getpid()}-{uuid.uuid4().hex}"
        (trace / name).touch()
        time.sleep(pause)
        return z[tuple(slice(a, b) for a, b in place)]

    def cost_and_gradient(*arguments):
        chunks = da.core.normalize_chunks((5, 6), z.shape)
        meta = np.empty((0, 0), z.dtype)
        lazy = da.map_blocks(make, *arguments, chunks=chunks, dtype=z.dtype, meta=meta)
        return sharded.cross_entropy_value_and_grad(lazy, t)

    alone, shared = tmp_path / "alone", tmp_path / "shared"
    alone.mkdir()
    shared.mkdir()
    expected = dask.compute(*cost_and_gradient(0.0, alone))
    undisturbed = len(list(alone.iterdir()))

    futures = cluster.compute(cost_and_gradient(0.03, shared))
    victim = next(iter(cluster.run(os.getpid).values()))
    deadline = time.monotonic() + 60
    while sum(f"-{victim}-" in path.name for path in shared.iterdir()) < undisturbed // 8:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(victim, signal.SIGKILL)
    for a, b in zip(expected, cluster.gather(futures)):
        np.testing.assert_array_equal(a, b)
    # The lost chunks have been computed again.
    assert len(list(shared.iterdir())) > undisturbed


@pytest.mark.slow
def test_logits_kept_on_the_workers_are_used_where_they_are(cluster):
    z, t = case((30, 40))
    lazy = lazily(z, (7, 9)).persist()
    expected = value_and_grad(lazily(z, (7, 9)), t)
    futures = cluster.compute(sharded.cross_entropy_value_and_grad(lazy, t))
    for a, b in zip(expected, cluster.gather(futures)):
        np.testing.assert_array_equal(a, b)
