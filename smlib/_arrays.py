"""Argument checks that the public functions share, and iteration over any array as blocks of rows."""

import math
import operator

import numpy as np

from smlib import _kernels

# The dtype in which each floating dtype is computed. Booleans and integers become float64; all
# other dtypes (complex, longdouble, object, strings) raise TypeError.
_COMPUTED_IN = {
    np.dtype(np.float16): np.dtype(np.float32),
    np.dtype(np.float32): np.dtype(np.float32),
    np.dtype(np.float64): np.dtype(np.float64),
}


def array(a, name):
    """Return `a` as an array.

    Raise TypeError for a masked array, whose mask would be lost, and ValueError if NumPy cannot
    convert `a`.
    """
    if isinstance(a, np.ma.MaskedArray):
        raise TypeError(
            f"{name} is a masked array: pass {name}.data; softmax, log_softmax and logsumexp "
            f"take the mask of logits as where=~z.mask"
        )
    try:
        return np.asarray(a)
    except ValueError as error:
        raise ValueError(f"{name} is not an array: {error}") from None


def real(a, name):
    """Return `a` as an array of real numbers, and the dtype of its results."""
    a = array(a, name)
    if a.dtype.kind == "f":
        dtype = a.dtype.newbyteorder("=")
        if dtype in _COMPUTED_IN:
            return a, dtype
    elif a.dtype.kind in "biu":
        return a, np.dtype(np.float64)
    raise TypeError(f"{name} has dtype {a.dtype}: it must hold real numbers (float16, float32, float64 or integers)")


def computed_in(dtype):
    """Return the dtype in which results of `dtype` are computed."""
    return _COMPUTED_IN[dtype]


def check_choice(name, value, choices):
    """Raise ValueError if the argument `name` is not one of the strings `choices`."""
    if not isinstance(value, str) or value not in choices:
        listed = " or ".join(", ".join(map(repr, choices)).rsplit(", ", 1))
        raise ValueError(f"{name} = {value!r} is unknown: it must be {listed}")


def whole(name, value, least):
    """Return `value` as an int; raise if it is not an integer or is less than `least`."""
    try:
        value = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} = {value!r}: it must be an integer") from None
    if value < least:
        raise ValueError(f"{name} = {value}: it must be {least} or more")
    return value


def axes(axis, ndim):
    """Return `axis`, an int, a tuple of ints or None, as a tuple of axes from 0 to ndim − 1."""
    if type(axis) is int and -ndim <= axis < ndim:
        return (axis % ndim,)
    if axis is None:
        return tuple(range(ndim))
    found = []
    for a in axis if isinstance(axis, tuple) else (axis,):
        try:
            i = operator.index(a)
        except TypeError:
            i = None
        if i is None or isinstance(a, (bool, np.bool_)):
            raise TypeError(f"axis = {axis!r} is not an axis: it must be an int, a tuple of ints or None")
        if not -ndim <= i < ndim:
            raise ValueError(f"axis {i} is out of range: z has {ndim} dimension{'s' * (ndim != 1)}")
        found.append(i % ndim)
    if len(set(found)) < len(found):
        raise ValueError(f"axis = {axis!r} names an axis of z twice: name each once")
    return tuple(found)


def check_out(out, shape, dtype):
    """Raise if `out` cannot hold a result of this shape and dtype."""
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"out is of type {type(out).__name__}: it must be a NumPy array")
    if out.shape != shape:
        raise ValueError(f"out has shape {out.shape}: the result has shape {shape}")
    if out.dtype.newbyteorder("=") != dtype:
        raise TypeError(f"out has dtype {out.dtype}: the result has dtype {dtype}")
    if not out.flags.writeable:
        raise ValueError("out is read-only: it must be an array that can be written to")


def mask(where, shape):
    """Return `where` as a boolean array, broadcast to `shape`, the shape of `z`."""
    where = array(where, "where")
    if where.dtype != bool:
        raise TypeError(f"where has dtype {where.dtype}: it must be boolean")
    try:
        return np.broadcast_to(where, shape)
    except ValueError:
        raise ValueError(f"where has shape {where.shape}: it must broadcast to z's shape {shape}") from None


def check_classes(z, name, needs_one=True):
    """Raise ValueError if logits have no class axis or, with `needs_one`, no classes."""
    if z.ndim == 0:
        raise ValueError(f"{name} is a single number: it needs a last axis that holds the classes")
    if needs_one and z.shape[-1] == 0:
        raise ValueError(f"{name} has no classes: its shape is {z.shape}")


def same_shape(z, t, name, name_t):
    """Raise ValueError if two arrays differ in shape."""
    if t.shape != z.shape:
        raise ValueError(f"{name_t} has shape {t.shape}: it must have the shape of {name}, {z.shape}")


def refuse_where(bad, t, complaint):
    """Raise ValueError for the first entry of `t` at which `bad` is true."""
    if bad.any():
        index = np.unravel_index(bad.argmax(), t.shape)
        where = f"[{', '.join(str(i) for i in index)}]" if t.ndim else ""
        raise ValueError(f"t{where} = {t[index]} {complaint}")


def real_targets(z, t, name):
    """Return targets of any real value, one for each entry of `z`."""
    t, _ = real(t, "t")
    same_shape(z, t, name, "t")
    return t


def unit_targets(z, t, name):
    """Return targets between 0 and 1, one for each entry of `z`."""
    t = real_targets(z, t, name)
    refuse_where(~((t >= 0) & (t <= 1)), t, "is not a probability: it must lie between 0 and 1")
    return t


