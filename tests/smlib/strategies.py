"""Calls of smlib with hostile arguments, and the truth about them: fuzzing.py has the functions."""

import math
import re
import warnings
from contextlib import contextmanager

import mpmath
import numpy as np
from hypothesis import strategies as st

from tests.smlib import reference

FLOATS = (np.float64, np.float32, np.float16)
INTEGERS = (np.int64, np.int8, np.int16, np.int32, np.uint8, np.uint16, np.uint32, np.uint64)
REAL = (*FLOATS, *FLOATS, *FLOATS, *INTEGERS, bool)
SMALL = (*FLOATS, *FLOATS, np.int8, np.uint8, bool)
REFUSED = (complex, np.complex64, np.longdouble, object, "U8", "S8", "M8[s]", "m8[s]", [("a", float)], "V8")

INF, NAN = np.inf, np.nan
EDGES = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    1e-8,
    5e-324,
    -5e-324,
    1e-310,
    2.3e-308,
    1.2e-38,
    1e-45,
    6e-8,
    17.0,
    36.7,
    -37.4,
    64.0,
    87.4,
    88.8,
    -87.2,
    -103.5,
    104.0,
    300.0,
    -300.0,
    690.0,
    709.7,
    709.8,
    -708.3,
    -745.1,
    -745.2,
    1000.0,
    -1000.0,
    65504.0,
    1e5,
    -1e5,
    2.0**53 + 2,
    1e16,
    -1e16,
    3e38,
    1e100,
    -1e100,
    1e300,
    1e-200,
]
WILD = [*EDGES, INF, -INF, NAN, 1e308, 1.79e308, -1.79e308]
POOLS = {
    "huge": st.sampled_from([1.0, 0.0, 1e308, -1e308, 1.79e308, -1.79e308]),
    "units": st.floats(0, 1) | st.sampled_from([0.0, 1.0, 0.5, 5e-324, 1 - 2.0**-53, 1e-310]),
    "tame": st.floats(-30, 30, width=32),
    "ties": st.integers(-2, 2).map(float),
    "edges": st.sampled_from(EDGES),
    "infinite": st.sampled_from([0.0, 1.0, -1.0, INF, -INF]),
    "wild": st.sampled_from(WILD) | st.floats(),
}
ANY = ("tame", "ties", "edges", "infinite", "wild")
SIDES = st.integers(1, 4) | st.integers(0, 9)
UP_TO = [st.integers(0, n) for n in range(128)]
WHOLE = {
    info.dtype: st.integers(max(info.min, -3), 3) | st.integers(info.min, info.max) | st.just(info.max)
    for info in map(np.iinfo, INTEGERS)
}
OFFSETS = (0.0, 0.0, 1000.0, -1000.0, 300.0, -700.0, 709.0, 88.0, -87.0, 41.3, 1e5, -1e5)
ROUNDOFF = {np.dtype(np.float16): 2.0**-11, **reference.UNIT}

# Sizes of blocks: the usual ones, and such small ones that blocks, pieces and runs end within small arrays.
USUAL, SHIFTED = {}, {"SMALL": 0}
TINY = {
    "SMALL": 0,
    "BLOCK": 64,
    "SCRATCH": 32,
    "PIECE": 32,
    "ROWS": 2,
    "SHORT": 3,
    "RUN": dict.fromkeys(reference.UNIT, 2),
}
TILES = {"TILE": 4, "CASES": 2, "WEIGHTS": 4}


class Subclass(np.ndarray):
    """An array of a class of one's own."""


