"""smlib.outputs against 50-digit arithmetic, SciPy and itself."""

import math
import threading
import tracemalloc

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special

import smlib
from smlib import (
    _blocks,
    _exponentials,
    _kernels,
    _sizes,
    _sums,
    log_softmax,
    logistic,
    logsumexp,
    softmax,
    softmax_jacobian,
    softmax_jvp,
)
from tests.smlib import reference
from tests.smlib.strategies import in_pairs

FLOATS = (np.float16, np.float32, np.float64)
OVER_AXIS = (softmax, log_softmax, logsumexp)
LIKE_Z = (softmax, log_softmax)


def logits(low=-700.0, high=700.0, min_dims=1, max_dims=3, min_side=1, dtype=np.float64):
    """Draw arrays of ordinary logits."""
    return hnp.arrays(
        dtype,
        hnp.array_shapes(min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=6),
        elements=st.floats(low, high, width=32),
    )


def scipy(function, z, axis=-1, where=True):
    """Return the result of SciPy's function of the same name, in float64."""
    return getattr(special, function.__name__)(np.where(where, np.float64(z), -np.inf), axis=axis)


# Against 50-digit arithmetic

# The names are ASCII: pytest escapes others again at a second collection, and mutmut then asks for tests in vain.
HARD_ROWS = {
    "near ties": [1.0, 1.0 + 2**-20, 1.0 - 2**-20],
    "one class": [3.5],
    "two classes": [-2.25, 1.5],
    "a gap of 20": [20.0, 0.0, -1.0],
    "a gap of 40": [3.0, 43.0, 2.5],
    "a gap of 80": [-80.0, 0.0, -3.0, -79.0],
    "an offset of 1000": [1000.0, 998.5, 1003.25, 1001.0],
    "an offset of -1000": [-1000.0, -1001.5, -990.25],
    "an offset of 1e5": [1e5, 1e5 + 3.5, 1e5 - 2.0, 1e5 + 3.0],
    "a fractional offset": [41.3, 42.7, 39.1, 41.29],
    "even logits": [0.1] * 257,
    "just beyond overflow": [700.0, 710.0, 650.0],
    "a ramp": list(np.linspace(-30.0, 30.0, 100)),
}
DTYPES = [np.float32, np.float64]
BOTH = pytest.mark.parametrize("dtype", DTYPES)
HARD = pytest.mark.parametrize("row", HARD_ROWS.values(), ids=HARD_ROWS.keys())


@BOTH
@HARD
def test_softmax_is_right_to_the_last_digits(row, dtype):
    z = np.array(row, dtype)
    assert reference.error(softmax(z), reference.softmax(z)) <= 8


@BOTH
@HARD
def test_logsumexp_is_right_to_the_last_digits(row, dtype):
    z = np.array(row, dtype)
    assert reference.error(logsumexp(z), [reference.logsumexp(z)]) <= 8


@BOTH
@HARD
def test_log_softmax_is_right_to_the_last_digits(row, dtype):
    z = np.array(row, dtype)
    assert reference.error(log_softmax(z), reference.log_softmax(z)) <= 8


@BOTH
@HARD
def test_the_sum_over_the_rivals_of_the_largest_logit_is_right_to_the_last_digits(row, dtype):
    x = np.array([row, row[::-1], np.zeros(len(row))], dtype)
    with np.errstate(all="ignore"):
        m, rest, top = _kernels.top_and_rivals(_blocks.Block(x))
    assert m.tolist() == x.max(axis=1).tolist() and top.tolist() == x.argmax(axis=1).tolist()
    assert reference.error(rest.astype(dtype), [reference.rivals(z, c) for z, c in zip(x, top)]) <= 8


@BOTH
def test_the_rivals_of_a_row_longer_than_a_block_are_summed_piece_by_piece(dtype):
    z = np.random.default_rng(19).normal(0, 3, (1, 2**18 + 5)).astype(dtype)
    with np.errstate(all="ignore"):
        _, rest, [c] = _kernels.top_and_rivals(_blocks.Block(z))
    wide = np.delete(z[0].astype(np.float64), c)
    np.testing.assert_allclose(rest, np.exp(wide - float(z[0, c])).sum(), rtol=8 * np.finfo(dtype).eps)


@BOTH
@pytest.mark.parametrize("offset", [0.0, -300.0, 1000.0])
@pytest.mark.parametrize("width", [64, 125])
def test_a_long_row_is_done_piece_by_piece(width, offset, dtype, monkeypatch):
    monkeypatch.setattr(_sizes, "PIECE", 64 * np.dtype(dtype).itemsize)
    monkeypatch.setattr(_sizes, "SCRATCH", width * np.dtype(dtype).itemsize)
    if offset == 0:
        monkeypatch.setattr(_kernels, "Shifted", None)  # there is no need of it
    z = np.random.default_rng(21).normal(offset, 3, (1, 1000)).astype(dtype)
    e, rtol = np.empty((1, width), dtype), 1e-5 if dtype == np.float32 else 1e-12
    with np.errstate(all="ignore"):
        for kernel in (_kernels.softmax, _kernels.log_softmax):
            x = z.copy()
            kernel(_blocks.Block(x, x, e))
            np.testing.assert_allclose(x, scipy(kernel, z), rtol=rtol)
        lse = _kernels.logsumexp(_blocks.Block(z, scratch=e))
        np.testing.assert_allclose(lse, scipy(logsumexp, z), rtol=rtol)
        for c in (0, 1, width - 1, width, width + 1, 999):
            x = z.copy()
            x[0, c] += 20
            _, rest, _ = _kernels.top_and_rivals(_blocks.Block(x, scratch=e))
            wide = np.delete(x[0].astype(np.float64), c)
            np.testing.assert_allclose(rest, np.exp(wide - float(x[0, c])).sum(), rtol=rtol)


