"""Hostile arguments for the functions of smlib: test_properties.py calls them.

A `Call` draws the arguments from Hypothesis, and returns each with what it holds: an array of its own, or None if it
is not an array of real numbers. On the way it collects in `Call.bad` the names of the arguments that make the call an
error; a property adds those that only it knows of. A name stands there too if it may be blamed instead: without a
shape of `z`, for example, nobody can say whether `axis` is right. `Call.result` then demands an error whose message
contains one of these names, or without any such name a result.
"""

import itertools
import math
import re
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import strategies as st

from tests.smlib import reference

FLOATS = (np.float64, np.float32, np.float16)
INTEGERS = (np.int64, np.int8, np.int16, np.int32, np.uint8, np.uint16, np.uint32, np.uint64)
REAL = (*FLOATS, *FLOATS, *FLOATS, *INTEGERS, bool)
SMALL = (*FLOATS, *FLOATS, np.int8, np.uint8, bool)
NOT_REAL = (complex, np.complex64, np.longdouble, object, "U8", "S8", "M8[s]", "m8[s]", [("a", float)], "V8")

INF, NAN = np.inf, np.nan
EDGES = [
    *map(float, "0 -0 1 -1 .5 17 64 300 -300 1e3 -1e3 65504 1e5 -1e5 1e16 -1e16 3e38 1e100 -1e100 1e300".split()),
    *map(float, "1e-8 5e-324 -5e-324 1e-310 2.3e-308 1.2e-38 1e-45 6e-8 1e-200 9007199254740994".split()),
    *map(float, "36.7 -37.4 87.4 88.8 -87.2 -103.5 104 690 709.7 709.8 -708.3 -745.1 -745.2".split()),
]
WILD = [*EDGES, INF, -INF, NAN, 1e308, 1.79e308, -1.79e308]
POOLS = {
    "huge": st.sampled_from([1.0, 0.0, 1e308, -1e308, 1.79e308, -1.79e308]),
    "units": st.floats(0, 1) | st.sampled_from([0.0, 1.0, 0.5, 5e-324, 1 - 2.0**-53, 1e-310]),
    "weights": st.sampled_from([1.0, 0.0, 0.5, 3.0, 0.001]),
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
    """The arguments of one call, and the names of the bad ones among them (see above)."""

    def __init__(self, draw):
        self.draw, self.bad, self.words = draw, set(), lambda: "no call"
        self.flags = {"all": "raise"}

    def pick(self, *choices):
        """Return one of the choices; Hypothesis shrinks to the first."""
        return choices[self.draw(UP_TO[len(choices) - 1])]

    def rarely(self, one_in=12):
        """Return True once in a while."""
        return self.draw(UP_TO[one_in - 1]) == one_in - 1

    def several(self, values, n):
        """Return a list of n values: the first 8 are drawn, and further ones repeat them."""
        drawn = [self.draw(values) for _ in range(min(n, 8))]
        return [drawn[i] if i < 8 else drawn[i * i % 8] for i in range(n)]

    def shape(self, least=0):
        """Return a shape of up to 4 axes and 48 entries."""
        sides = [self.draw(SIDES) for _ in range(self.pick(1, 2, 3, 0, 4))]
        while math.prod(sides) > 48:
            sides.remove(max(sides))
        return tuple(sides) + (2,) * (least - len(sides))

    def near(self, shape):
        """Return this shape, or rarely one like it that may not fit."""
        if not self.rarely(16):
            return tuple(shape)
        return self.pick(tuple(shape[::-1]), (*shape, 1), (1, *shape), tuple(shape[1:]), (3,) * len(shape), ())

    def floats(self, shape, pools=ANY):
        """Return an array of float64, perhaps with an offset."""
        n = math.prod(shape)
        values = self.several(POOLS[self.pick(*pools)], n)
        offset = self.pick(*OFFSETS) if "edges" in pools else 0.0
        return np.asarray(np.array(values, float).reshape(shape) + offset)

    def numbers(self, shape, dtype, pools=ANY):
        """Return an array of a dtype, whatever its numbers become in it."""
        dtype = np.dtype(dtype)
        if dtype.kind in "iu":
            return np.array(self.several(WHOLE[dtype], math.prod(shape)), dtype).reshape(shape)
        with np.errstate(all="ignore"):
            values = self.floats(shape, pools)
            return np.asarray(values > 0) if dtype.kind == "b" else values.astype(dtype)

    def array(self, name, shape, dtypes=REAL, pools=ANY):
        """Return an argument, and the real numbers that it holds or None; then its name, if it has one, is bad."""
        if self.rarely():
            value = self.odd(shape)
        else:
            value = self.layout(self.numbers(shape, self.pick(*dtypes), pools))
        held = plain(value)
        held = held if held is not None and real(held) else None
        if held is None and name:
            self.bad.add(name)
        return value, held

    def odd(self, shape):
        """Return something that mostly is not an array of real numbers."""
        values = np.ones(shape)
        things = [
            *(lambda: None, lambda: "abc", dict, object, lambda: slice(1), lambda: [Subclass], lambda: np.float64(1)),
            *(lambda: 1j, lambda: 10**400, lambda: [10**30], lambda: [1.0, None], lambda: [[1.0, 2.0], [3.0]]),
            *(lambda: np.ma.masked_array(values, values > 0), lambda: np.ma.masked_array(values)),
            *[(lambda dtype=dtype: np.zeros(shape, dtype)) for dtype in NOT_REAL],
        ]
        return self.pick(*things)()

    def layout(self, a):
        """Return the same numbers in another form."""
        forms = "plain roomy roomy fortran strided reversed swapped read-only unaligned broadcast list tuple"
        return laid_out(self.pick(*forms.split(), "subclass", "matrix"), a)

    def out(self, shape, dtype, *arguments):
        """Return None, an array for a result of a shape and dtype, perhaps over the arguments, or a bad one."""
        if self.pick(True, False):
            return None
        overlaps = [over for a in arguments for over in overlapping(a, shape, dtype)]
        kind = self.pick("over", "over", "new", "bad")
        if kind == "bad":
            self.bad.add("out")
            return self.bad_out(shape, dtype)
        if kind == "over" and overlaps:
            return self.pick(*overlaps)
        forms = "plain fortran strided reversed swapped unaligned subclass matrix"
        return laid_out(self.pick(*forms.split()), np.full(shape, 7, dtype))

    def bad_out(self, shape, dtype):
        """Return something that cannot take a result of a shape and dtype."""
        fixed = np.empty(shape, dtype)
        fixed.flags.writeable = False
        other = np.float32 if dtype == np.float64 else np.float64
        wrong = [np.empty(shape, t) for t in (other, int, object, "M8[s]")]
        wrong += [np.empty((*shape, 1), dtype), np.zeros(shape).tolist(), np.ma.zeros(shape, dtype)]
        return self.pick(fixed, *wrong, 3.0, "out")

    def choice(self, name, *words):
        """Return one of the words that an argument may be, or rarely another."""
        if not self.rarely():
            return self.pick(*words)
        self.bad.add(name)
        return self.pick("other", None, 1, words[0].upper(), [words[0]], np.array([words[0]] * 2), {}, b"mean", NAN)

    def axis(self, ndim):
        """Return an axis, and the tuple of axes that it means or None."""
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
        """Return a mask, and what it holds at every entry."""
        kind = self.pick("none", "none", "all", "some", "scalar", "bad")
        full = np.ones(shape, bool)
        if kind == "none":
            return None, full
        if kind == "bad":
            odd = [[True], [True, False]], "yes", 1.0, np.ma.masked_array(full), np.ones((2, *shape), bool)
            value = self.pick(np.ones(shape, int), np.ones((*shape, 5), bool), *odd)
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

    def weights(self, shape, mean):
        """Return weights of cases, and the numbers that they hold or None; `mean` means that not all may be 0."""
        if self.pick(True, False):
            return None, None
        value, held = self.array("weights", self.near(shape), (*FLOATS, bool), ("weights",))
        if value is None:
            self.bad.discard("weights")
            return None, None
        if type(value) is np.ndarray and value.size and value.dtype.kind == "f" and value.flags.writeable:
            if self.rarely(6):
                value.flat[0] = self.pick(-1.0, NAN, INF)
            held = plain(value)
        good = held is not None and held.shape == shape and all(0 <= w < INF for w in held.flat)
        if not good or (mean and not held.any()):
            self.bad.add("weights")
        return value, held if good else None

    def labels(self, shape, classes):
        """Return labels, mostly of these classes."""
        n = math.prod(shape)
        values = self.several(UP_TO[max(classes - 1, 0)], n)
        dtype = self.pick(*INTEGERS)
        t = np.array(values, dtype).reshape(shape)
        if n and self.rarely(6):
            dtype = self.pick(np.int64, np.uint64)
            t = t.astype(dtype)
            least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
            t.flat[self.pick(*range(min(n, 48)))] = self.pick(max(least, -1), classes, most, least)
        if self.rarely():
            with np.errstate(all="ignore"):
                t = t.astype(self.pick(float, bool, np.float16, *NOT_REAL[:6]))
        if self.rarely(20):
            t = self.odd(shape)
        return self.layout(t) if type(t) is np.ndarray and t.dtype.names is None else t

    def bad_or(self, name, good, *bad):
        """Return a good value, or rarely a bad one."""
        if not self.rarely(20):
            return good
        self.bad.add(name)
        return self.pick(*bad)

    def result(self, function, *args, **named):
        """Return what the function does, or None after an error that was right; arguments must not change."""
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
        """Return what the function does, or None after an error that was right."""
        with warnings.catch_warnings(), np.errstate(**self.flags):
            warnings.simplefilter("error")
            try:
                result = function(*args, **named)
            except (TypeError, ValueError) as error:
                assert self.bad, f"an error for good arguments: {error}"
                words = re.findall(r"\w+", str(error))
                assert self.bad & set(words), f"the message should name {sorted(self.bad)}: {error}"
                return None
            assert not self.bad, f"{sorted(self.bad)} should be an error, not give {result!r}"
            return result


def laid_out(form, a):
    """Return the same numbers in a form, if an array of that shape can have it."""
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
    """Return the arrays over the memory of `a` that can take a result: itself, reversed, and one entry further."""
    if not isinstance(a, np.ndarray) or isinstance(a, np.ma.MaskedArray) or not a.flags.writeable:
        return []
    if a.shape != shape or a.dtype.newbyteorder("=") != dtype:
        return []
    found = [a, a[(slice(None, None, -1),) * a.ndim]] if a.ndim else [a]
    if isinstance(a.base, np.ndarray) and a.base.shape == (a.size + 1,):
        found.append(a.base[1:].reshape(shape))
    return found


def memory(a):
    """Return all that a call could change of an argument."""
    if not isinstance(a, np.ndarray) or a.dtype == object:
        return repr(a)
    return whole(a).tobytes(), a.shape, a.strides, a.dtype, a.flags.writeable


def whole(a):
    """Return the array whose memory another is a view of."""
    while isinstance(a.base, np.ndarray):
        a = a.base
    return a


def shares(a, out):
    """Return True if both are arrays in the same memory."""
    return isinstance(a, np.ndarray) and isinstance(out, np.ndarray) and whole(a) is whole(out)


def plain(value):
    """Return a copy of an argument as an array, or None if that is not possible."""
    if isinstance(value, np.ma.MaskedArray):
        return None
    try:
        return np.array(value)
    except ValueError:
        return None


def real(a):
    """Return True if the array holds real numbers that smlib takes."""
    return a.dtype.kind in "biu" or a.dtype.newbyteorder("=") in reference.UNIT


def dtype_of(*arrays):
    """Return the dtype of the results."""
    return np.result_type(*(a.dtype.newbyteorder("=") if a.dtype.kind == "f" else np.float64 for a in arrays))


@contextmanager
def sizes(module, values):
    """Make a module work in blocks of other sizes."""
    usual = {name: getattr(module, name) for name in values}
    try:
        for name, value in values.items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in usual.items():
            setattr(module, name, value)


def in_pairs(names, *levels):
    """Parametrize a test so that any two levels of different factors meet in a case: far fewer than all products.

    Each case is the one of all products in which the most such pairs meet for the first time.
    """
    products = list(itertools.product(*(range(len(some)) for some in levels)))
    meeting = {case: set(itertools.combinations(enumerate(case), 2)) for case in products}
    missing, cases = set().union(*meeting.values()), []
    while missing:
        case = max(products, key=lambda case: len(meeting[case] & missing))
        missing -= meeting[case]
        cases.append([some[i] for some, i in zip(levels, case)])
    return pytest.mark.parametrize(names, cases, ids=lambda level: getattr(level, "__name__", str(level)))
