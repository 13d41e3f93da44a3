"""The bits of a row's results depend on its own logits, target, length and dtype alone."""

import functools

import numpy as np
import pytest

from smlib import (
    cross_entropy,
    cross_entropy_value_and_grad,
    log_softmax,
    logistic_cross_entropy_value_and_grad,
    logsumexp,
    softmax,
    softmax_jvp,
    squared_error_value_and_grad,
)

KINDS = ("plain", "mixed", "offset", "gap", "hard", "equal")
OFFSETS = (0, 0, -3, 20, 60, 85, 88, 95, 300, 700, 720, 1000, -20, -80, -95, -300, -700, -740, -1000, 1e5)
HARD = (np.inf, -np.inf, np.nan, 1e300, -1e300, 0)


def costs(z, t):
    return cross_entropy(z, t, reduction="none")


def gradient(z, t, out=None):
    return cross_entropy_value_and_grad(z, t, reduction="sum", out=out)[1]


def logits(rng, rows, classes, kind):
    """Logits of one of the kinds, in float64."""
    z = rng.normal(0, rng.choice([0.1, 1, 3, 10, 40]), (rows, classes))
    offsets = rng.choice(OFFSETS, (rows, 1))
    if kind == "mixed":
        return z + offsets
    if kind == "offset":
        return z + offsets[0]
    if kind == "gap":
        z = rng.normal(0, 1, (rows, classes)) + offsets * (rng.random((rows, 1)) < 0.3)
        z[np.arange(rows), rng.integers(0, classes, rows)] += rng.uniform(0, 60, rows)
    if kind == "hard":
        z += offsets
        for _ in range(max(1, rows // 4)):
            z[rng.integers(rows), rng.integers(classes)] = rng.choice(HARD)
        z[rng.integers(rows)] = -np.inf
    if kind == "equal":
        z = np.repeat(rng.normal(0, 3, (rows, 1)), classes, axis=1)
    return z


class Results:
    """The results for all rows, with which results for some of the rows are compared."""

    def __init__(self, z, t):
        self.z, self.t, self.compared, self.different = z, t, 0, []
        self.whole = self.of(z, t)

    def of(self, z, t):
        """Return all results for some rows, those with one number per row last."""
        return softmax(z), log_softmax(z), gradient(z, t), logsumexp(z), costs(z, t)

    def compare(self, what, results, rows=...):
        """Compare the results for some of the rows, or the first few of these results."""
        for name, a, b in zip(("softmax", "log_softmax", "gradient", "logsumexp", "cost"), results, self.whole):
            if a is not None:
                self.same(f"{name}, {what}", np.asarray(a), b[rows])

    def same(self, what, a, b):
        """Compare two arrays bit by bit; any nan is the same as any other."""
        nan = np.isnan(a) & np.isnan(b)
        self.compared += a.size
        if a.shape != b.shape or (((a != b) | (np.signbit(a) != np.signbit(b))) & ~nan).any():
            self.different.append(what)


def layouts(z):
    """Yield the same logits in other layouts."""
    rows, classes = z.shape
    strided, odd = np.zeros((rows, 2 * classes + 1), z.dtype)[:, 1::2], np.zeros(z.size + 3, z.dtype)[3:]
    unaligned = np.zeros(z.nbytes + 1, np.uint8)[1:].view(z.dtype).reshape(z.shape)
    odd = odd.reshape(z.shape)
    strided[...] = odd[...] = unaligned[...] = z
    yield "strided", strided
    yield "offset by 3", odd
    yield "unaligned", unaligned
    yield "reversed", z[:, ::-1].copy()[:, ::-1]
    yield "Fortran order", np.asfortranarray(z)
    yield "other byte order", z.astype(z.dtype.newbyteorder())


def compare_rows(results, rng):
    """Compare rows alone, permuted, and in a part of the batch."""
    z, t = results.z, results.t
    for i in rng.permutation(len(z))[:10]:
        results.compare("alone", results.of(z[i], t[i]), i)
        results.compare("alone in two dimensions", results.of(z[i : i + 1].copy(), t[i : i + 1]), slice(i, i + 1))
    order = rng.permutation(len(z))
    results.compare("permuted", results.of(z[order], t[order]), order)
    start = rng.integers(len(z))
    part = slice(start, rng.integers(start, len(z)) + 1)
    results.compare("a part", results.of(z[part], t[part]), part)
    # The first logit of a block decides nothing for the other rows.
    other = z.copy()
    other[0, 0] = 800
    results.compare("another first row", [a[1:] for a in results.of(other, t)], slice(1, None))


def compare_layouts(results):
    """Compare other layouts, other axes and lists."""
    z, t = results.z, results.t
    for what, view in layouts(z):
        results.compare(what, results.of(view, t))
    across = np.ascontiguousarray(z.T)
    outputs = softmax(across, axis=0).T, log_softmax(across, axis=0).T, None, logsumexp(across, axis=0)
    results.compare("axis 0", outputs)
    results.compare("kept axis", (None, None, None, logsumexp(z, keepdims=True)[:, 0]))
    deep = results.of(z[:, None], t[:, None])
    results.compare("3-D", [a[:, 0] for a in deep])
    if z.dtype == np.float64 and z.size < 20_000:
        results.compare("list", results.of(z.tolist(), t.tolist()))


def compare_out(results):
    """Compare results with `out` and with a mask that leaves out nothing."""
    z, t, shape = results.z, results.t, results.z.shape
    for what, make in (
        ("out", lambda: (z, np.empty_like(z))),
        ("out is z", lambda: (z.copy(),) * 2),
        ("strided out", lambda: (z, np.empty((shape[0], 2 * shape[1]), z.dtype)[:, ::2])),
        ("overlapping out", lambda: overlapping(z)),
    ):
        called = []
        for function in (softmax, log_softmax):
            x, out = make()
            called.append(function(x, out=out))
        x, out = make()
        results.compare(what, (*called, gradient(x, t, out=out)))
    mask = np.ones(shape, bool)
    results.compare("mask", (softmax(z, where=mask), log_softmax(z, where=mask), None, logsumexp(z, where=mask)))
    C, g = cross_entropy_value_and_grad(z, t, reduction="none")
    results.compare("none", (None, None, g, None, C))


def overlapping(z):
    """Return a copy of the logits, and an array of the same shape in nearly the same memory."""
    memory = np.empty((z.shape[0], z.shape[1] + 1), z.dtype)
    memory[:, :-1] = z
    return memory[:, :-1], memory[:, 1:]


def compared(rows, classes, dtype, kind, seed=0):
    """Compare everything for one size and kind; return the number of comparisons, and what differs."""
    rng = np.random.default_rng([seed, rows, classes, KINDS.index(kind)])
    with np.errstate(over="ignore"):
        z = logits(rng, rows, classes, kind).astype(dtype)
    results = Results(z, rng.integers(0, classes, rows))
    compare_rows(results, rng)
    compare_layouts(results)
    compare_out(results)
    return results.compared, results.different


SIZES = [(1, 5), (3, 1), (40, 10), (7, 127), (7, 128), (5, 257), (130, 64), (3, 1025), (2, 5000)]
MORE = [1, 2, 3, 5, 7, 10, 17, 33, 63, 64, 65, 100, 127, 128, 129, 200, 255, 256, 257, 511, 512, 513, 700, 1000, 1023]
LONG = [2500, 4095, 4096, 4097, 10_000, 32_768, 65_536, 65_537, 70_001, 131_072, 131_073, 140_001, 262_145, 300_007]
MANY = [
    *((rows, classes) for classes in MORE for rows in (1, 2, 3, 40)),
    *((rows, classes) for classes in LONG for rows in (1, 2)),
    (3000, 10),
    (5000, 3),
    (700, 200),
]
EACH_KIND = pytest.mark.parametrize("kind", KINDS)
BOTH = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@BOTH
@EACH_KIND
def test_a_row_has_the_same_bits_in_any_company_layout_and_call(kind, dtype):
    for rows, classes in SIZES:
        assert compared(rows, classes, dtype, kind)[1] == []


@pytest.mark.rare
@BOTH
@EACH_KIND
def test_a_row_of_any_length_has_the_same_bits_in_any_company_layout_and_call(kind, dtype):
    for rows, classes in MANY:
        assert compared(rows, classes, dtype, kind, seed=1)[1] == []


OTHERS = {
    "cross-entropy of distributions": cross_entropy_value_and_grad,
    "logistic cross-entropy": logistic_cross_entropy_value_and_grad,
    "squared error, linear": functools.partial(squared_error_value_and_grad, output="linear"),
    "squared error, logistic": functools.partial(squared_error_value_and_grad, output="logistic"),
    "squared error, softmax": functools.partial(squared_error_value_and_grad, output="softmax"),
    "product with the Jacobian": lambda z, t, reduction: (np.zeros(z.shape[:-1]), softmax_jvp(z, t)),
}


@BOTH
@pytest.mark.parametrize("function", OTHERS.values(), ids=OTHERS.keys())
def test_a_case_of_the_other_costs_has_the_same_bits_in_any_company(function, dtype):
    for rows, classes in SIZES:
        rng = np.random.default_rng([28, rows, classes])
        z = logits(rng, rows, classes, "mixed").astype(dtype)
        t = rng.dirichlet(np.ones(classes), rows).astype(dtype)
        costs, gradients = function(z, t, reduction="none")
        order = rng.permutation(rows)
        for lay_out in (np.ascontiguousarray, np.asfortranarray):
            other_costs, other_gradients = function(lay_out(z[order]), lay_out(t[order]), reduction="none")
            np.testing.assert_array_equal(other_costs, costs[order])
            np.testing.assert_array_equal(other_gradients, gradients[order])
        for i in order[:5]:
            cost, gradient = function(z[i], t[i], reduction="none")
            np.testing.assert_array_equal(cost, costs[i])
            np.testing.assert_array_equal(gradient, gradients[i])