class Call:
    """The arguments of one call, and the names of the bad ones among them."""

    def __init__(self, draw):
        self.draw, self.bad, self.words = draw, set(), lambda: "no call"
        self.flags = {"all": "raise"}

    def pick(self, *choices):
        return choices[self.draw(UP_TO[len(choices) - 1])]

    def rarely(self, one_in=12):
        return self.draw(UP_TO[one_in - 1]) == one_in - 1

    def several(self, values, n):
        """A list of n values; short ones are drawn entry by entry, and others repeat what was drawn."""
        drawn = [self.draw(values) for _ in range(min(n, 8))]
        return [drawn[i] if i < 8 else drawn[i * i % 8] for i in range(n)]

    def shape(self, least=0):
        """A shape of up to 4 axes, and up to 48 entries."""
        sides = [self.draw(SIDES) for _ in range(self.pick(1, 2, 3, 0, 4))]
        while math.prod(sides) > 48:
            sides.remove(max(sides))
        return tuple(sides) + (2,) * (least - len(sides))

    def near(self, shape):
        """Mostly this shape; sometimes one like it that does not fit, or does by chance."""
        if not self.rarely(16):
            return tuple(shape)
        return self.pick(tuple(shape[::-1]), (*shape, 1), (1, *shape), tuple(shape[1:]), (3,) * len(shape), ())

    def floats(self, shape, pools=ANY):
        n = math.prod(shape)
        values = self.several(POOLS[self.pick(*pools)], n)
        offset = self.pick(*OFFSETS) if "edges" in pools else 0.0
        return np.asarray(np.array(values, float).reshape(shape) + offset)

    def numbers(self, shape, dtype, pools=ANY):
        """An array of a dtype, whatever its numbers become in it."""
        dtype = np.dtype(dtype)
        if dtype.kind in "iu":
            return np.array(self.several(WHOLE[dtype], math.prod(shape)), dtype).reshape(shape)
        with np.errstate(all="ignore"):
            values = self.floats(shape, pools)
            return np.asarray(values > 0) if dtype.kind == "b" else values.astype(dtype)

    def array(self, name, shape, dtypes=REAL, pools=ANY):
        """An argument, and what it holds: an array of real numbers, or None (and its name is bad)."""
        if self.rarely():
            value = self.odd(shape)
        else:
            value = self.layout(self.numbers(shape, self.pick(*dtypes), pools))
        held = plain(value)
        if held is not None and not (held.dtype.kind in "biu" or held.dtype.newbyteorder("=") in ROUNDOFF):
            held = None
        if held is None:
            self.bad.add(name)
        return value, held

    def odd(self, shape):
        """What is no array of real numbers, mostly."""
        values = np.ones(shape)
        return self.pick(
            *[
                lambda: None,
                lambda: "abc",
                dict,
                lambda: [[1.0, 2.0], [3.0]],
                lambda: [1.0, None],
                lambda: 1j,
                lambda: 10**400,
                lambda: [10**30],
                lambda: np.ma.masked_array(values, values > 0),
                object,
                lambda: np.ma.masked_array(values),
                lambda: [Subclass],
                lambda: slice(1),
                lambda: np.float64(1),
                *[(lambda dtype=dtype: np.zeros(shape, dtype)) for dtype in REFUSED],
            ]
        )()

    def layout(self, a):
        """The same numbers in another form."""
        form = self.pick(
            "plain",
            "roomy",
            "roomy",
            "fortran",
            "strided",
            "reversed",
            "swapped",
            "read-only",
            "unaligned",
            "broadcast",
            "list",
            "tuple",
            "subclass",
            "matrix",
        )
        return laid_out(form, a)

    def out(self, shape, dtype, *arguments):
        """None, an array that can take a result of a shape and dtype, or a bad one; it may overlap the arguments."""
        if self.pick(True, False):
            return None
        overlaps = [over for a in arguments for over in overlapping(a, shape, dtype)]
        forms = ["plain", "fortran", "strided", "reversed", "swapped", "unaligned", "subclass", "matrix"]
        kind = self.pick("over", "over", "new", "bad")
        if kind == "bad":
            self.bad.add("out")
            return self.bad_out(shape, dtype)
        if kind == "over" and overlaps:
            return self.pick(*overlaps)
        form = self.pick(*forms)
        return laid_out(form, np.full(shape, 7, dtype))

    def bad_out(self, shape, dtype):
        fixed = np.empty(shape, dtype)
        fixed.flags.writeable = False
        other = np.float32 if dtype == np.float64 else np.float64
        wrong = [np.empty(shape, t) for t in (other, int, object, "M8[s]")]
        wrong += [np.empty((*shape, 1), dtype), np.zeros(shape).tolist(), np.ma.zeros(shape, dtype)]
        return self.pick(fixed, *wrong, 3.0, "out")

    def choice(self, name, *words):
        """One of the words that an argument knows, or another."""
        if not self.rarely():
            return self.pick(*words)
        self.bad.add(name)
        return self.pick("other", None, 1, words[0].upper(), [words[0]], np.array([words[0]] * 2), {}, b"mean", NAN)

    def axis(self, ndim):
        """An axis, and the tuple of axes that it means, or None."""
        one = [*range(-ndim - 1, ndim + 1)]
        odd = [True, 1.0, "0", [0], (0, 1.0), 10**30, np.array([0]), np.array([0, 1]), np.True_, (None,), (True,)]
        kind = self.pick("last", "all", "one", "some")
        if kind == "some":
            drawn = tuple(self.pick(*one) for _ in range(self.pick(1, 2, 3, 0)))
        else:
            drawn = -1 if kind == "last" else None if kind == "all" else self.pick(*one)
        if self.rarely():
            self.bad.add("axis")
            return self.pick(*odd), None
        listed = range(ndim) if drawn is None else drawn if isinstance(drawn, tuple) else (drawn,)
        over = [a % ndim for a in listed if -ndim <= a < ndim]
        if len(over) < len(listed) or len(set(over)) < len(over):
            self.bad.add("axis")
            return drawn, None
        return (np.int8(drawn) if isinstance(drawn, int) and self.rarely() else drawn), tuple(over)

    def where(self, shape):
        """A mask, and the classes that it leaves in, or None."""
        kind = self.pick("none", "none", "all", "some", "scalar", "bad")
        full = np.ones(shape, bool)
        if kind == "none":
            return None, full
        if kind == "bad":
            value = self.pick(
                np.ones(shape, int),
                np.ones((*shape, 5), bool),
                [[True], [True, False]],
                "yes",
                1.0,
                np.ma.masked_array(full),
                np.ones((2, *shape), bool),
            )
        elif kind == "scalar":
            value = self.pick(True, np.False_)
        else:
            first = 0 if kind == "all" else self.pick(*range(len(shape) + 1))
            drawn = tuple(n if kind == "all" else self.pick(1, n) for n in shape[first:])
            value = self.layout(self.numbers(drawn, bool, ("ties",)))
        held = plain(value)
        try:
            if held is not None and held.dtype == bool:
                return value, np.broadcast_to(held, shape)
        except ValueError:
            pass
        self.bad.add("where")
        return value, full

    def labels(self, shape, classes):
        """Labels, and what they hold, or None."""
        n = math.prod(shape)
        values = self.several(UP_TO[max(classes - 1, 0)], n)
        dtype = self.pick(*INTEGERS)
        t = np.array(values, dtype).reshape(shape)
        if n and self.rarely(6):
            dtype = self.pick(np.int64, np.uint64)
            t = t.astype(dtype)
            least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
            t.flat[self.pick(*range(n))] = self.pick(max(least, -1), classes, most, least)
        if self.rarely():
            with np.errstate(all="ignore"):
                t = t.astype(self.pick(float, bool, np.float16, *REFUSED[:6]))
        if self.rarely(20):
            t = self.odd(shape)
        return self.layout(t) if type(t) is np.ndarray and t.dtype.names is None else t

    def bad_or(self, name, good, *bad):
        """A good value, or rarely a bad one."""
        if not self.rarely(20):
            return good
        self.bad.add(name)
        return self.pick(*bad)

    def result(self, function, *args, **named):
        """What the function returns, or None where it rightly refuses."""
        given = {**dict(enumerate(args)), **named}
        before = {name: memory(a) for name, a in given.items()}
        self.words = lambda: f"{function.__name__}{args}, {named}"
        result = self.outcome(function, args, named)
        out = None if result is None else named.get("out")
        for name, a in given.items():
            if not shares(a, out):
                assert memory(a) == before[name], f"argument {name} was written to"
        return result

    def outcome(self, function, args, named):
        """What the function returns, or None; an error that is no refusal."""
        with warnings.catch_warnings(), np.errstate(**self.flags):
            warnings.simplefilter("error")
            try:
                result = function(*args, **named)
            except (TypeError, ValueError) as error:
                assert self.bad, f"good arguments were refused: {error}"
                words = re.findall(r"\w+", str(error))
                assert self.bad & set(words), f"{sorted(self.bad)} should be named: {error}"
                return None
            assert not self.bad, f"{sorted(self.bad)} should be refused, not give {result!r}"
            return result


