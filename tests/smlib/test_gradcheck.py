"""smlib.check_gradient: right gradients pass, and wrong ones do not."""

import numpy as np
import pytest
from scipy import special

from smlib import check_gradient, cross_entropy, softmax, softmax_jacobian

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))


def cubes(x):
    return (x**3).sum()


METHODS = pytest.mark.parametrize("method", ["central", "complex-step"])


@METHODS
def test_a_right_gradient_has_almost_no_error(method):
    assert check_gradient(cubes, X, 3 * X**2, method=method) < 1e-8


def test_the_complex_step_is_right_to_the_last_digits():
    assert check_gradient(cubes, X, 3 * X**2, method="complex-step") < 1e-15


@METHODS
def test_a_right_jacobian_has_almost_no_error(method):
    z = X[0]
    assert check_gradient(special.softmax, z, softmax_jacobian(z), method=method) < 1e-8


@METHODS
def test_the_shape_of_a_jacobian_is_that_of_f_then_that_of_x(method):
    def f(x):
        return np.stack([x.sum(axis=0), 2 * x.sum(axis=0)])

    gradient = np.zeros((2, 4, 3, 4))
    for i, factor in enumerate((1, 2)):
        for j in range(4):
            gradient[i, j, :, j] = factor
    assert check_gradient(f, X, gradient, method=method) < 1e-8


@METHODS
@pytest.mark.parametrize("scale", [1.001, 0.999, -1.0, 2.0, 1.0 / 3])
def test_a_scaled_gradient_is_caught(method, scale):
    expected = abs(scale - 1) / max(scale, 1)
    assert check_gradient(cubes, X, scale * 3 * X**2, method=method) == pytest.approx(expected, rel=1e-3)


@METHODS
def test_a_jacobian_that_is_only_its_diagonal_is_caught(method):
    z = X[0]
    diagonal = np.diag(np.diag(softmax_jacobian(z)))
    assert check_gradient(special.softmax, z, diagonal, method=method) > 0.1


@METHODS
def test_one_wrong_entry_is_caught(method):
    gradient = 3 * X**2
    gradient[1, 2] += 0.01 * gradient.max()
    assert check_gradient(cubes, X, gradient, method=method) > 0.009


def test_a_transposed_gradient_is_caught():
    square = RNG.normal(size=(3, 3))
    assert check_gradient(cubes, square, (3 * square**2).T) > 0.1


@METHODS
def test_the_point_is_not_written_to(method):
    def greedy(x):
        total = (x**2).sum()
        x[...] = 0
        return total

    x = X.copy()
    x.flags.writeable = False
    assert check_gradient(greedy, x, 2 * x, method=method) < 1e-8
    np.testing.assert_array_equal(x, X)


def test_float32_takes_a_larger_step():
    x = X.astype(np.float32)
    assert check_gradient(cubes, x, 3 * x**2) < 1e-3


def test_the_step_grows_with_the_entry():
    x = np.array([1e8, 1e-8, 1.0])
    assert check_gradient(lambda x: x**2, x, np.diag(2 * x)) < 1e-8


def test_the_step_may_be_chosen():
    coarse = check_gradient(cubes, X, 3 * X**2, step=1e-1)
    fine = check_gradient(cubes, X, 3 * X**2, step=1e-5)
    assert coarse == pytest.approx(1e-2 / ((3 * X**2).max() + 1e-2), rel=1e-6)
    assert fine < 1e-9


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("entry", [-0.25, 1.0, 1.5, -64.0])
def test_the_default_step_is_the_documented_one(entry, dtype):
    seen = []

    def f(x):
        seen.append(float(x[0]))
        return (x**2).sum()

    x = np.array([entry], dtype)
    check_gradient(f, x, 2 * x)
    h = np.finfo(dtype).eps ** (1 / 3) * max(1, abs(entry))
    assert np.ptp(seen) == pytest.approx(2 * h, rel=1e-3)
    assert sum(seen) == pytest.approx(3 * entry, rel=1e-6)


def test_the_step_of_the_complex_step_may_be_chosen_too():
    # Im (x + ih)³ / h = 3x² − h²
    error = check_gradient(cubes, np.ones(1), np.full(1, 3.0), method="complex-step", step=0.5)
    assert error == pytest.approx(0.25 / 3, rel=1e-12)


def test_a_scalar_point_will_do():
    assert check_gradient(np.exp, 1.0, np.e) < 1e-9
    assert check_gradient(np.exp, 1.0, np.e, method="complex-step") < 1e-15


