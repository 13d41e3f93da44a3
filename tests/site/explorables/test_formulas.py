"""The formulas of explore.js, called directly, return what smlib computes; its numbers and axes are right."""

import itertools

import numpy as np
import pytest

import smlib
from tests.site.explorables.explorable import NAMES, printed, to_nine_digits

# Rows of logits: ties, certain answers right and wrong, and logits whose exponentials overflow.
LOGITS = [
    [0.0, 0.0],
    [-20.7, 0.0],
    [9.2, 0.0],
    [2.0, 1.0, 0.0, -1.0],
    [-4.0, 4.0, 0.0],
    [6.0, -6.0, 5.9],
    [3.05, 3.0, -17.0],
    [35.0, 0.0, -0.1, -35.0, 34.0],
    [1000.0, 990.0, 1003.5],
    [-1000.0, -1010.0, -1000.0],
]
UNITS = [-700, -40, -20.7, -4.6, -1, -0.1, 0, 0.1, 1.5, 8, 40, 700]
SIZES = [0, 1e-300, 1.0005e-9, 9.996e-5, 1e-4, 0.5, 0.99999, 1, 9.9996, 99999.6, 1e6, 1.0005e6, 3e300, np.inf]
TEXTS = {
    (0.00123456, 4): "0.001235",
    (-0.00012345, 4): "−1.234·10⁻⁴",
    (0.99996, 4): "1.000",
    (1234.56, 2): "1,235",
    (-1e-9, 4): "−10⁻⁹",
    (1.0000001e-9, 4): "1.000·10⁻⁹",
    (1e21, 3): "10²¹",
    (-np.inf, 4): "−∞",
    (np.nan, 4): "–",
}


def targets(K):
    """Return each right answer of K, a soft target, and one without a certain loser."""
    soft = np.arange(1.0, K + 1) * (np.arange(K) > 0)
    return [*np.eye(K), soft / soft.sum(), np.full(K, 1 / K)]


CASES = [(z, t.tolist()) for z in LOGITS for t in targets(len(z))]
FORMULAS = {
    "softmax": smlib.softmax,
    "jacobian": smlib.softmax_jacobian,
    "crossEntropy": smlib.cross_entropy,
    "crossEntropyGradient": lambda z, t: smlib.cross_entropy_value_and_grad(z, t)[1],
    "squaredError": lambda z, t: smlib.squared_error_value_and_grad(z, t, output="softmax")[0],
    "squaredErrorGradient": lambda z, t: smlib.squared_error_value_and_grad(z, t, output="softmax")[1],
}
TAKES_LOGITS_ALONE = {"softmax", "jacobian"}


def top_k(z, k):
    """Return which logits are among the k largest."""
    return z >= np.sort(z)[-k]


def top_p(z, p):
    """Return which classes are in the smallest set of the most probable with at least p."""
    y, order = smlib.softmax(z), np.argsort(-z)
    keep = np.empty(len(z), bool)
    keep[order] = np.cumsum(y[order]) - y[order] < p
    return keep


def min_p(z, p):
    """Return which classes have at least p times the largest probability."""
    y = smlib.softmax(z)
    return y >= p * y.max()


# Rows without ties, and the rules that cut them: by rank, by their sum and by the largest.
ROWS = [
    [2.0, 1.0, 0.0, -1.0],
    [4.0, 3.1, 2.6, 2.0, 1.5, 1.0, 0.5, 0.0],
    [-3.0, 0.2, 5.1, 0.0, 4.9],
    [1000.0, 990.0, 1003.5],
]
CUTS = [("topK", top_k, k) for k in (1, 2, 3)]
CUTS += [("topP", top_p, p) for p in (0.05, 0.5, 0.9, 0.999)]
CUTS += [("minP", min_p, p) for p in (0, 0.01, 0.15, 0.99)]
DIRECTIONS = [
    ([2.0, 1.0, 0.0, -1.0], [1.0, 3.0, 2.0, 5.0]),
    ([2.0, 1.0, 0.0, -1.0], [11.0, 13.0, 12.0, 15.0]),
    ([35.0, 0.0, -0.1, -35.0], [0.5, -7.0, 300.0, 2.0]),
    ([1000.0, 990.0, 1003.5], [2.0, 0.0, 1.0]),
]


def calls():
    """List every call, as (name, arguments), and what it should return."""
    for (name, formula), (z, t) in itertools.product(FORMULAS.items(), CASES):
        arguments = (z,) if name in TAKES_LOGITS_ALONE else (z, t)
        yield (name, *arguments), formula(*arguments)
    for z in LOGITS:
        for i in range(len(z)):
            yield ("labelCost", z, i), smlib.cross_entropy(z, i)
    for z in UNITS:
        yield ("logistic", z), smlib.logistic(z)
        for t in (0, 0.25, 1):
            yield ("unit", z, t), unit(z, t)
    for z, v in DIRECTIONS:
        yield ("softmaxProduct", z, v), smlib.softmax_jvp(z, v)
    for z, (name, keep, limit) in itertools.product(ROWS, CUTS):
        kept = keep(np.array(z), limit)
        yield (name, z, limit), kept
        yield ("softmax", z, kept.tolist()), smlib.softmax(z, where=kept)
    yield ("sum", [0.1, 0.2, 0.7]), 1.0


def unit(z, t):
    """Return what smlib computes for a logistic unit with logit z and target t."""
    crossed = smlib.logistic_cross_entropy_value_and_grad([z], [t])
    squared = smlib.squared_error_value_and_grad([z], [t], output="logistic")
    return {
        "y": smlib.logistic(z),
        "rest": smlib.logistic(-z),
        "crossEntropy": crossed[0],
        "crossEntropySlope": crossed[1][0],
        "squaredError": squared[0],
        "squaredErrorSlope": squared[1][0],
    }


@pytest.fixture
def page(opened):
    """A page with explore.js."""
    return opened(NAMES[0]).page


def test_formulas_return_what_smlib_does(page):
    asked, expected = zip(*calls())
    found = page.evaluate("calls => calls.map(([name, ...given]) => explore[name](...given))", list(asked))
    off = [(call, got, value) for call, got, value in zip(asked, found, expected) if got != to_nine_digits(value)]
    assert off == []


def numbers(page, calls):
    """Return what explore.number makes of each (x, digits)."""
    return page.evaluate("calls => calls.map(([x, digits]) => explore.number(x, digits))", list(map(list, calls)))


def test_numbers_are_printed_rounded(page):
    asked = list(itertools.product([*SIZES, *(-size for size in SIZES)], (1, 3, 4)))
    for (x, _), text in zip(asked, numbers(page, asked)):
        found, half_a_digit = printed(text)
        assert found == x or abs(found - x) <= 1.0001 * half_a_digit, text


def test_a_power_of_ten_stands_alone_only_if_it_is_exact(page):
    assert numbers(page, TEXTS) == list(TEXTS.values())


def test_axes_are_linear_or_logarithmic(page):
    found = page.evaluate("""() => {
      const plain = explore.scale({from: -25, to: 8}, 40, 370);
      const log = explore.scale({from: 1e-11, to: 1e10, log: true}, 300, 6);
      return [plain(-25), plain(8), plain(-8.5), log(1e-11), log(1e10), log(1e-4)];
    }""")
    assert found == to_nine_digits([40, 370, 205, 300, 6, 202])
