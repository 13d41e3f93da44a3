"""smlib.many_classes against 50-digit arithmetic, differences and the cost of dense logits."""

import functools
import math
import pickle
import tracemalloc

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from smlib import check_gradient, cross_entropy_value_and_grad, logsumexp, many_classes
from smlib.many_classes import RunningLogSumExp, linear_cross_entropy
from tests.smlib import reference
from tests.smlib.strategies import in_pairs

BOTH = pytest.mark.parametrize("dtype", [np.float32, np.float64])
REDUCTIONS = pytest.mark.parametrize("reduction", ["mean", "sum"])

LOGITS = st.floats(-1000, 1000, width=32) | st.sampled_from([-np.inf, 1e300, -1e300])
ANY = LOGITS | st.sampled_from([np.inf, np.nan])
NO_CASES = st.just(())


def taken_in(*pieces, axis=-1):
    """Return an accumulator that has taken in the pieces."""
    accumulator = RunningLogSumExp()
    for z in pieces:
        accumulator.update(z, axis=axis)
    return accumulator


def accumulators(elements=ANY, shape=NO_CASES):
    """Return accumulators of up to two pieces of some classes, for the cases of `shape`."""
    pieces = shape.flatmap(
        lambda s: st.lists(
            st.integers(0, 4).flatmap(lambda k: hnp.arrays(np.float64, (*s, k), elements=elements)),
            max_size=2,
        )
    )
    return pieces.map(lambda p: taken_in(*p))


def same(a, b):
    """Return True if two accumulators have the same value to the last bit."""
    return np.array_equal(a.value, b.value, equal_nan=True)


# The accumulator merges


@given(accumulators(), accumulators())
def test_merging_is_commutative_to_the_last_bit(a, b):
    assert same(a.merge(b), b.merge(a))
    assert same(a.merge(b).merge(a), a.merge(a.merge(b)))


def test_merging_is_commutative_to_the_last_bit_where_the_largest_logits_are_equal():
    rng = np.random.default_rng(0)
    for _ in range(100):
        a, b = (taken_in(np.append(-rng.random(3), 0.0)) for _ in range(2))
        assert same(a.merge(b), b.merge(a))


@given(accumulators(), accumulators(), accumulators())
def test_merging_is_associative_up_to_rounding(a, b, c):
    left, right = a.merge(b).merge(c).value, a.merge(b.merge(c)).value
    np.testing.assert_allclose(left, right, rtol=1e-15, atol=1e-15)


@given(accumulators(shape=st.sampled_from([(), (3,), (2, 0), (2, 2)])))
def test_an_accumulator_that_has_taken_in_nothing_is_the_identity(a):
    for identity in (RunningLogSumExp(), taken_in(np.empty((*np.shape(a.value), 0)))):
        assert same(a.merge(identity), a)
        assert same(identity.merge(a), a)


@given(accumulators(), accumulators())
def test_merging_leaves_both_as_they_are(a, b):
    before = [a.value, b.value]
    merged = [a.merge(b), a.merge(RunningLogSumExp()), RunningLogSumExp().merge(b)]
    for accumulator in merged:
        accumulator.update([3.0, np.inf])
    np.testing.assert_equal([a.value, b.value], before)
    values = [accumulator.value for accumulator in merged]
    a.update([1.0])
    b.update([np.nan])
    np.testing.assert_equal([accumulator.value for accumulator in merged], values)


def test_changing_a_value_does_not_change_the_accumulator():
    a = taken_in(np.zeros((2, 3)))
    value = a.value
    value[:] = 7.0
    np.testing.assert_allclose(a.value, np.log(3))