def test_rivals_below_the_smallest_normal_float32_keep_their_digits():
    x = np.float32([[0.0, -95.0, -100.0]])
    with np.errstate(all="ignore"):
        _, rest, _ = _kernels.top_and_rivals(_blocks.Block(x))
    assert reference.error(rest, [reference.rivals(x[0], 0)]) <= 8


@BOTH
def test_several_rows_longer_than_the_buffer_are_done_one_by_one(dtype):
    z = np.random.default_rng(23).normal(0, 3, (3, _sizes.SCRATCH // np.dtype(dtype).itemsize + 5)).astype(dtype)
    wide = z.astype(np.float64)
    np.testing.assert_allclose(softmax(z), scipy(softmax, wide), rtol=1e-5 if dtype == np.float32 else 1e-12)
    np.testing.assert_allclose(logsumexp(z), scipy(logsumexp, wide), rtol=1e-5 if dtype == np.float32 else 1e-12)


def test_rivals_at_infinity_count_as_one_each():
    x = np.array([[np.inf, 0.0, np.inf], [0.0, np.inf, 1.0], [0.0, 0.0, -np.inf]])
    with np.errstate(all="ignore"):
        m, rest, _ = _kernels.top_and_rivals(_blocks.Block(x))
    assert m.tolist() == [np.inf, np.inf, 0.0] and rest.tolist() == [1.0, 0.0, 1.0]


@BOTH
@HARD
def test_the_jacobian_is_right_to_the_last_digits(row, dtype):
    z = np.array(row[:20], dtype)
    assert reference.error(softmax_jacobian(z), reference.jacobian(z)) <= 16


@BOTH
@pytest.mark.parametrize("z", [-100.0, -87.0, -20.0, -1.5, -1e-8, 0.0, 1e-8, 2.0, 16.0, 40.0, 90.0])
def test_the_logistic_function_is_right_to_the_last_digits(z, dtype):
    z = dtype(z)
    if reference.logistic(z) > np.finfo(dtype).tiny:
        assert reference.error(logistic(z), [reference.logistic(z)]) <= 6


@BOTH
@pytest.mark.parametrize("shape", [(1, 4096), (3, 1000), (9, 1000), (5, 1025), (2100, 64)], ids=str)
def test_the_roundings_of_equal_classes_do_not_add_up(shape, dtype):
    classes = shape[1]
    for offset in (-3.7, 0.3, 20.1):
        z = np.full(shape, offset, dtype)
        assert reference.error(softmax(z)[:, 0], [mpmath.mpf(1) / classes] * len(z)) <= 8
        z[:, 0] += 10
        with mpmath.workdps(reference.DIGITS):
            y = 1 / (1 + reference.rivals(z[0], 0))
        assert reference.error(softmax(z)[:, 0], [y] * len(z)) <= 12


@BOTH
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("n", [1, 15, 16, 31, 32, 33, 64, 127, 128, 129, 1000, 1025, 4096, 4097, 8209])
def test_the_sums_of_rows_are_float64_and_right_to_the_last_digits(n, rows, dtype):
    ramp = np.random.default_rng(n).random((rows, n)).astype(dtype)
    for e in (ramp, np.full((rows, n), 0.1, dtype)):
        sums = _sums.row_sums(e)
        assert sums.dtype == np.float64 and sums.shape == (rows,)
        exact = [math.fsum(row.tolist()) for row in e]
        np.testing.assert_allclose(sums, exact, rtol=8 * np.finfo(dtype).eps / 2)


def test_small_probabilities_keep_their_digits_down_to_the_smallest_normal_float():
    for gap, dtype in [(87.0, np.float32), (708.0, np.float64)]:
        for offset in (0.0, 500.0, -500.0):
            z = np.array([offset, offset - gap], dtype)
            assert reference.error(softmax(z), reference.softmax(z)) <= 8


@pytest.mark.parametrize("top", [0.1, 30.7, 100.1, 301.3, 433.9, -77.7, -301.3, 2000.3])
def test_small_probabilities_keep_their_digits_where_the_difference_from_the_shift_is_rounded(top):
    z = top - np.array([0.0, 1.1, 33.3, 299.9, 402.2, 513.7, 600.4, 702.9])
    y = reference.softmax(z)
    assert reference.error(softmax(z), y) <= 8
    with mpmath.workdps(reference.DIGITS):
        diagonal = [a * a * reference.rivals(z, i) for i, a in enumerate(y)]
    assert reference.error(softmax_jacobian(z).diagonal(), diagonal) <= 16


def test_subnormal_probabilities_are_as_near_as_subnormal_floats_allow():
    for gap, dtype in [(100.0, np.float32), (740.0, np.float64)]:
        for offset in (0.0, 1000.0):
            z = np.array([offset, offset - gap], dtype)
            small = reference.softmax(z)[1]
            assert abs(float(softmax(z)[1]) - small) <= 2 * np.finfo(dtype).smallest_subnormal


def test_the_top_log_probability_keeps_its_digits_where_the_plain_formula_has_none():
    z = np.array([40.0, 0.0])
    assert scipy(log_softmax, z)[0] == 0.0
    assert reference.error(log_softmax(z)[:1], reference.log_softmax(z)[:1]) <= 4


def test_a_million_classes_in_float32():
    z = np.random.default_rng(0).normal(0, 3, 10**6).astype(np.float32)
    wide = z.astype(np.float64)
    y = scipy(softmax, wide)
    assert np.abs(softmax(z) / y - 1).max() <= 16 * 2.0**-24
    assert abs(logsumexp(z) / scipy(logsumexp, wide) - 1) <= 4 * 2.0**-24


# Certainty


@BOTH
def test_a_single_class_is_certain(dtype):
    for z in np.random.default_rng(24).normal(0, 20, 200).astype(dtype):
        assert softmax(z[None]).tolist() == softmax(z[None].tolist()).tolist() == [1.0]
        assert softmax(np.array([z, -np.inf])).tolist() == [1.0, 0.0]
        assert softmax(np.array([z, 5.0], dtype), where=[True, False]).tolist() == [1.0, 0.0]
        assert log_softmax(np.array([z, -np.inf])).tolist() == [0.0, -np.inf]


@BOTH
@pytest.mark.parametrize("classes", [2, 10, 127, 128, 300, 5000])
def test_the_first_row_of_a_causal_mask_is_certain(classes, dtype):
    z = np.random.default_rng(25).normal(0, 3, (20, classes)).astype(dtype)
    causal = np.arange(classes) <= np.arange(20)[:, None]
    y = softmax(z, where=causal)
    assert y[0].tolist() == [1.0] + [0.0] * (classes - 1)
    np.testing.assert_array_equal(softmax(np.where(causal, z, -np.inf).astype(dtype)), y)


@BOTH
@pytest.mark.parametrize("shape", [(500, 2), (500, 10), (500, 100), (300, 200), (200, 1000), (20, 5000)], ids=str)
def test_an_output_that_rounds_to_one_is_one(shape, dtype):
    rng = np.random.default_rng(26)
    z = np.minimum(rng.normal(0, 2, shape), 6)
    rows, top = np.arange(shape[0]), rng.integers(0, shape[1], shape[0])
    # The share of the rivals is below half of the distance from 1 to the next smaller float.
    least = np.log(shape[1]) - np.log(np.finfo(dtype).eps / 4) + 0.01
    z[rows, top] = z.max(axis=1) + rng.uniform(least, 2 * least, shape[0])
    z += rng.choice([0, -20, 20, 700], (shape[0], 1), p=[0.7, 0.1, 0.1, 0.1])
    z = z.astype(dtype)
    y = softmax(z)
    assert (y[rows, top] == 1).all() and (y <= 1).all()
    _, gradient = smlib.cross_entropy_value_and_grad(z, (top + 1) % shape[1], reduction="sum")
    assert (gradient[rows, top] == 1).all()
    assert (gradient[rows, (top + 1) % shape[1]] == -1).all()


# What follows from the formulas


@given(logits())
def test_softmax_sums_to_one(z):
    np.testing.assert_allclose(softmax(z).sum(axis=-1), 1.0, rtol=1e-14)


@given(logits(-50, 50), st.integers(-1000, 1000))
def test_softmax_is_invariant_to_a_shift(z, shift):
    z = np.round(z * 64) / 64
    np.testing.assert_allclose(softmax(z + shift), softmax(z), rtol=1e-14)


def test_each_row_is_shifted_by_its_own_maximum():
    row = np.array([1.0, 2.0, 3.0])
    y = softmax(np.stack([row, row - 1000.0, row + 1000.0]))
    np.testing.assert_allclose(y, [softmax(row)] * 3, rtol=1e-15)


@given(logits(max_dims=1), st.randoms(use_true_random=False))
def test_softmax_of_permuted_logits_is_permuted(z, random):
    order = np.array(random.sample(range(len(z)), len(z)))
    np.testing.assert_allclose(softmax(z[order]), softmax(z)[order], rtol=1e-14)


@given(st.floats(-700, 700), st.floats(-700, 700))
def test_softmax_of_two_classes_is_the_logistic_function_of_the_difference(a, b):
    np.testing.assert_allclose(softmax([a, b])[0], logistic(a - b), rtol=1e-12)


@given(logits())
def test_log_softmax_is_the_logarithm_of_softmax(z):
    np.testing.assert_allclose(np.exp(log_softmax(z)), softmax(z), rtol=1e-12)


@given(logits())
def test_logsumexp_lies_between_the_maximum_and_that_plus_log_K(z):
    m = z.max(axis=-1)
    lse = logsumexp(z)
    assert (lse >= m).all()
    assert (lse <= m + np.log(z.shape[-1]) + 1e-13 * (1 + abs(m))).all()


@given(st.floats(-700, 700))
def test_logistic_outputs_of_z_and_minus_z_sum_to_one(z):
    assert abs(logistic(z) + logistic(-z) - 1) <= 2.0**-52


@given(logits(-100, 100))
def test_the_jacobian_is_symmetric_and_its_rows_sum_to_zero(z):
    j = softmax_jacobian(z)
    np.testing.assert_array_equal(j, np.swapaxes(j, -1, -2))
    assert np.abs(j.sum(axis=-1)).max() <= 1e-15


@given(logits(-3, 3, max_dims=1, min_side=2))
def test_the_jacobian_is_the_derivative_of_softmax(z):
    assert smlib.check_gradient(softmax, z, softmax_jacobian(z)) < 1e-7


@given(logits(-30, 30), st.integers(0, 2**32 - 1))
def test_the_product_with_the_jacobian_needs_no_jacobian(z, seed):
    v = np.random.default_rng(seed).normal(size=z.shape)
    expected = (softmax_jacobian(z) @ v[..., None])[..., 0]
    np.testing.assert_allclose(softmax_jvp(z, v), expected, rtol=1e-12, atol=1e-15)


def test_the_product_with_the_jacobian_keeps_its_digits_near_saturation():
    z, v = np.array([40.0, 0.0, 1.0]), np.array([1.0, 0.5, -0.25])
    with mpmath.workdps(50):
        j = reference.jacobian(z)
        truth = [mpmath.fsum(a * mpmath.mpf(b) for a, b in zip(row, v)) for row in j]
    assert reference.error(softmax_jvp(z, v), truth) <= 16


def test_the_product_with_the_jacobian_takes_the_axis_of_the_classes():
    z, v = np.random.default_rng(5).normal(size=(2, 3, 4, 2))
    for axis in range(-3, 3):
        expected = np.moveaxis(softmax_jvp(np.moveaxis(z, axis, -1), np.moveaxis(v, axis, -1)), -1, axis)
        np.testing.assert_array_equal(softmax_jvp(z, v, axis=axis), expected)


def test_the_product_with_the_jacobian_leaves_out_what_is_masked():
    z, v = np.random.default_rng(6).normal(size=(2, 5, 5))
    where = np.tril(np.ones((5, 5), bool))
    expected = np.zeros((5, 5))
    for i in range(5):
        expected[i, : i + 1] = softmax_jacobian(z[i, : i + 1]) @ v[i, : i + 1]
    z[~where], v[~where] = np.nan, np.inf  # not read
    product = softmax_jvp(z, v, where=where)
    np.testing.assert_allclose(product, expected, rtol=1e-12, atol=1e-15)
    assert (product[~where] == 0).all()
    assert np.isnan(softmax_jvp(z, v, where=where & (np.arange(5) > 0))[0]).all()


def test_the_product_with_the_jacobian_overflows_only_if_its_value_does():
    np.testing.assert_allclose(softmax_jvp([0.0, 0.0], [1.6e308, -0.4e308]), [0.5e308, -0.5e308], rtol=1e-15)
    assert softmax_jvp([0.0, 0.0], [1e-300, 0.0]).tolist() == [0.25e-300, -0.25e-300]


# Any shape, layout and axis

SHAPES = [(3,), (1, 10), (7, 5), (2, 3, 4), (4, 1), (300, 257), (3, 70_000), (2, 3, 50_000)]


@in_pairs("shape, function, offset, dtype", SHAPES, OVER_AXIS, [0.0, 2000.0], DTYPES)
def test_every_shape_agrees_with_the_plain_version(function, shape, offset, dtype):
    z = np.random.default_rng(1).normal(offset, 4, shape).astype(dtype)
    expected = scipy(function, z)
    result = function(z)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=4e-6 if dtype == np.float32 else 1e-12)


AXES = [0, 1, 2, -1, -3, np.int8(-3), (0, 1), (2, 0), (-3, -1), (0, 1, 2), (), None]


@pytest.mark.parametrize("function", OVER_AXIS)
@pytest.mark.parametrize("axis", AXES, ids=str)
def test_any_axis_may_hold_the_classes(function, axis):
    z = np.random.default_rng(2).normal(0, 4, (3, 4, 5))
    over = tuple(range(3)) if axis is None else axis
    np.testing.assert_allclose(function(z, axis=axis), scipy(function, z, over), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("function", OVER_AXIS)
def test_rows_along_several_axes_are_cut_into_blocks_in_their_order(function):
    z = np.random.default_rng(17).normal(0, 3, (3, 2, 1000, 70))
    np.testing.assert_allclose(function(z, axis=2), scipy(function, z, 2), rtol=1e-12, atol=1e-13)


def test_logsumexp_keeps_the_axes_on_request():
    z = np.arange(24.0).reshape(2, 3, 4)
    assert logsumexp(z, axis=(0, 2), keepdims=True).shape == (1, 3, 1)
    np.testing.assert_allclose(z - logsumexp(z, keepdims=True), log_softmax(z), rtol=1e-13)


LAYOUTS = {
    "reversed": lambda z: z[::-1, ::-1],
    "every other": lambda z: np.repeat(np.repeat(z, 2, 0), 2, 1)[::2, ::2],
    "Fortran order": np.asfortranarray,
    "other byte order": lambda z: z.astype(z.dtype.newbyteorder()),
    "broadcast": lambda z: np.broadcast_to(z[:1], z.shape),
    "unaligned": lambda z: np.frombuffer(b"\0" + z.tobytes(), np.int8)[1:].view(z.dtype).reshape(z.shape),
}


@in_pairs("layout, function, dtype, shape", list(LAYOUTS), OVER_AXIS, FLOATS, [(4, 6), (40, 9000)])
def test_the_layout_of_the_input_does_not_matter(function, layout, dtype, shape):
    z = LAYOUTS[layout](np.random.default_rng(3).normal(0, 2, shape).astype(dtype))
    before = z.copy()
    z.flags.writeable = False
    plain = np.ascontiguousarray(z, dtype=dtype)
    for axis in (0, 1):
        result = function(z, axis=axis)
        assert result.dtype == dtype
        assert result.dtype.isnative
        tolerance = {2: 2e-3, 4: 2e-6, 8: 1e-14}[z.itemsize]
        np.testing.assert_allclose(result, function(plain.copy(), axis=axis), rtol=tolerance)
    np.testing.assert_array_equal(z, before)


@given(
    hnp.arrays(
        st.sampled_from([np.dtype(c) for c in ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8")]),
        hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5),
        elements=st.floats(-100, 100, width=16),
    ),
    st.data(),
)
def test_any_view_agrees_with_the_plain_version(z, data):
    z = z[data.draw(hnp.basic_indices(z.shape, min_dims=1, allow_newaxis=True))]
    z = z.transpose(data.draw(st.permutations(range(z.ndim))))
    z.flags.writeable = False
    axis = data.draw(st.integers(-z.ndim, z.ndim - 1))
    tolerance = {2: 4e-3, 4: 4e-6, 8: 1e-12}[z.itemsize]
    for function in OVER_AXIS if z.shape[axis] else ():
        expected = scipy(function, z, axis)
        result = function(z, axis=axis)
        assert result.shape == expected.shape
        np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance / 16)


# dtypes


@pytest.mark.parametrize("function", [*OVER_AXIS, logistic, softmax_jacobian])
def test_a_floating_dtype_stays(function):
    for dtype in FLOATS:
        assert function(np.ones((2, 3), dtype)).dtype == dtype


@pytest.mark.parametrize("function", [*OVER_AXIS, logistic, softmax_jacobian])
def test_booleans_and_integers_become_float64(function):
    for dtype in (bool, np.int8, np.uint64, np.int64):
        z = np.array([[0, 1, 1]], dtype)
        result = function(z)
        assert result.dtype == np.float64
        np.testing.assert_allclose(result, function(z.astype(np.float64)), rtol=1e-15)


@pytest.mark.parametrize("function", [*OVER_AXIS, logistic, softmax_jacobian])
def test_other_dtypes_are_an_error(function):
    message = r"^z has dtype complex128: it must hold real numbers \(float16, float32, float64 or integers\)$"
    with pytest.raises(TypeError, match=message):
        function(np.zeros((2, 3), complex))


def test_a_masked_array_is_an_error_so_that_its_mask_is_not_ignored():
    z = np.ma.masked_array([1.0, 2.0], [True, False])
    with pytest.raises(TypeError, match="z is a masked array: pass z.data"):
        softmax(z)
    with pytest.raises(TypeError, match="where is a masked array: pass where.data"):
        softmax([1.0, 2.0], where=np.ma.masked_array([True, True], [True, False]))


def test_a_ragged_list_is_an_error_that_names_the_argument():
    ragged = [[1.0, 2.0], [3.0]]
    for function in (*OVER_AXIS, logistic, softmax_jacobian):
        with pytest.raises(ValueError, match="^z is not an array: "):
            function(ragged)
    with pytest.raises(ValueError, match="^where is not an array: "):
        softmax([1.0, 2.0], where=ragged)


def test_float16_is_computed_in_float32():
    z = np.random.default_rng(4).normal(0, 3, (5, 1000)).astype(np.float16)
    for function in OVER_AXIS:
        expected = function(z.astype(np.float32)).astype(np.float16)
        np.testing.assert_array_equal(function(z), expected)


def test_the_logistic_function_of_every_float16_is_computed_in_float32():
    z = np.arange(2**16, dtype=np.uint16).view(np.float16)
    z = z[np.isfinite(z)]
    with np.errstate(all="ignore"):
        expected = (1 / (1 + np.exp(-z.astype(np.float32)))).astype(np.float16)
    np.testing.assert_array_equal(logistic(z), logistic(z.astype(np.float32)).astype(np.float16))
    np.testing.assert_allclose(logistic(z), expected, rtol=2e-3, atol=2.0**-24)


def test_the_product_with_the_jacobian_has_the_dtype_of_the_logits():
    for dtype in FLOATS:
        z, v = np.array([1.0, 0.0], dtype), np.array([1.0, -1.0])
        assert softmax_jvp(z, v).dtype == dtype
    assert softmax_jvp([1, 0], np.array([1.0, 0.0], np.float32)).dtype == np.float64


def test_float16_overflows_to_infinity_in_silence():
    assert logsumexp(np.full(4, 65504, np.float16)) == np.float16(65504)
    assert log_softmax(np.array([65504, -65504], np.float16))[1] == -np.inf


def test_lists_are_arrays_too():
    assert softmax([[0, 0]]).tolist() == [[0.5, 0.5]]


# out=


@in_pairs("shape, dtype, function, offset", [(5, 7), (600, 500), (2, 100_000)], FLOATS, LIKE_Z, [0.0, 1000.0])
def test_out_receives_the_result_and_may_be_the_input(function, dtype, shape, offset):
    z = np.random.default_rng(5).normal(offset, 3, shape).astype(dtype)
    few_units = 8 * np.finfo(dtype).eps
    for axis in (0, -1):
        expected = function(z, axis=axis)
        out = np.full(shape, np.nan, dtype)
        assert function(z, axis=axis, out=out) is out
        np.testing.assert_allclose(out, expected, rtol=few_units)
        inplace = z.copy()
        assert function(inplace, axis=axis, out=inplace) is inplace
        np.testing.assert_allclose(inplace, expected, rtol=few_units)


@pytest.mark.parametrize("function", LIKE_Z)
def test_out_may_overlap_the_input_in_any_way(function):
    memory = np.random.default_rng(6).normal(0, 3, 400_000)
    overlaps = {
        "shifted right": lambda m: (m[:-10].reshape(-1, 2)[:90_000], m[10:].reshape(-1, 2)[:90_000]),
        "shifted left": lambda m: (m[10:].reshape(-1, 2)[:90_000], m[:-10].reshape(-1, 2)[:90_000]),
        "backward": lambda m: (m.reshape(-1, 4), m[::-1].reshape(-1, 4)),
        "transposed": lambda m: (m[:360_000].reshape(600, 600), m[:360_000].reshape(600, 600).T),
    }
    for overlap in overlaps.values():
        z, _ = overlap(memory.copy())
        expected = function(z.copy())
        z, out = overlap(memory.copy())
        np.testing.assert_allclose(function(z, out=out), expected, rtol=1e-14)


@pytest.mark.parametrize("function", LIKE_Z)
def test_out_may_have_any_strides_and_byte_order(function):
    z = np.random.default_rng(7).normal(0, 3, (30, 40))
    for out in (np.empty((40, 30)).T, np.empty((60, 80))[::2, ::2], np.empty((30, 40), ">f8")):
        assert function(z, out=out) is out
        np.testing.assert_allclose(out, function(z), rtol=1e-14)


@pytest.mark.parametrize("function", LIKE_Z)
def test_an_out_that_does_not_fit_is_an_error(function):
    z = np.zeros((2, 3))
    with pytest.raises(TypeError, match="out is of type list: it must be a NumPy array"):
        function(z, out=[[0.0] * 3] * 2)
    with pytest.raises(TypeError, match="out is of type MaskedArray: it must be a NumPy array"):
        function(z, out=np.ma.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"out has shape \(3, 2\): the result has shape \(2, 3\)"):
        function(z, out=np.zeros((3, 2)))
    with pytest.raises(TypeError, match="out has dtype float32: the result has dtype float64"):
        function(z, out=np.zeros((2, 3), np.float32))
    with pytest.raises(TypeError, match="out has dtype int64"):
        function(z, out=np.zeros((2, 3), np.int64))
    frozen = np.zeros((2, 3))
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="^out is read-only: it must be an array that can be written to$"):
        function(z, out=frozen)


# where=


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), None], ids=str)
@pytest.mark.parametrize("function", OVER_AXIS)
def test_masked_classes_are_left_out(function, axis):
    rng = np.random.default_rng(8)
    z = rng.normal(0, 4, (3, 4, 5))
    where = rng.random((3, 4, 5)) < 0.6
    where[0] = where[:, 0] = where[:, :, 0] = True
    over = tuple(range(3)) if axis is None else axis
    expected = scipy(function, z, over, where)
    np.testing.assert_allclose(function(z, axis=axis, where=where), expected, rtol=1e-13, atol=1e-13)