def test_where_everything_is_flat_zero_agrees_with_zero():
    assert check_gradient(lambda x: 3.0, X, np.zeros_like(X)) == 0.0
    assert check_gradient(lambda x: 3.0, X, np.full_like(X, 1e-30)) == 1.0


@METHODS
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_never_look_like_agreement(method, bad):
    gradient = 3 * X**2
    gradient[0, 0] = bad
    assert check_gradient(cubes, X, gradient, method=method) == np.inf
    assert check_gradient(lambda x: x.sum() * bad, X, np.ones_like(X), method="central") == np.inf
    assert check_gradient(lambda x: 0 * x.sum() + bad, X, np.zeros_like(X)) == np.inf


def test_an_infinite_slope_agrees_with_nothing_not_even_itself():
    def wall(x):
        return np.where(x > 1, np.inf, 0.0).sum()

    assert check_gradient(wall, np.ones(1), np.full(1, np.inf)) == np.inf


# The error of each entry


@METHODS
def test_entrywise_sees_an_error_in_a_small_entry_that_hides_behind_a_large_one(method):
    x = np.array([[0.01, -1.0], [2.0, 20.0]])
    gradient = 3 * x**2
    gradient[0, 0] *= 2
    assert check_gradient(cubes, x, gradient, method=method) < 1e-6
    error = check_gradient(cubes, x, gradient, method=method, entrywise=True)
    noise = 1e-2 if method == "central" else 1e-12
    np.testing.assert_allclose(error, [[0.5, 0], [0, 0]], rtol=noise, atol=noise / 1000)


@METHODS
def test_entrywise_measures_each_entry_of_a_jacobian_against_itself(method):
    z = X[0]
    factor = np.linspace(0.25, 4, 16).reshape(4, 4)
    factor[1, 2] = -1
    error = check_gradient(special.softmax, z, factor * softmax_jacobian(z), method=method, entrywise=True)
    expected = np.abs(factor - 1) / np.maximum(np.abs(factor), 1)
    np.testing.assert_allclose(error, expected, rtol=1e-6, atol=1e-8)
    assert expected[1, 2] == 2


def test_central_differences_of_entries_far_smaller_than_f_are_noise():
    x = np.array([1e-7, 10.0])
    central, by_complex_step = (
        check_gradient(cubes, x, 3 * x**2, method=method, entrywise=True) for method in ("central", "complex-step")
    )
    assert central[0] > 0.1 and central[1] < 1e-8
    assert by_complex_step.max() < 1e-15
    assert check_gradient(cubes, x, 3 * x**2) < 1e-8


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_entrywise_only_the_entries_with_nothing_to_compare_are_infinite(bad):
    def f(x):
        return np.array([x[0] ** 2, bad, 0.0])

    gradient = np.array([[2.0, bad], [1.0, 0.0], [0.0, 1e-300]])
    error = check_gradient(f, np.ones(2), gradient, entrywise=True)
    np.testing.assert_allclose(error, [[0, np.inf], [np.inf, np.inf], [0, 1]], atol=1e-9)
    assert error[2].tolist() == [0, 1], "0 agrees with 0, and with no other number"


@pytest.mark.parametrize("entrywise", [False, True])
def test_a_difference_that_overflows_is_infinite(entrywise):
    big = np.full(1, 1e308)
    assert check_gradient(lambda x: -1e308 * x, np.ones(1), big[None], step=0.5, entrywise=entrywise) == np.inf


def test_entrywise_gives_one_number_for_a_scalar_point():
    error = check_gradient(np.exp, 0.0, 2.0, method="complex-step", entrywise=True)
    assert isinstance(error, np.float64) and error == 0.5
    assert type(check_gradient(np.exp, 0.0, 2.0)) is float


def test_where_all_entries_are_as_large_both_errors_are_the_same():
    x = np.array([1.0, -1.0, 1.0])
    gradient = np.array([3.0, 2.0, 3.0])
    error = check_gradient(cubes, x, gradient, entrywise=True)
    assert check_gradient(cubes, x, gradient) == pytest.approx(1 / 3)
    np.testing.assert_allclose(error, [0, 1 / 3, 0], atol=1e-9)


def test_functions_of_smlib_do_not_take_the_complex_step():
    with pytest.raises(TypeError, match="z has dtype complex128: it must hold real numbers"):
        check_gradient(softmax, X[0], softmax_jacobian(X[0]), method="complex-step")
    with pytest.raises(TypeError, match="z has dtype complex128: it must hold real numbers"):
        check_gradient(lambda z: cross_entropy(z, 0), X[0], X[0], method="complex-step")