@given(st.lists(hnp.arrays(np.float64, st.integers(0, 5), elements=ANY), max_size=5))
def test_pieces_in_any_split_have_the_log_sum_exp_of_the_whole(pieces):
    whole = logsumexp(np.concatenate([[-np.inf], *pieces]))
    merged = functools.reduce(RunningLogSumExp.merge, map(taken_in, pieces), RunningLogSumExp())
    np.testing.assert_allclose(taken_in(*pieces).value, whole, rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(merged.value, whole, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("offset", [0.0, -3.7, 1000.0, -1e5])
def test_a_long_stream_keeps_its_digits(offset):
    rng = np.random.default_rng(0)
    z = offset + rng.normal(0, 3, (60, 20))
    truth = reference.logsumexp(z.reshape(-1))
    assert reference.error(taken_in(*z).value, [truth]) <= 4
    tree = list(map(taken_in, z))
    while len(tree) > 1:
        odd = tree[len(tree) // 2 * 2 :]
        tree = [a.merge(b) for a, b in zip(tree[::2], tree[1::2])] + odd
    assert reference.error(tree[0].value, [truth]) <= 4


def test_a_value_near_zero_keeps_its_digits():
    for gap in (20.0, 40.0, 300.0, 700.0):
        a, b = taken_in([0.0]), taken_in([-gap])
        truth = [reference.logsumexp([0.0, -gap])] if gap < 100 else [mpmath.exp(-gap)]
        assert reference.error(a.merge(b).value, truth) <= 4
        assert reference.error(taken_in([-gap, 0.0]).value, truth) <= 4
    for gap in (80.0, 95.0, 200.0):
        rounded = taken_in(np.array([-gap, 0.0], np.float32))
        assert reference.error(rounded.value, [mpmath.exp(-gap)]) <= (2**30 if gap == 80 else 4)


def test_a_million_equal_pieces_do_not_lose_count():
    a = taken_in(np.full(1000, -3.5))
    for _ in range(10):
        a = a.merge(a)
    with mpmath.workdps(reference.DIGITS):
        truth = mpmath.log(1024000) - mpmath.mpf(3.5)
    assert reference.error(a.value, [truth]) <= 4


def test_infinities_take_their_limits_and_nan_stays_in_its_row():
    inf, nan = np.inf, np.nan
    a = taken_in([[-inf, -inf], [inf, 0.0], [nan, 0.0], [inf, nan], [0.0, -inf]])
    np.testing.assert_equal(a.value, [-inf, inf, nan, nan, 0.0])
    a.update([[1.0], [2.0], [3.0], [4.0], [-inf]])
    np.testing.assert_equal(a.value, [1.0, inf, nan, nan, 0.0])
    assert taken_in([1e308], [-1e308]).value == 1e308
    assert taken_in([-inf], [inf], [-inf], [inf]).value == inf


def test_empty_pieces_change_no_value():
    assert RunningLogSumExp().value == -np.inf
    a = taken_in([], [2.0], np.empty(0, np.float32))
    assert a.value == 2.0 and type(a.value) is np.float64
    b = taken_in(np.empty((3, 0)), np.ones((3, 1)), np.empty((3, 0)))
    assert b.value.tolist() == [1.0] * 3
    assert taken_in(np.empty((0, 5))).value.shape == (0,)


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), (2, 1), None])
def test_the_classes_lie_along_any_axes(axis):
    z = np.random.default_rng(0).normal(0, 3, (2, 3, 4))
    a = taken_in(z, z + 1, axis=axis)
    expected = logsumexp(np.stack([z, z + 1]), axis=None if axis is None else shifted(axis))
    np.testing.assert_allclose(a.value, expected, rtol=1e-14)
    assert np.shape(a.value) == np.shape(expected)


def shifted(axis):
    """Return the axes of a piece as those of a stack of pieces, and the stack's own."""
    return (0, *(a % 3 + 1 for a in (axis if isinstance(axis, tuple) else (axis,))))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", int, bool])
def test_the_state_is_float64_whatever_the_pieces_are(dtype):
    z = np.array([1, 0, 1, 1]).astype(dtype)
    z.flags.writeable = False
    a = taken_in(z, z[::2], np.broadcast_to(z[1], 3))
    assert a.value.dtype == np.float64
    np.testing.assert_allclose(a.value, np.log(5 * np.e + 4), rtol=1e-6)


def test_many_small_float32_pieces_add_up_in_float64():
    z = np.zeros(1, np.float32)
    a = taken_in(np.zeros(2**24, np.float32))
    for _ in range(100):
        a.update(z)
    assert reference.error(a.value, [mpmath.log(2**24 + 100)]) <= 2