def test_a_masked_class_has_probability_exactly_zero():
    where = np.array([True, False, True])
    z = np.array([[1.0, 5.0, 2.0], [0.0, 0.0, 0.0]])
    assert (softmax(z, where=where)[:, 1] == 0.0).all()
    assert (log_softmax(z, where=where)[:, 1] == -np.inf).all()
    np.testing.assert_allclose(softmax(z, where=where)[:, ::2], softmax(z[:, ::2]), rtol=1e-15)


@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf])
def test_what_is_masked_is_not_read(junk):
    z, where = np.array([1.0, junk, 2.0]), [True, False, True]
    np.testing.assert_allclose(softmax(z, where=where), [*softmax([1.0, 2.0])[:1], 0, softmax([1.0, 2.0])[1]])
    assert logsumexp(z, where=where) == logsumexp([1.0, 2.0])
    assert np.isnan(z[1]) or z[1] == junk


def test_a_row_masked_altogether_has_no_distribution():
    z, where = np.zeros((2, 3)), np.array([[True] * 3, [False] * 3])
    for function in LIKE_Z:
        assert np.isnan(function(z, where=where)[1]).all()
        assert np.isfinite(function(z, where=where)[0]).all()
    assert logsumexp(z, where=where)[1] == -np.inf


def test_a_mask_works_together_with_out_and_float16():
    z = np.random.default_rng(9).normal(0, 3, (50, 8000)).astype(np.float16)
    where = z > -2
    expected = softmax(z.astype(np.float32), where=where).astype(np.float16)
    assert softmax(z, where=where, out=z) is z
    np.testing.assert_array_equal(z, expected)