def test_a_function_that_drops_the_imaginary_part_is_an_error():
    with pytest.raises(TypeError, match="f returned float64 for a complex x"):
        check_gradient(lambda x: np.abs(x).sum(), X, np.sign(X), method="complex-step")


@pytest.mark.parametrize("x", [[1, 2], np.array([1j])], ids=["integers", "complex"])
def test_a_point_that_does_not_hold_floats_is_an_error(x):
    with pytest.raises(TypeError, match=r"^x has dtype .*: it must hold floats, to be moved by a small step$"):
        check_gradient(lambda x: 0.0, x, np.zeros(np.shape(x)))


def test_shapes_that_do_not_match_are_an_error():
    message = r"gradient has shape \(4, 3\): with f\(x\) of shape \(\) and x of shape \(3, 4\)"
    with pytest.raises(ValueError, match=message):
        check_gradient(cubes, X, (3 * X**2).T)
    with pytest.raises(ValueError, match=r"it must have shape \(4, 4\)"):
        check_gradient(softmax, X[0], X[0])
    with pytest.raises(ValueError, match=r"gradient has shape \(\)"):
        check_gradient(cubes, X, 0.0)


def test_values_that_are_not_real_are_an_error():
    with pytest.raises(TypeError, match="gradient has dtype complex128: it must hold real numbers"):
        check_gradient(cubes, X, X * 1j)
    with pytest.raises(TypeError, match=r"f\(x\) has dtype complex128: it must hold real numbers"):
        check_gradient(lambda x: x.sum() * 1j, X, X)
    with pytest.raises(TypeError, match=r"f\(x\) has dtype object: it must hold real numbers"):
        check_gradient(lambda x: None, X, X)
    for side in (-1, 1):
        with pytest.raises(TypeError, match=r"^f\(x\) has dtype complex128: it must hold real numbers$"):
            check_gradient(lambda x: x.sum() * (1j if side * x[0] > 0 else 1), np.zeros(1), np.ones(1))


def test_arrays_without_entries_are_an_error():
    with pytest.raises(ValueError, match=r"x has shape \(0,\): it must have at least one entry"):
        check_gradient(cubes, np.zeros(0), np.zeros(0))
    with pytest.raises(ValueError, match=r"f\(x\) has shape \(0,\): it must have at least one entry"):
        check_gradient(lambda x: np.zeros(0), X, np.zeros((0, 3, 4)))


def test_an_unknown_method_is_an_error():
    with pytest.raises(ValueError, match="method = 'forward' is unknown: it must be 'central' or 'complex-step'"):
        check_gradient(cubes, X, X, method="forward")
    with pytest.raises(ValueError, match="method = array.* is unknown"):
        check_gradient(cubes, X, X, method=np.array(["central", "central"]))


@pytest.mark.parametrize("step", [0, -1e-3, np.inf, np.nan])
def test_a_step_that_is_not_positive_is_an_error(step):
    with pytest.raises(ValueError, match="step = .*: it must be a positive, finite number"):
        check_gradient(cubes, X, X, step=step)


@pytest.mark.parametrize("step", ["1e-5", True, [1e-5, 1e-5]], ids=repr)
def test_a_step_that_is_not_a_number_is_an_error(step):
    with pytest.raises(TypeError, match="step = .* is not a number: it must be a positive, finite number"):
        check_gradient(cubes, X, X, step=step)


def test_a_step_lost_in_rounding_is_an_error():
    with pytest.raises(ValueError, match=r"step = 1e-20 is lost to rounding at x\[0\] = 1.0: it must be larger"):
        check_gradient(cubes, np.array([1.0]), np.array([3.0]), step=1e-20)
    with pytest.raises(ValueError, match=r"is lost to rounding at x\[0, 0\] = "):
        check_gradient(cubes, X, 3 * X**2, step=1e-20)


@pytest.mark.parametrize(
    "bad, message",
    [
        (np.ma.masked_array(X, X > 0), "is a masked array"),
        ([[1.0], [1.0, 2.0]], "is not an array"),
    ],
    ids=["masked", "ragged"],
)
def test_masked_and_ragged_arrays_are_an_error_that_names_them(bad, message):
    for name, x, gradient in (("x", bad, X), ("gradient", X, bad)):
        with pytest.raises((TypeError, ValueError), match=f"^{name} {message}"):
            check_gradient(cubes, x, gradient)


@pytest.mark.parametrize("x", [np.inf, -np.inf, np.nan, np.finfo(float).max])
def test_a_point_without_neighbors_leaves_nothing_to_compare(x):
    assert check_gradient(lambda x: np.float64(0.0), np.array([x]), np.ones(1)) in (1.0, np.inf)