def test_an_accumulator_can_be_pickled():
    a = taken_in([1.0, 2.0])
    assert same(pickle.loads(pickle.dumps(a)), a)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda a: a.update(3.0), ValueError, "axis -1 is out of range: z has 0 dimensions"),
        (lambda a: a.update([1.0], axis=2), ValueError, "axis 2 is out of range: z has 1"),
        (lambda a: a.update([1.0], axis=0.5), TypeError, "axis = 0.5 is not an axis"),
        (lambda a: a.update([1j]), TypeError, "z has dtype complex128: it must hold real numbers"),
        (lambda a: a.update(np.ones((3, 2))), ValueError, r"z has .* \(3,\): .* have shape \(2,\)"),
        (lambda a: a.merge(taken_in([1.0])), ValueError, r"other has .* \(\): .* shape \(2,\)"),
        (lambda a: a.merge([1.0]), TypeError, "other is of type list: .* update takes an array"),
    ],
)
def test_what_does_not_fit_is_an_error_and_leaves_the_accumulator_as_it_was(call, error, message):
    a = taken_in(np.zeros((2, 3)))
    before = a.value
    with pytest.raises(error, match=message):
        call(a)
    np.testing.assert_array_equal(a.value, before)


# Linear cross-entropy


def case(N=20, K=33, D=5, dtype=np.float64, scale=1.0, offset=None, seed=0):
    """Return h, W, t and b; without an offset b is None."""
    rng = np.random.default_rng([seed, N, K, D])
    h = rng.normal(size=(N, D)).astype(dtype)
    W = (scale * rng.normal(size=(K, D))).astype(dtype)
    b = None if offset is None else (offset + rng.normal(size=K)).astype(dtype)
    return h, W, rng.integers(0, K, N), b


def dense(h, W, t, b, reduction):
    """Return the same computed from all the logits, in float64."""
    h, W = np.asarray(h, np.float64), np.asarray(W, np.float64)
    z = h @ W.T + (0 if b is None else np.asarray(b, np.float64))
    C, g = cross_entropy_value_and_grad(z, t, reduction=reduction)
    return C, (g @ W, g.T @ h, *([] if b is None else [g.sum(axis=0)]))


def distance(gradients, expected):
    """Return the largest difference, relative to the largest entry of each gradient."""
    pairs = zip(gradients, expected, strict=True)
    return max((np.abs(a - b).max() / np.abs(b).max() for a, b in pairs if a.size), default=0.0)


@pytest.fixture
def small_tiles(monkeypatch):
    """Tiles of 8 cases and 8 classes, so that small problems have many of them."""
    monkeypatch.setattr(many_classes, "TILE", 64)
    monkeypatch.setattr(many_classes, "CASES", 8)
    monkeypatch.setattr(many_classes, "WEIGHTS", 64)


@pytest.mark.usefixtures("small_tiles")
@in_pairs(
    "size, offset, scale, reduction",
    [(1, 1, 1), (3, 7, 2), (20, 33, 5), (17, 101, 3), (9, 50, 0), (5, 70, 90), (16, 64, 8)],
    [None, 0.0, -800.0, 2000.0],
    [1.0, 30.0, 1000.0],
    ["mean", "sum"],
)
def test_gradients_equal_the_dense_ones(size, scale, offset, reduction):
    arguments = case(*size, scale=scale, offset=offset)
    h, W, t, b = arguments
    C, gradients = linear_cross_entropy(h, W, t, b=b, reduction=reduction)
    expected, dense_gradients = dense(*arguments, reduction)
    np.testing.assert_allclose(C, expected, rtol=1e-12, atol=1e-300)
    if size[1] > 1:
        assert distance(gradients, dense_gradients) <= 1e-12
    else:
        assert not any(g.any() for g in gradients)


@pytest.mark.parametrize(("N", "K"), [(513, 1025), (700, 3001), (3, 9001)])
def test_gradients_equal_the_dense_ones_at_the_true_size_of_the_tiles(N, K):
    arguments = case(N, K, 7, scale=2.0, offset=0.5)
    h, W, t, b = arguments
    C, gradients = linear_cross_entropy(h, W, t, b=b)
    expected, dense_gradients = dense(*arguments, "mean")
    np.testing.assert_allclose(C, expected, rtol=1e-13)
    assert distance(gradients, dense_gradients) <= 1e-12


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("offset", [None, -300.0, 300.0])
def test_float32_is_as_good_as_its_logits(offset):
    arguments = case(20, 100, 16, np.float32, offset=offset)
    h, W, t, b = arguments
    C, gradients = linear_cross_entropy(h, W, t, b=b)
    expected, dense_gradients = dense(*arguments, "mean")
    assert C.dtype == np.float32 and {g.dtype for g in gradients} == {np.dtype(np.float32)}
    tolerance = 3e-6 if offset is None else 1e-4
    np.testing.assert_allclose(C, expected, rtol=tolerance)
    assert distance(gradients, dense_gradients) <= tolerance