# Forms of arrays


def laid_out(form, a):
    if form == "matrix" and a.ndim == 2:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asmatrix(a)
    if form == "fortran" and a.ndim:
        return np.asfortranarray(a)
    if form == "strided" and a.ndim:
        room = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
        room[..., ::2] = a
        return room[..., ::2]
    if form == "reversed" and a.ndim:
        backward = (slice(None, None, -1),) * a.ndim
        return a[backward].copy()[backward]
    if form == "roomy":
        room = np.zeros(a.size + 1, a.dtype)
        room[:-1] = a.reshape(-1)
        return room[:-1].reshape(a.shape)
    if form == "swapped":
        return a.astype(a.dtype.newbyteorder())
    if form == "read-only":
        a.flags.writeable = False
    if form == "unaligned" and a.dtype != object:
        room = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
        room[...] = a
        return room
    if form == "broadcast" and a.ndim and len(a):
        return np.broadcast_to(a[:1], a.shape)
    if form in ("list", "tuple"):
        return tuple(a.tolist()) if form == "tuple" and a.ndim else a.tolist()
    if form == "subclass":
        return a.view(Subclass)
    return a


def overlapping(a, shape, dtype):
    """The arrays over the memory of an argument that can take a result: its own, the other way round, one entry on."""
    if not isinstance(a, np.ndarray) or isinstance(a, np.ma.MaskedArray) or not a.flags.writeable:
        return []
    if a.shape != shape or a.dtype.newbyteorder("=") != dtype:
        return []
    found = [a, a[(slice(None, None, -1),) * a.ndim]] if a.ndim else [a]
    if isinstance(a.base, np.ndarray) and a.base.shape == (a.size + 1,):
        found.append(a.base[1:].reshape(shape))
    return found


