"""smlib.symbolic: expressions against the functions of arrays, and the general K against each fixed K."""

import itertools

import numpy as np
import pytest
import sympy as sp

import smlib
from smlib import symbolic

SIZES = [1, 2, 3, 5]


def random_point(n, seed=0):
    """Return logits and a target distribution of n classes."""
    rng = np.random.default_rng(1000 * n + seed)
    return rng.normal(scale=2, size=n), rng.dirichlet(np.ones(n))


def evaluate(expression, z, t=None):
    """Return the value of a fixed-K expression where the logits are z and the targets t."""
    n = len(z)
    t = np.zeros(n) if t is None else t
    symbols = [*symbolic.logits(n), *symbolic.targets(n)]
    value = sp.lambdify(symbols, expression, "numpy")(*z, *t)
    return np.asarray(value, dtype=float)


def test_logits_and_targets_are_real():
    assert all(symbol.is_real for symbol in [*symbolic.logits(3), *symbolic.targets(3)])


@pytest.mark.parametrize("n", SIZES)
def test_softmax_is_the_arrays_softmax(n):
    z, _ = random_point(n)
    y = evaluate(symbolic.softmax(symbolic.logits(n)), z)
    np.testing.assert_allclose(y[:, 0], smlib.softmax(z), rtol=1e-13)