def summed(g, z):
    """Return Σ g z, and how large its terms are."""
    with mpmath.workdps(reference.DIGITS):
        terms = [a * mpmath.mpf(float(b)) for a, b in zip(g, z)]
        return mpmath.fsum(terms), mpmath.fsum(map(abs, terms))


@pytest.mark.usefixtures("small_tiles")
@given(
    hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(-900, 900, width=32)),
    st.data(),
)
def test_the_cost_is_right_wherever_the_shift_changes(z, data):
    c = data.draw(st.integers(0, len(z) - 1))
    C, (dh, dW) = linear_cross_entropy([[1.0]], z[:, None], [c])
    cost, g, *_ = reference.class_cost(z, c)
    product, size = summed(g, z)
    if cost > 1e-290:
        assert reference.error(C, [cost]) <= 8
    np.testing.assert_allclose(dW[:, 0], reference.rounded(g), rtol=8 * 2.0**-53, atol=1e-290)
    assert abs(dh[0, 0] - float(product)) <= 16 * 2.0**-53 * float(size) + 1e-290


@BOTH
@pytest.mark.parametrize("classes", [2, 10, 100, 1000])
def test_cost_and_label_gradient_keep_their_digits_however_confident_the_case(classes, dtype):
    for gap in (1.0, 20.0, 40.0, 80.0) + (300.0, 690.0) * (dtype is np.float64):
        for top in (0.0, 3.0, 37.5):
            rng = np.random.default_rng([classes, int(gap)])
            z = (top - gap + rng.choice(rng.random(100), classes)).astype(dtype)
            c = int(rng.integers(classes))
            z[c] = top
            C, (dh, dW) = linear_cross_entropy(np.ones((1, 1), dtype), z[:, None], [c])
            cost, g, *_ = reference.class_cost(z, c)
            slope, size = summed(g, z)
            assert reference.error(C, [cost]) <= 8
            assert reference.error(dW[c, 0], [g[c]]) <= 8
            # Σ g W is a difference, and is as exact as what it is the difference of.
            unit = reference.UNIT[np.dtype(dtype)]
            assert abs(float(dh[0, 0]) - slope) <= 16 * unit * size


@BOTH
@pytest.mark.parametrize("cases", [1, 3, 512])
def test_equal_rivals_do_not_add_up_their_roundings(cases, dtype):
    W = np.full((20001, 1), 0.3, dtype)
    W[7000] = 12.3
    C, (_, dW) = linear_cross_entropy(np.ones((cases, 1), dtype), W, np.full(cases, 7000))
    cost, own = reference.label(W[:, 0], 7000)
    assert reference.error(C, [cost]) <= 8
    # A product of matrices adds up the cases.
    assert reference.error(dW[7000, 0], [own]) <= (8 if cases < 512 else 64)


@pytest.mark.usefixtures("small_tiles")
@REDUCTIONS
@pytest.mark.parametrize("offset", [0.0, 900.0])
def test_the_gradients_are_the_derivatives(offset, reduction):
    h, W, t, b = case(10, 21, 3, offset=offset)
    _, (dh, dW, db) = linear_cross_entropy(h, W, t, b=b, reduction=reduction)

    def cost(h=h, W=W, b=b):
        return linear_cross_entropy(h, W, t, b=b, reduction=reduction)[0]

    for name, x, gradient in (("h", h, dh), ("W", W, dW), ("b", b, db)):
        # Logits near 900 leave a cost fewer digits, of which a longer step needs fewer.
        error = check_gradient(lambda x: cost(**{name: x}), x, gradient, step=1e-4)
        assert error < 1e-6