def memory(a):
    """All that a call could change of an argument."""
    if not isinstance(a, np.ndarray) or a.dtype == object:
        return repr(a)
    return whole(a).tobytes(), a.shape, a.strides, a.dtype, a.flags.writeable


def whole(a):
    """The array whose memory another is a view of."""
    while isinstance(a.base, np.ndarray):
        a = a.base
    return a


def shares(a, out):
    return isinstance(a, np.ndarray) and isinstance(out, np.ndarray) and whole(a) is whole(out)


def plain(value):
    """What an argument holds, as an array of its own, or None if it is none."""
    if isinstance(value, np.ma.MaskedArray):
        return None
    try:
        return np.array(value)
    except ValueError:
        return None


def dtype_of(*arrays):
    """The dtype of the results."""
    return np.result_type(*(a.dtype.newbyteorder("=") if a.dtype.kind == "f" else np.float64 for a in arrays))


@contextmanager
def sizes(module, values):
    """Let a module work in blocks of other sizes."""
    usual = {name: getattr(module, name) for name in values}
    try:
        for name, value in values.items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in usual.items():
            setattr(module, name, value)


# The truth. A row without a distribution, and what is infinite, is a float; all else has 50 digits.


def exact(a):
    return a if isinstance(a, mpmath.mpf) else mpmath.mpf(float(a))