@pytest.mark.parametrize("function", OVER_AXIS)
def test_a_mask_that_does_not_fit_is_an_error(function):
    with pytest.raises(TypeError, match="where has dtype int64: it must be boolean"):
        function(np.zeros((2, 3)), where=np.array([1, 0, 1]))
    with pytest.raises(ValueError, match=r"where has shape \(2,\): it must broadcast to z's shape \(2, 3\)"):
        function(np.zeros((2, 3)), where=[True, False])


# Infinities and nan


def test_minus_infinity_is_probability_zero():
    z = [0.0, -np.inf, 0.0]
    assert softmax(z).tolist() == [0.5, 0.0, 0.5]
    assert log_softmax(z)[1] == -np.inf
    assert logsumexp(z) == logsumexp([0.0, 0.0])


@BOTH
def test_plus_infinities_share_the_mass(dtype):
    z = np.array([[np.inf, 5.0, np.inf, -np.inf], [0.0, np.inf, 1e30, 2.0]], dtype)
    assert softmax(z).tolist() == [[0.5, 0.0, 0.5, 0.0], [0.0, 1.0, 0.0, 0.0]]
    np.testing.assert_allclose(log_softmax(z)[0], [-np.log(2), -np.inf, -np.log(2), -np.inf], rtol=1e-6)
    assert log_softmax(z)[1].tolist() == [-np.inf, 0.0, -np.inf, -np.inf]
    assert logsumexp(z).tolist() == [np.inf, np.inf]