@pytest.mark.usefixtures("small_tiles")
def test_a_class_at_minus_infinity_has_no_part_and_classes_at_plus_infinity_share_the_mass():
    h, W, _, b = case(12, 30, 4, offset=0.0)
    t = np.arange(12) + 3
    for place in (slice(0, 3), slice(20, 30)):
        c = b.copy()
        c[place] = -np.inf
        kept = np.flatnonzero(np.isfinite(c))
        C, (dh, dW, db) = linear_cross_entropy(h, W, t, b=c)
        D, (eh, eW, eb) = linear_cross_entropy(h, W[kept], t - kept[0], b=b[kept])
        np.testing.assert_allclose(C, D, rtol=1e-14)
        assert distance((dh, dW[kept], db[kept]), (eh, eW, eb)) <= 1e-14
        assert not dW[place].any() and not db[place].any()
    c = b.copy()
    c[[5, 25]] = np.inf
    C, (dh, dW, db) = linear_cross_entropy(h[:1], W, [25], b=c)
    np.testing.assert_allclose(C, np.log(2), rtol=1e-15)
    assert db.tolist() == [{5: 0.5, 25: -0.5}.get(j, 0.0) for j in range(30)]
    np.testing.assert_allclose(dh[0], (W[5] - W[25]) / 2, rtol=1e-14)
    assert linear_cross_entropy(h, W, t, b=c)[0] == np.inf


@pytest.mark.usefixtures("small_tiles")
def test_a_case_without_a_distribution_is_nan_and_its_neighbors_are_not():
    h, W, t, b = case(12, 30, 4, offset=0.0)
    good = linear_cross_entropy(h, W, t, reduction="sum")[1][0]
    h[3, 1] = np.nan
    C, (dh, dW) = linear_cross_entropy(h, W, t, reduction="sum")
    assert np.isnan(C)
    assert np.isnan(dh).all(axis=1).tolist() == [n == 3 for n in range(12)]
    np.testing.assert_array_equal(np.delete(dh, 3, axis=0), np.delete(good, 3, axis=0))
    assert np.isnan(dW).all()
    C, gradients = linear_cross_entropy(h, W, t, b=np.full(30, -np.inf))
    assert np.isnan(C) and all(np.isnan(g).all() for g in gradients)


@pytest.mark.usefixtures("small_tiles")
def test_infinite_inputs_give_what_the_dense_way_gives():
    for a, value in [("h", np.inf), ("h", -np.inf), ("W", np.inf), ("W", -np.inf)]:
        h, W, t, _ = case(12, 30, 4)
        h, W = np.abs(h), np.abs(W)
        (h if a == "h" else W)[3, 1] = value
        t[t == 3] = 4
        with np.errstate(all="ignore"):
            expected, dense_gradients = dense(h, W, t, None, "mean")
        C, gradients = linear_cross_entropy(h, W, t)
        np.testing.assert_allclose(C, expected, rtol=1e-13)
        for g, e in zip(gradients, dense_gradients, strict=True):
            np.testing.assert_allclose(g, e, rtol=1e-11, atol=1e-14)


def test_a_million_float32_logits_far_from_zero():
    rng = np.random.default_rng(0)
    W = rng.normal(0, 1, (10**6, 1)).astype(np.float32)
    h = np.ones((2, 1), np.float32)
    low, (_, dW) = linear_cross_entropy(h, W, [3, 999999])
    for offset in (-512.0, 512.0):
        C, (_, eW, db) = linear_cross_entropy(h, W, [3, 999999], b=np.full(10**6, offset))
        np.testing.assert_allclose(C, low, rtol=1e-6)
        np.testing.assert_allclose(eW, dW, rtol=1e-5)
        np.testing.assert_allclose(eW[:, 0], db, rtol=1e-12)