def class_targets(z, t, name):
    """Return labels (intp, of shape z.shape[:-1]) or distributions (floats, of shape z.shape)."""
    t = array(t, "t")
    classes = z.shape[-1]
    if t.ndim == z.ndim - 1:
        if t.dtype.kind not in "iu":
            raise TypeError(f"t has dtype {t.dtype}: labels must be integers, the class indices")
        if t.shape != z.shape[:-1]:
            raise ValueError(f"t has shape {t.shape}: for {name} of shape {z.shape}, labels have shape {z.shape[:-1]}")
        if t.size and not _kernels.between(t, 0, classes - 1):
            complaint = f"is not a class index: {name} has {classes} classes"
            refuse_where((t < 0) | (t >= classes), t, complaint)
        return t.astype(np.intp, copy=False)
    t, _ = real(t, "t")
    if t.shape != z.shape:
        raise ValueError(
            f"t has shape {t.shape}: for {name} of shape {z.shape}, "
            f"labels have shape {z.shape[:-1]} and distributions {z.shape}"
        )
    complaint = "is not a probability: it must be finite and at least 0"
    refuse_where(~((t >= 0) & (t < np.inf)), t, complaint)
    return t


def is_block(z, axis=-1, where=None, out=None):
    """Return True if a kernel can process the call as one block, with rows along the last axis.

    If `out` overlaps `z`, only the kernels for small arrays can. The way through `rowwise` takes
    5 to 15 µs more, a tenth to a quarter of the time of np.exp(z) for 128 × 1000 logits.
    """
    if where is not None or type(z) is not np.ndarray or type(axis) is not int or axis != -1:
        return False
    if z.dtype not in _kernels.LIMITS or not 0 < z.nbytes <= _kernels.BLOCK:
        return False
    flags = z.flags
    if not (flags.c_contiguous and flags.aligned and z.ndim) or z.size > _kernels.ROWS * z.shape[-1]:
        return False
    return out is None or (
        type(out) is np.ndarray and out.shape == z.shape and out.dtype == z.dtype and out.flags.carray
    )


def matrix(a):
    """Return a contiguous array as a matrix with rows along its last axis."""
    return a if a.ndim == 2 else a.reshape(-1, a.shape[-1])


def rowwise(kernel, z, dtype, over, out=None, where=None):
    """Call `kernel(x, e, y, room, rows)` on blocks of rows of `z`; a row runs over the axes `over`.

    `smlib._kernels` describes x, e, y and room; `rows` is the slice of row numbers. The kernel
    works in the dtype in which `dtype` is computed. Masked classes are −inf in x. If `out` is
    given, the result is written to it; `out` may overlap `z` in any way.
    """
    work = computed_in(dtype)
    aliased = out is not None and np.may_share_memory(out, z)
    if aliased and not _same_memory(out, z):
        z, aliased = z.copy(), False
    if over != (z.ndim - 1,):
        order = [a for a in range(z.ndim) if a not in over] + list(over)
        z, out, where = (None if a is None else a.transpose(order) for a in (z, out, where))
    lead, classes = z.shape[: z.ndim - len(over)], math.prod(z.shape[z.ndim - len(over) :])
    rows = math.prod(lead)
    if rows == 0 or classes == 0:
        return
    plain = where is None and _plain(z, work) and (out is None or _plain(out, work))
    scratch = out is None or aliased or not plain
    columns = (_kernels.SCRATCH if scratch else _kernels.BLOCK) // work.itemsize
    width, step = min(classes, columns), min(max(1, columns // classes), _kernels.ROWS, rows)
    room = _kernels.Room()
    # Overflow and invalid operations are expected here: the results are the limits.
    with np.errstate(all="ignore"):
        if plain:
            z = z.reshape(rows, classes)
            out = None if out is None else out.reshape(rows, classes)
            for i in range(0, rows, step):
                x = z[i : i + step]
                y = None if out is None else out[i : i + step]
                e = room.take("e", (len(x), width), work) if scratch else y
                kernel(x, e, y, room, slice(i, i + len(x)))
            return
        for start, stop, index in _blocks(lead, step):
            block = z[index]
            x = room.take("x", (stop - start, classes), work)
            _gather(block, None if where is None else where[index], x.reshape(block.shape))
            e = room.take("e", (stop - start, width), work)
            kernel(x, e, None if out is None else x, room, slice(start, stop))
            if out is not None:
                out[index] = x.reshape(block.shape)


def _plain(a, dtype):
    """Return True if the kernels can work on an array as it is."""
    return a.dtype == dtype and a.dtype.isnative and a.flags.c_contiguous and a.flags.aligned


def _blocks(lead, step, start=0, index=()):
    """Yield (start, stop, index) for blocks of at most `step` rows each, in the order of the rows."""
    if not lead:
        yield start, start + 1, index
        return
    inner = math.prod(lead[1:])
    if inner > step:
        for i in range(lead[0]):
            yield from _blocks(lead[1:], step, start + i * inner, (*index, i))
        return
    many = step // inner
    for i in range(0, lead[0], many):
        j = min(i + many, lead[0])
        yield start + i * inner, start + j * inner, (*index, slice(i, j))


def _gather(block, where, x):
    """Copy `block` into `x`, with −inf where `where` is false: a class of probability 0."""
    if where is None:
        x[...] = block
    else:
        x[...] = -np.inf
        np.copyto(x, block, where=where)


def _same_memory(a, b):
    """Return True if two arrays have the same entries in memory, in the same order."""
    return (
        a.dtype == b.dtype
        and a.shape == b.shape
        and a.strides == b.strides
        and a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
    )