def test_a_row_of_minus_infinities_has_no_distribution():
    z = np.array([[-np.inf, -np.inf], [0.0, 0.0]])
    for function in LIKE_Z:
        assert np.isnan(function(z)).tolist() == [[True, True], [False, False]]
    np.testing.assert_allclose(logsumexp(z), [-np.inf, np.log(2)])


@pytest.mark.parametrize("function", OVER_AXIS)
@pytest.mark.parametrize("classes", [3, 100, 200_000])
def test_nan_stays_within_its_own_row(function, classes):
    z = np.random.default_rng(10).normal(0, 2, (5, classes))
    clean = function(z)
    z[1, 2] = np.nan
    z[3, 0], z[3, 1] = np.nan, np.inf
    result = function(z)
    assert np.isnan(result[[1, 3]]).all()
    np.testing.assert_allclose(result[[0, 2, 4]], clean[[0, 2, 4]], rtol=1e-14)


def test_the_largest_floats_do_no_harm():
    for dtype in (np.float32, np.float64):
        big = np.finfo(dtype).max
        assert softmax(np.array([big, -big], dtype)).tolist() == [1.0, 0.0]
        assert softmax(np.array([big, big], dtype)).tolist() == [0.5, 0.5]
        assert logsumexp(np.array([big, -big], dtype)) == big
        assert log_softmax(np.array([big, 0.0], dtype)).tolist() == [0.0, -big]