@pytest.mark.usefixtures("small_tiles")
@REDUCTIONS
@pytest.mark.parametrize("offset", [None, 0.0, 900.0])
def test_weights_are_those_of_the_dense_cost(offset, reduction):
    h, W, t, b = case(20, 33, 5, offset=offset)
    w = np.random.default_rng(1).choice([0.0, 0.5, 1.0, 3.0], 20)
    z = h @ W.T + (0 if b is None else b)
    C, g = cross_entropy_value_and_grad(z, t, weights=w, reduction=reduction)
    expected = g @ W, g.T @ h, *([] if b is None else [g.sum(axis=0)])
    h[w == 0], t[w == 0] = np.nan, -100
    D, gradients = linear_cross_entropy(h, W, t, b=b, weights=w, reduction=reduction)
    np.testing.assert_allclose(D, C, rtol=1e-12)
    assert distance(gradients, expected) <= 1e-12
    assert not gradients[0][w == 0].any()


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("shape", [(2, 3, 5), (6, 1, 5), (2, 0, 5), (0, 4, 5)])
def test_any_leading_shape_gives_what_rows_give(shape):
    h, W, t, b = case(math.prod(shape[:-1]), 33, 5, offset=0.0)
    w = np.random.default_rng(1).choice([0.0, 0.5, 3.0], shape[:-1])
    cases = h.reshape(shape), W, t.reshape(shape[:-1])
    C, (dh, *others) = linear_cross_entropy(h, W, t, b=b, weights=w.reshape(-1), reduction="sum")
    D, (eh, *same) = linear_cross_entropy(*cases, b=b, weights=w, reduction="sum")
    assert C == D and eh.shape == shape
    np.testing.assert_array_equal(eh.reshape(dh.shape), dh)
    for a, e in zip(others, same, strict=True):
        np.testing.assert_array_equal(a, e)
    if 0 in shape:
        with pytest.raises(ValueError, match=r"h has shape \(.*the mean over no cases is undefined"):
            linear_cross_entropy(*cases)


# Memory


@in_pairs(
    "size, shift, dtype", [(64, 200_000, 4), (512, 50_000, 16), (2, 8192, 512)], [0.0, 1000.0], [np.float32, np.float64]
)
def test_the_memory_is_that_of_the_gradient_and_a_few_megabytes(size, shift, dtype):
    h, W, t, _ = case(*size, dtype, scale=0.1)
    b = None if shift == 0 else np.full(len(W), shift, dtype)
    tracemalloc.start()
    try:
        linear_cross_entropy(h, W, t, b=b)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    gradients = W.nbytes + (0 if b is None else b.nbytes)
    assert peak <= gradients + (2**24 if h.shape[1] < 100 else 2**22 * h.itemsize)


def test_a_piece_is_taken_in_without_a_copy():
    z = np.zeros((4, 250_000), np.float32)
    tracemalloc.start()
    try:
        taken_in(z)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 2**21


# The contract


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("with_bias", [False, True])
def test_read_only_and_odd_arrays_are_taken_and_left_alone(with_bias):
    h, W, t, b = case(20, 33, 5, offset=0.0)
    b = b if with_bias else None
    expected = linear_cross_entropy(h, W, t, b=b)[1]
    for form in (
        np.asfortranarray,
        lambda a: np.repeat(a, 2, axis=0)[::2],
        lambda a: a[::-1].copy()[::-1],
        lambda a: a.astype(a.dtype.newbyteorder(">")),
        lambda a: a.tolist(),
    ):
        odd = [None if a is None else form(a) for a in (h, W, t, b)]
        before = [None if a is None else np.array(a) for a in odd]
        for a in odd:
            if isinstance(a, np.ndarray):
                a.flags.writeable = False
        assert distance(linear_cross_entropy(*odd[:3], b=odd[3])[1], expected) <= 1e-14
        for a, saved in zip(odd, before):
            np.testing.assert_equal(a, saved)
    shared = np.broadcast_to(h[:1], h.shape), np.broadcast_to(W[:, :1], W.shape)
    plain = linear_cross_entropy(*map(np.array, shared), t, b=b)[1]
    assert distance(linear_cross_entropy(*shared, t, b=b)[1], plain) <= 1e-14


def test_the_results_have_the_widest_dtype_and_float16_is_computed_in_float32():
    h, W, t, b = case(6, 9, 3, np.float32, offset=0.0)
    for dtypes, result in [
        ((np.float16, np.float16, np.float16), np.float16),
        ((np.float16, np.float32, np.float16), np.float32),
        ((np.float32, np.float32, np.float64), np.float64),
        ((np.float64, np.float32, np.float32), np.float64),
        ((np.float32, np.int8, np.float32), np.float64),
    ]:
        arrays = [np.round(a).astype(d) for a, d in zip((h, W, b), dtypes)]
        C, gradients = linear_cross_entropy(*arrays[:2], t, b=arrays[2])
        assert {C.dtype, *(g.dtype for g in gradients)} == {np.dtype(result)}
        assert isinstance(C, np.generic)
        wide = [np.float64(a) for a in arrays]
        D, expected = linear_cross_entropy(*wide[:2], t, b=wide[2])
        tolerance = 8 * float(np.finfo(result).eps)
        np.testing.assert_allclose(C, D, rtol=tolerance)
        assert distance(gradients, expected) <= tolerance