def total(terms):
    return mpmath.fsum(terms)


def times(a, b):
    """a·b, and 0 if either is 0."""
    return a * b if a != 0 and b != 0 else mpmath.mpf(0)


class Row:
    """The softmax y of a row of logits: e^{z − m}, the sums over the rivals, and log(1 + Σ e^{z_j − z_i})."""

    def __init__(self, z):
        logits = [exact(a) for a in z]
        self.m = max(logits, default=-mpmath.inf)
        self.defined = not any(map(mpmath.isnan, logits)) and self.m > -mpmath.inf
        if not self.defined:
            return
        if self.m == mpmath.inf:
            logits = [exact(0 if a == mpmath.inf else -INF) for a in logits]
        top = max(logits)
        self.e = [mpmath.exp(a - top) for a in logits]
        self.rivals = [total(self.e[:i] + self.e[i + 1 :]) for i in range(len(logits))]
        self.sum = total(self.e)
        self.y = [e / self.sum for e in self.e]
        self.rest = [r / self.sum for r in self.rivals]
        self.minus_log = [mpmath.log1p(r / e) if e else mpmath.inf for e, r in zip(self.e, self.rivals)]
        self.log = self.minus_log[logits.index(top)]

    def change(self, v):
        """The product of the Jacobian with v, and how large the terms of each sum are."""
        truth = [y * total(times(b, v[i] - a) for b, a in zip(self.y, v)) for i, y in enumerate(self.y)]
        best = max(self.y)
        tops = [a for y, a in zip(self.y, v) if y > best * 0.999]
        spread = [max(abs(a - top) for top in tops) for a in v]
        mean = total(y * s for y, s in zip(self.y, spread))
        return truth, [y * (s + mean) for y, s in zip(self.y, spread)]


def undefined(n):
    return [mpmath.nan] * n


def objects(values, shape):
    """An array of 50-digit numbers."""
    result = np.empty(math.prod(shape), object)
    result[:] = values
    return result.reshape(shape)


def near(value, truth, scale, dtype, limit):
    """Tell whether a float is as near the truth as roundings beside `scale` allow."""
    if truth is None:
        return True
    info = np.finfo(dtype)
    if mpmath.isnan(truth) or mpmath.isinf(truth):
        return math.isnan(value) if mpmath.isnan(truth) else value == truth
    allowed = limit * ROUNDOFF[dtype] * max(scale, abs(truth), float(info.tiny))
    if math.isinf(value):
        return value * truth > 0 and abs(truth) + allowed >= float(info.max)
    return not math.isnan(value) and abs(exact(value) - truth) <= allowed


def check(result, truth, dtype, scale=None, limit=16, like_numpy=True):
    """Compare a result with the truth: its type, shape, dtype and numbers."""
    dtype = np.dtype(dtype)
    if like_numpy:
        kind = np.ndarray if truth.ndim else np.generic
        assert isinstance(result, kind), f"{type(result)} is no {kind}"
    result = np.asarray(result)
    assert result.shape == truth.shape, f"shape {result.shape} instead of {truth.shape}"
    assert result.dtype.newbyteorder("=") == dtype, f"dtype {result.dtype} instead of {dtype}"
    scale = np.zeros(truth.shape) if scale is None else scale
    limit = 2 if dtype == np.float16 else limit
    for i, b in np.ndenumerate(truth):
        a = result[i].item()
        assert near(a, b, scale[i], dtype, limit), f"{a!r} at {i} instead of {mpmath.nstr(b, 17)}"
    return True