def test_the_logistic_function_reaches_its_limits():
    assert logistic([-np.inf, np.inf, -1e4, 1e4]).tolist() == [0.0, 1.0, 0.0, 1.0]
    assert np.isnan(logistic(np.nan))


def test_the_jacobian_at_infinity_is_zero_where_the_output_is_certain():
    assert not softmax_jacobian([np.inf, 0.0]).any()
    assert not softmax_jacobian([0.0, -np.inf]).any()


# Empty arrays and single numbers


@pytest.mark.parametrize("function", LIKE_Z)
@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (0, 0), (2, 0, 3)])
def test_nothing_gives_nothing(function, shape):
    assert function(np.zeros(shape, np.float32)).shape == shape
    assert function(np.zeros(shape, np.float32), axis=None).dtype == np.float32
    out = np.zeros(shape)
    assert function(np.zeros(shape), out=out) is out


def test_the_sum_over_nothing_has_the_logarithm_minus_infinity():
    assert logsumexp([]) == -np.inf
    assert logsumexp(np.zeros((3, 0))).tolist() == [-np.inf] * 3
    assert logsumexp(np.zeros((0, 3))).shape == (0,)
    assert logsumexp(np.zeros((0, 3)), axis=0).tolist() == [-np.inf] * 3
    assert logsumexp(np.zeros((0, 3)), axis=None) == -np.inf