@pytest.mark.parametrize("n", SIZES)
def test_jacobian_is_the_arrays_jacobian(n):
    z, _ = random_point(n)
    J = evaluate(symbolic.softmax_jacobian(symbolic.logits(n)), z)
    np.testing.assert_allclose(J, smlib.softmax_jacobian(z), rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("n", SIZES)
def test_jacobian_times_a_vector_is_the_arrays_jvp(n):
    z, _ = random_point(n)
    v = np.random.default_rng(n).normal(size=n)
    J = evaluate(symbolic.softmax_jacobian(symbolic.logits(n)), z)
    np.testing.assert_allclose(J @ v, smlib.softmax_jvp(z, v), rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("n", SIZES)
def test_cross_entropy_and_gradient_are_the_arrays(n):
    z, t = random_point(n)
    columns = symbolic.logits(n), symbolic.targets(n)
    value, gradient = smlib.cross_entropy_value_and_grad(z, t)
    C = evaluate(symbolic.cross_entropy(*columns), z, t)
    dC = evaluate(symbolic.cross_entropy_gradient(*columns), z, t)
    np.testing.assert_allclose(C, value, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(dC[:, 0], gradient, rtol=1e-11, atol=1e-14)


def test_gradient_is_the_arrays_when_targets_do_not_sum_to_one():
    z, t = random_point(3)
    gradient = symbolic.cross_entropy_gradient(symbolic.logits(3), symbolic.targets(3))
    expected = smlib.cross_entropy_value_and_grad(z, 2.5 * t)[1]
    np.testing.assert_allclose(evaluate(gradient, z, 2.5 * t)[:, 0], expected, rtol=1e-11)


@pytest.mark.parametrize("n", SIZES)
def test_general_softmax_becomes_the_fixed_one(n):
    fixed = symbolic.softmax(symbolic.logits(n))
    for i in range(1, n + 1):
        general = symbolic.at_size(symbolic.general_softmax(), n, i=i)
        assert sp.simplify(general - fixed[i - 1]) == 0


@pytest.mark.parametrize("n", SIZES[:3])
def test_general_jacobian_becomes_the_fixed_one(n):
    fixed = symbolic.softmax_jacobian(symbolic.logits(n))
    for i, j in np.ndindex(n, n):
        general = symbolic.at_size(symbolic.general_jacobian(), n, i=i + 1, j=j + 1)
        assert sp.simplify(general - fixed[i, j]) == 0


@pytest.mark.parametrize("n", SIZES[:3])
def test_general_cost_and_gradient_become_the_fixed_ones(n):
    columns = symbolic.logits(n), symbolic.targets(n)
    general = symbolic.at_size(symbolic.general_cross_entropy(), n)
    assert sp.simplify(general - symbolic.cross_entropy(*columns)) == 0
    fixed = symbolic.cross_entropy_gradient(*columns)
    for j in range(n):
        general = symbolic.at_size(symbolic.general_gradient(), n, j=j + 1)
        assert sp.simplify(general - fixed[j]) == 0


def test_general_jacobian_at_a_larger_size_is_the_arrays_jacobian():
    n = 7
    z, _ = random_point(n)
    general = symbolic.general_jacobian()
    J = [[evaluate(symbolic.at_size(general, n, i=i, j=j), z) for j in range(1, n + 1)] for i in range(1, n + 1)]
    np.testing.assert_allclose(J, smlib.softmax_jacobian(z), rtol=1e-11)


def test_general_jacobian_is_the_closed_form_of_the_book():
    y_i = symbolic.general_softmax()
    y_j = y_i.subs(symbolic.i, symbolic.j)
    delta = sp.KroneckerDelta(symbolic.i, symbolic.j)
    assert sp.simplify(symbolic.general_jacobian() - y_i * (delta - y_j)) == 0


def test_general_jacobian_sums_to_zero_over_the_outputs():
    total = sp.Sum(symbolic.general_jacobian(), (symbolic.i, 1, symbolic.K)).doit()
    total = sp.simplify(sp.refine(total, sp.Q.le(symbolic.j, symbolic.K)))
    assert total != 0 and total.as_dummy() == 0, "the two sums differ in nothing but the name of the index"


# The letters of the sums: the exported ones are free for use

LETTERS = symbolic.i, symbolic.j, symbolic.k
GENERAL = {
    "softmax": symbolic.general_softmax(),
    "jacobian": symbolic.general_jacobian(),
    "cross-entropy": symbolic.general_cross_entropy(),
    "gradient": symbolic.general_gradient(),
}
# Factors with the letters free, and with each of them bound in a sum of one's own
FACTORS = {
    "free": symbolic.z[symbolic.k] * symbolic.t[symbolic.i] + symbolic.z[symbolic.j] ** 2,
    **{f"Σ_{n}": sp.Sum(n * sp.sin(symbolic.t[n]), (n, 1, symbolic.K)) for n in LETTERS},
}


def assert_derivative_is_the_fixed_one(expression, variables, change=lambda e: e):
    """Differentiate for any K, change the result, and write it out; or write out, then differentiate."""
    derivative = change(sp.diff(expression, *variables).doit())
    for classes in [(1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1), (3, 1, 2)]:  # which of i, j and k are equal
        indices, n = dict(zip("ijk", classes)), max(2, *classes)
        columns = {"z": symbolic.logits(n), "t": symbolic.targets(n)}
        chosen = [columns[str(v.base)][indices[str(v.indices[0])] - 1] for v in variables]
        fixed = sp.diff(symbolic.at_size(expression, n, **indices), *chosen)
        result = symbolic.at_size(derivative, n, **indices)
        point = random_point(n, sum(classes))
        assert evaluate(result, *point) == pytest.approx(evaluate(fixed, *point), rel=1e-9, abs=1e-12), indices


@pytest.mark.slow
@pytest.mark.parametrize("letter", LETTERS, ids=str)
@pytest.mark.parametrize("base", [symbolic.z, symbolic.t], ids=str)
@pytest.mark.parametrize("name", GENERAL)
def test_every_letter_may_name_the_variable_of_a_derivative(name, base, letter):
    for change in (lambda e: e, sp.simplify):
        assert_derivative_is_the_fixed_one(GENERAL[name], [base[letter]], change)


@pytest.mark.slow
@pytest.mark.parametrize("letters", list(itertools.combinations_with_replacement(LETTERS, 2)), ids=str)
def test_every_two_letters_may_name_the_variables_of_a_second_derivative(letters):
    for name in ("softmax", "cross-entropy"):
        assert_derivative_is_the_fixed_one(GENERAL[name], [symbolic.z[n] for n in letters])
    assert_derivative_is_the_fixed_one(GENERAL["cross-entropy"], [symbolic.t[letters[0]], symbolic.z[letters[1]]])


@pytest.mark.parametrize("letter", LETTERS, ids=str)
@pytest.mark.parametrize("factor", FACTORS)
def test_every_letter_may_stand_in_a_factor(factor, letter):
    for name in ("softmax", "cross-entropy"):
        assert_derivative_is_the_fixed_one(GENERAL[name] * FACTORS[factor], [symbolic.z[letter]])


def test_derivatives_by_the_letters_of_the_docstrings_where_all_logits_are_zero():
    """Worked out by hand: at K = 2 both outputs are ½, and the target is class 1."""
    i, j, k, z = symbolic.i, symbolic.j, symbolic.k, symbolic.z
    point = dict(zip([*symbolic.logits(2), *symbolic.targets(2)], [0, 0, 1, 0]))
    cost, output = symbolic.general_cross_entropy(), symbolic.general_softmax()
    for n, name in ((i, "i"), (j, "j"), (k, "k")):
        slopes = [symbolic.at_size(sp.diff(cost, z[n]).doit(), 2, **{name: c}) for c in (1, 2)]
        assert [slope.subs(point) for slope in slopes] == [-sp.S.Half, sp.S.Half]
    for n, name in ((j, "j"), (k, "k")):
        slope = symbolic.at_size(sp.diff(output, z[n]), 2, i=1, **{name: 2})
        assert slope.subs(point) == -sp.Rational(1, 4)


def test_no_letter_is_bound():
    for expression in GENERAL.values():
        bound = set().union(*(total.variables for total in expression.atoms(sp.Sum)))
        assert bound and all(isinstance(n, sp.Dummy) for n in bound)


@pytest.mark.parametrize(
    ("outside", "advice"), [(0, ": it must be 1 or more"), (4, " is not one of the classes 1 to 3")]
)
def test_an_index_outside_the_classes_is_an_error(outside, advice):
    with pytest.raises(ValueError, match=f"^j = {outside}{advice}$"):
        symbolic.at_size(symbolic.general_jacobian(), 3, i=1, j=outside)


NO_COUNTS = [(0, ValueError), (-1, ValueError), (2.0, TypeError), ("2", TypeError), (None, TypeError)]


@pytest.mark.parametrize("n, error", NO_COUNTS, ids=repr)
def test_a_number_of_classes_is_a_positive_integer(n, error):
    for function in (symbolic.logits, symbolic.targets, lambda n: symbolic.at_size(symbolic.general_softmax(), n)):
        with pytest.raises(error, match=f"^n = {n!r}: it must be "):
            function(n)


def test_a_name_or_value_that_is_not_an_index_is_an_error():
    general = symbolic.general_softmax()
    with pytest.raises(TypeError, match=r"^i = 1.5: it must be an integer$"):
        symbolic.at_size(general, 2, i=1.5)
    with pytest.raises(ValueError, match="^K is not an index of a general expression: it must be i, j or k$"):
        symbolic.at_size(general, 2, i=1, K=1)


def test_an_argument_that_is_not_a_column_is_an_error():
    z, t = symbolic.logits(2), symbolic.targets(2)
    for column, error in ((None, TypeError), ([1, 2], TypeError), (z.T, ValueError), (z[:0, :], ValueError)):
        for function in (symbolic.softmax, symbolic.softmax_jacobian):
            with pytest.raises(error, match="^z "):
                function(column)
        for function in (symbolic.cross_entropy, symbolic.cross_entropy_gradient):
            with pytest.raises(error, match="^z "):
                function(column, t)
            with pytest.raises(error, match="^t "):
                function(z, column)
    with pytest.raises(TypeError, match="^z is of type list: it must be a column, as a SymPy matrix$"):
        symbolic.softmax([1, 2])
    for longer in (symbolic.targets(1), symbolic.targets(3)):
        with pytest.raises(ValueError, match=f"^t has {len(longer)} entries: it must have 2, as z has$"):
            symbolic.cross_entropy(z, longer)


def test_every_public_name_exists():
    assert all(hasattr(symbolic, name) for name in symbolic.__all__)