def test_empty_problems():
    C, (dh, dW, db) = linear_cross_entropy(
        np.empty((0, 3)), np.ones((4, 3)), np.empty(0, int), b=np.ones(4), reduction="sum"
    )
    assert C == 0 and dh.shape == (0, 3)
    assert dW.tolist() == [[0.0] * 3] * 4 and db.tolist() == [0.0] * 4
    C, (dh, dW) = linear_cross_entropy(np.empty((2, 0)), np.empty((5, 0)), [0, 4])
    np.testing.assert_allclose(C, np.log(5), rtol=1e-15)
    assert dh.shape == (2, 0) and dW.shape == (5, 0)


def test_the_mean_is_the_sum_over_the_number_of_cases():
    h, W, t, b = case(offset=0.0)
    C, gradients = linear_cross_entropy(h, W, t, b=b)
    D, totals = linear_cross_entropy(h, W, t, b=b, reduction="sum")
    np.testing.assert_allclose(C, D / 20, rtol=1e-15)
    for g, total in zip(gradients, totals, strict=True):
        np.testing.assert_allclose(g, total / 20, rtol=1e-12, atol=1e-17)


GOOD = {"h": np.ones((2, 3)), "W": np.ones((4, 3)), "t": [0, 1]}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"h": np.ones(3)}, ValueError, r"h has shape \(3,\): .* one row per case"),
        ({"W": np.ones((4, 3, 1))}, ValueError, r"W has shape \(4, 3, 1\): .* one row per class"),
        ({"W": np.ones((4, 2))}, ValueError, r"W has shape \(4, 2\): for h .* \(2, 3\).* 3 columns"),
        ({"W": np.ones((0, 3))}, ValueError, r"W has no classes: its shape is \(0, 3\)"),
        ({"W": np.ones((4, 3), complex)}, TypeError, "W has dtype complex128: .* real numbers"),
        ({"h": np.ma.ones((2, 3))}, TypeError, r"h is a masked array: pass h\.data"),
        ({"t": np.ma.array([0, 1])}, TypeError, r"^t is a masked array: pass t\.data"),
        ({"b": np.ones(3)}, ValueError, r"b has shape \(3,\): .* must have shape \(4,\)"),
        ({"t": [0]}, ValueError, r"t has shape \(1,\): for h of shape \(2, 3\), labels have shape \(2,\)"),
        ({"t": np.eye(4, dtype=int)[:2]}, ValueError, r"t has shape \(2, 4\): .* labels have"),
        ({"t": [0.0, 1.0]}, TypeError, "t has dtype float64: labels must be integers"),
        ({"t": [True, False]}, TypeError, "t has dtype bool: labels must be integers"),
        ({"t": [0, 4]}, ValueError, r"t\[1\] = 4 is not a class index: W has 4 classes"),
        ({"t": [-1, 0]}, ValueError, r"t\[0\] = -1 is not a class index: W has 4 classes"),
        ({"t": np.array([2**63, 0], np.uint64)}, ValueError, "is not a class index"),
        ({"reduction": "none"}, ValueError, "reduction = 'none' is unknown: .* 'mean' or 'sum'"),
        ({"h": np.ones((0, 3)), "t": np.ones(0, int)}, ValueError, "mean over no cases"),
        ({"weights": [1]}, ValueError, r"weights has shape \(1,\): .* one weight for each case, shape \(2,\)"),
        ({"weights": [-1, 1]}, ValueError, r"weights\[0\] = -1 is not a weight"),
        ({"weights": [0, 0]}, ValueError, "weights are all 0: the mean"),
        ({"ignore_index": -100}, TypeError, "linear_cross_entropy has no argument ignore_index: .*weights="),
    ],
)
def test_a_bad_argument_is_an_error_that_says_what_to_do(change, error, message):
    with pytest.raises(error, match=message):
        linear_cross_entropy(**GOOD | change)