def test_the_derivatives_of_nothing_are_empty():
    assert softmax_jacobian(np.zeros((2, 0))).shape == (2, 0, 0)
    assert softmax_jacobian(np.zeros((0, 2))).shape == (0, 2, 2)
    assert softmax_jvp(np.zeros((2, 0)), np.zeros((2, 0))).shape == (2, 0)
    assert softmax_jvp(np.zeros((0, 2)), np.zeros((0, 2))).shape == (0, 2)


def test_a_result_without_axes_is_a_scalar():
    assert type(logsumexp([1.0, 2.0])) is np.float64
    assert type(logsumexp(np.ones(2, np.float32))) is np.float32
    assert type(softmax(3.0, axis=None)) is np.float64
    assert softmax(np.float32(3.0), axis=()) == 1.0
    assert type(logistic(0.0)) is np.float64


# Errors


@pytest.mark.parametrize("function", OVER_AXIS)
def test_a_wrong_axis_is_an_error(function):
    z = np.zeros((2, 3))
    for axis in (2, -3, (0, 5)):
        with pytest.raises(ValueError, match=r"axis -?\d is out of range: z has 2 dimensions"):
            function(z, axis=axis)
    for axis in ((0, 0), (1, -1)):
        with pytest.raises(ValueError, match="names an axis of z twice"):
            function(z, axis=axis)
    for axis in (1.0, -1.0, "0", (0, 1.0), [0, 1], True, np.array([0]), np.array([0, 1]), (np.array([0]),)):
        with pytest.raises(TypeError, match="it must be an int, a tuple of ints or None"):
            function(z, axis=axis)
    with pytest.raises(ValueError, match="axis -1 is out of range: z has 0 dimensions"):
        function(0.0)


def test_errors_name_the_way_out_for_arrays_from_elsewhere():
    lazy = pytest.importorskip("dask.array").ones((2, 3))
    for function in OVER_AXIS:
        with pytest.raises(TypeError, match="^z is a Dask array: smlib.sharded has functions for it"):
            function(lazy)
        with pytest.raises(TypeError, match=r"^z has dtype .*: it must hold .*: z.astype\(np.float64\) does$"):
            function(np.zeros((2, 3), np.longdouble))
        with pytest.raises(TypeError, match=r"^where has dtype int64: it must be boolean, as where.astype\(bool\) is$"):
            function(np.zeros((2, 3)), where=np.ones((2, 3), np.int64))


def test_derivatives_need_a_class_axis_and_a_direction_of_the_same_shape():
    with pytest.raises(ValueError, match="z is a single number: it needs a last axis"):
        softmax_jacobian(1.0)
    with pytest.raises(ValueError, match="z is a single number: it needs a last axis"):
        softmax_jvp(1.0, 1.0)
    with pytest.raises(ValueError, match=r"v has shape \(3,\): it must have the shape of z, \(2, 3\)"):
        softmax_jvp(np.zeros((2, 3)), np.zeros(3))
    with pytest.raises(TypeError, match=r"^axis = \(0, 1\) is not the axis of the classes: it must be an int$"):
        softmax_jvp(np.zeros((2, 3)), np.zeros((2, 3)), axis=(0, 1))
    with pytest.raises(ValueError, match=r"^where has shape \(2,\): it must broadcast to z's shape \(2, 3\)$"):
        softmax_jvp(np.zeros((2, 3)), np.zeros((2, 3)), where=np.ones(2, bool))
    for name, z, v in (("z", np.zeros(3) * 1j, np.zeros(3)), ("v", np.zeros(3), np.zeros(3) * 1j)):
        with pytest.raises(TypeError, match=f"^{name} has dtype complex128: it must hold real numbers"):
            softmax_jvp(z, v)


# Memory, settings and threads


@pytest.mark.parametrize("function", OVER_AXIS)
@BOTH
def test_rows_of_any_offset_may_stand_in_one_block(function, dtype):
    rng = np.random.default_rng(13)
    offsets = rng.choice([0, -3, 50, 1000, -1000, 1e5, -1e5], (300, 1))
    z = (rng.normal(0, 3, (300, 400)) + offsets).astype(dtype)
    z[7, 3], z[8, 3], z[9, 3], z[10] = np.inf, -np.inf, np.nan, -np.inf
    expected = np.stack([function(row) for row in z])
    few_units = 16 * np.finfo(dtype).eps
    np.testing.assert_allclose(function(z), expected, rtol=few_units)
    if function in LIKE_Z:
        assert function(z, out=z) is z
        np.testing.assert_allclose(z, expected, rtol=few_units)


@pytest.mark.parametrize("function", OVER_AXIS)
@BOTH
def test_rows_shifted_a_few_at_a_time_may_be_overwritten(function, dtype, monkeypatch):
    monkeypatch.setattr(_sizes, "PIECE", 3 * 90 * np.dtype(dtype).itemsize)
    z = np.random.default_rng(23).normal(1000, 3, (50, 90)).astype(dtype)
    expected = scipy(function, z)
    for out in ({}, {"out": z}) if function in LIKE_Z else ({},):
        np.testing.assert_allclose(function(z, **out), expected, rtol=1e-4 if dtype == np.float32 else 1e-12)


def test_the_settings_of_numpy_stay_as_they_were():
    before = np.geterr(), np.getbufsize()
    with np.errstate(all="raise"):
        arrays = [np.ones((2, 3)), np.full((50, 1000), 1000.0), np.array([np.inf, np.nan])]
        arrays += [np.array([[500.0, -500.0]] * 2), np.array([60.0, -60.0], np.float32)]
        for z in arrays:
            for function in (*OVER_AXIS, logistic):
                function(z)
    assert (np.geterr(), np.getbufsize()) == before


@pytest.mark.parametrize("classes", [255, 256, 8191, 8192])
def test_the_buffer_of_numpy_is_small_for_rows_that_it_makes_faster(classes):
    usual = np.getbufsize()
    with _sums.SmallUfuncBuffer(classes):
        assert np.getbufsize() == (16 if 256 <= classes < 8192 else usual)
    assert np.getbufsize() == usual


LARGE = [(600, 500), (100, 10_000), (4, 250_000), (100_000, 10)]


@in_pairs("shape, function, offset, dtype", LARGE, LIKE_Z, [0.0, 1000.0], DTYPES)
def test_with_out_little_memory_is_taken(function, shape, offset, dtype):
    z = np.random.default_rng(11).normal(offset, 1, shape).astype(dtype)
    out = np.empty_like(z)
    for target in (out, z):
        tracemalloc.start()
        function(z, out=target)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak <= 2**20


def test_threads_do_not_disturb_one_another():
    rng = np.random.default_rng(12)
    arrays = [rng.normal(offset, 3, (200, 900)) for offset in (0, 0, 1000, 1000, 0, -1000, 30, 0)]
    expected = [softmax(z) for z in arrays]
    results = [[] for _ in arrays]

    def work(i):
        for _ in range(10):
            results[i].append(softmax(arrays[i]))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(arrays))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for many, one in zip(results, expected):
        assert len(many) == 10
        for result in many:
            np.testing.assert_array_equal(result, one)


def test_every_public_name_is_exported_by_the_package():
    for module in (smlib.outputs, smlib.costs, smlib.gradcheck):
        for name in module.__all__:
            assert getattr(smlib, name) is getattr(module, name)
            assert name in smlib.__all__


@BOTH
@pytest.mark.parametrize("shape", [(1, 2), (1, 20), (1, 63), (1, 100), (3, 20), (2, 2000)])
def test_exponentials_that_are_finite_may_have_sums_that_are_not(shape, dtype):
    largest = dtype(0.9999) * np.log(np.finfo(dtype).max)
    z = np.full(shape, largest, dtype)
    with np.errstate(all="raise"):
        log_y, y, lse = smlib.log_softmax(z), smlib.softmax(z), smlib.logsumexp(z)
    rtol = 16 * np.finfo(dtype).eps
    np.testing.assert_allclose(log_y, -np.log(shape[1]), rtol=rtol)
    np.testing.assert_allclose(y, 1 / shape[1], rtol=rtol)
    np.testing.assert_allclose(lse, np.float64(largest) + np.log(shape[1]), rtol=rtol)


@BOTH
def test_the_limits_of_the_unshifted_way_are_where_digits_are_lost(dtype):
    limits, tiny = _exponentials.Limits(np.dtype(dtype)), np.finfo(dtype).tiny
    assert limits.tiny == tiny
    assert tiny <= 1 / (limits.largest_sum * _exponentials.CASES) <= 8 * tiny
    assert tiny <= np.exp(dtype(limits.smallest_logit)) <= 8 * tiny
    # The outputs of as many logits as a small array may have, as far apart as is safe.
    least, most = np.exp(np.array([-1, 1], dtype) * dtype(limits.safe_logit))
    assert least / (_sizes.SMALL * most) >= tiny
    assert limits.safe_logit >= 0.3 * np.log(np.finfo(dtype).max)


# The short ways, which are there for their speed alone


@in_pairs("shape, function, dtype", [(2,), (1, 10), (1, 64), (128, 10), (4, 1024), (2, 3, 4)], OVER_AXIS, DTYPES)
def test_a_small_array_takes_the_short_way(function, shape, dtype, monkeypatch):
    monkeypatch.setattr(_kernels, function.__name__, None)
    z = np.random.default_rng(14).normal(0, 3, shape).astype(dtype)
    for options in ({}, {"axis": -1}, *([{"out": np.empty_like(z)}, {"out": z}] if function in LIKE_Z else [])):
        expected = scipy(function, z)
        np.testing.assert_allclose(function(z, **options), expected, rtol=1e-5 if dtype == np.float32 else 1e-13)


@in_pairs("shape, function, dtype", [(5000,), (128, 1000), (1, 2**17), (2048, 10), (4, 5, 250)], OVER_AXIS, DTYPES)
def test_an_array_of_one_block_is_not_cut_into_blocks(function, shape, dtype, monkeypatch):
    monkeypatch.setattr(smlib.outputs, "blocks", None)
    z = np.random.default_rng(15).normal(0, 3, shape).astype(dtype)
    for options in ({}, {"out": np.empty_like(z)}) if function in LIKE_Z else ({},):
        expected = scipy(function, z)
        np.testing.assert_allclose(function(z, **options), expected, rtol=1e-5 if dtype == np.float32 else 1e-12)


@in_pairs("shape, function, dtype", [(600, 500), (2, 3, 50_000), (200_000,)], OVER_AXIS, DTYPES)
def test_blocks_of_a_plain_array_are_worked_on_where_they_lie(function, shape, dtype, monkeypatch):
    monkeypatch.setattr(_blocks, "_gather", None)
    z = np.random.default_rng(16).normal(0, 3, shape).astype(dtype)
    expected, rtol = scipy(function, z), 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(function(z), expected, rtol=rtol)
    np.testing.assert_allclose(function(z, axis=(len(shape) - 1,)), expected, rtol=rtol)
    if function in LIKE_Z:
        np.testing.assert_allclose(function(z, out=z), expected, rtol=rtol)


@in_pairs("shape, offset, dtype", [(128, 1000), (600, 500), (2, 200_000)], [-4.0, 0.0, 20.0], DTYPES)
def test_ordinary_logits_need_no_shift(shape, offset, dtype, monkeypatch):
    monkeypatch.setattr(_kernels, "Shifted", None)
    z = np.random.default_rng(20).normal(offset, 2, shape).astype(dtype)
    for function in OVER_AXIS:
        rtol = 1e-5 if dtype == np.float32 else 1e-12
        np.testing.assert_allclose(function(z), scipy(function, z), rtol=rtol)
    smlib.cross_entropy_value_and_grad(z, np.zeros(shape[0], int))
