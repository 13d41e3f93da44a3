"""Argument checks that the public functions share. A check takes the value first and its name second."""

import functools
import math
import operator

import numpy as np

from smlib._sums import between

# The dtype in which each floating dtype is computed. Booleans and integers become float64; all
# other dtypes (complex, longdouble, object, strings) raise TypeError.
_COMPUTED_IN = {
    np.dtype(np.float16): np.dtype(np.float32),
    np.dtype(np.float32): np.dtype(np.float32),
    np.dtype(np.float64): np.dtype(np.float64),
}


def array(a, name):
    """Return `a` as an array.

    Raise TypeError for a masked array, whose mask would be lost, and for a Dask array, which would be
    computed as a whole. Raise ValueError if NumPy cannot convert `a`.
    """
    if type(a) is np.ndarray:
        return a
    if isinstance(a, np.ma.MaskedArray):
        raise TypeError(
            f"{name} is a masked array: pass {name}.data; softmax, log_softmax and logsumexp "
            f"take the mask of logits as where=~z.mask"
        )
    if type(a).__module__.startswith("dask.array"):
        raise TypeError(f"{name} is a Dask array: smlib.sharded has functions for it; {name}.compute() is in memory")
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
    cast = f": {name}.astype(np.float64) does" if a.dtype.kind == "f" or a.dtype.name == "bfloat16" else ""
    raise TypeError(
        f"{name} has dtype {a.dtype}: it must hold real numbers (float16, float32, float64 or integers){cast}"
    )


def computed_in(dtype):
    """Return the dtype in which results of `dtype` are computed."""
    return _COMPUTED_IN[dtype]


def check_choice(value, name, choices):
    """Raise ValueError if the argument `name` is not one of the strings `choices`."""
    if not isinstance(value, str) or value not in choices:
        listed = " or ".join(", ".join(map(repr, choices)).rsplit(", ", 1))
        raise ValueError(f"{name} = {value!r} is unknown: it must be {listed}")


def whole(value, name, least):
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


def check_mask_dtype(where):
    """Raise TypeError if a mask is not boolean."""
    if where.dtype != bool:
        raise TypeError(f"where has dtype {where.dtype}: it must be boolean, as where.astype(bool) is")


def mask(where, shape):
    """Return `where` as a boolean array, broadcast to `shape`, the shape of `z`."""
    where = array(where, "where")
    check_mask_dtype(where)
    try:
        return np.broadcast_to(where, shape)
    except ValueError:
        raise ValueError(f"where has shape {where.shape}: it must broadcast to z's shape {shape}") from None


def check_classes(z, needs_one=True, axis=-1):
    """Raise ValueError if the logits `z` have no class axis or, with `needs_one`, no classes."""
    if z.ndim == 0:
        raise ValueError("z is a single number: it needs a last axis that holds the classes")
    if needs_one and z.shape[axis] == 0:
        raise ValueError(f"z has no classes: its shape is {z.shape}")


def class_axis(axis, ndim):
    """Return the one axis of the classes as a number from 0; it is −1 if there are no axes."""
    if axis is None or isinstance(axis, tuple):
        raise TypeError(f"axis = {axis!r} is not the axis of the classes: it must be an int")
    return axes(axis, ndim)[0] if ndim else -1


def same_shape(t, name, z):
    """Raise ValueError if an argument does not have the shape of the logits `z`."""
    if t.shape != z.shape:
        raise ValueError(f"{name} has shape {t.shape}: it must have the shape of z, {z.shape}")


def refuse_where(bad, t, name, complaint, starts=None, block=""):
    """Raise ValueError for the first entry of `t` at which `bad` is true.

    If `t` is a part of a larger array, `starts` are the indices at which it starts there, and `block` says
    which part it is.
    """
    if bad.any():
        index = np.unravel_index(bad.argmax(), t.shape)
        places = ", ".join(str(int(i + start)) for i, start in zip(index, starts or [0] * t.ndim))
        raise ValueError(f"{name}{f'[{places}]' if t.ndim else ''}{block} = {t[index]} {complaint}")


def check_label_dtype(t, name):
    """Raise TypeError if labels are not integers."""
    if t.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {t.dtype}: labels must be integers, the class indices")


def check_label_values(t, name, classes, owner, **part):
    """Raise ValueError if a label is not a class index; the argument `owner` has the classes."""
    if t.size and not between(t, 0, classes - 1):
        refuse_where((t < 0) | (t >= classes), t, name, f"is not a class index: {owner} has {classes} classes", **part)


def check_probabilities(t, name, **part):
    """Raise ValueError if an entry of a distribution is negative, infinite or nan."""
    refuse_where(~((t >= 0) & (t < np.inf)), t, name, "is not a probability: it must be finite and at least 0", **part)


def check_units(t, name):
    """Raise ValueError if a target of a logistic unit is not between 0 and 1."""
    refuse_where(~((t >= 0) & (t <= 1)), t, name, "is not a probability: it must lie between 0 and 1")


def labels(t, name, shape, classes, source):
    """Return the labels `t`, class indices of the given shape, as intp.

    `source` has the name of the argument that has the classes, and that of the argument that sets the shape
    of the labels and its own shape. Errors tell them.
    """
    owner, cases, cases_shape = source
    check_label_dtype(t, name)
    if t.shape != shape:
        raise ValueError(f"{name} has shape {t.shape}: for {cases} of shape {cases_shape}, labels have shape {shape}")
    check_label_values(t, name, classes, owner)
    return t.astype(np.intp, copy=False)


def real_targets(t, z, axis):
    """Return targets of any real value, one for each entry of `z`."""
    t, _ = real(t, "t")
    same_shape(t, "t", z)
    return t


def unit_targets(t, z, axis):
    """Return targets between 0 and 1, one for each entry of `z`."""
    t = real_targets(t, z, axis)
    check_units(t, "t")
    return t


def class_targets(t, z, axis):
    """Return labels (intp, of the shape of `z` without `axis`) or distributions (floats, of the shape of `z`)."""
    t = array(t, "t")
    cases = without(z.shape, axis)
    if t.ndim == z.ndim - 1:
        return labels(t, "t", cases, z.shape[axis], ("z", "z", z.shape))
    t, _ = real(t, "t")
    if t.shape != z.shape:
        raise ValueError(
            f"t has shape {t.shape}: for z of shape {z.shape}, labels have shape {cases} and distributions {z.shape}"
        )
    check_probabilities(t, "t")
    return t


def without(shape, axis):
    """Return a shape without one of its axes."""
    return shape[:axis] + shape[axis % len(shape) + 1 :]


def case_weights(weights, shape):
    """Return the weights of cases, one for each index of `shape`, as float64."""
    weights, _ = real(weights, "weights")
    if weights.shape != shape:
        raise ValueError(f"weights has shape {weights.shape}: it must have one weight for each case, shape {shape}")
    check_weights(weights)
    return weights.astype(np.float64)


def check_weights(weights, **part):
    """Raise ValueError if a weight is negative, infinite or nan."""
    complaint = "is not a weight: it must be finite and at least 0"
    refuse_where(~((weights >= 0) & (weights < np.inf)), weights, "weights", complaint, **part)


def mean_divisor(z, name, shape, weights):
    """Return the divisor of a mean: the number of cases, or the sum of their weights."""
    cases = math.prod(shape)
    if cases == 0:
        raise ValueError(f"{name} has shape {z.shape}: the mean over no cases is undefined")
    if weights is None:
        return cases
    if not weights.any():
        raise ValueError("weights are all 0: the mean over no cases is undefined")
    return weights.sum()


def without_cases(t, left_out, axis):
    """Return targets with 0 for the cases that are left out, whatever numbers they hold there."""
    t = array(t, "t").copy()
    if t.dtype.kind not in "biuf":
        return t
    if t.shape == left_out.shape:
        t[left_out] = 0
    elif t.ndim == left_out.ndim + 1 and without(t.shape, axis) == left_out.shape:
        np.moveaxis(t, axis, -1)[left_out] = 0
    return t


# What arguments of other libraries are called here.
ELSEWHERE = {
    "dim": "functions of softmax take the axis of the classes as axis=",
    "ignore_index": "labels are left out by weights=, as in weights=t != -100",
    "weight": "weights= takes one weight for each case; weights of classes are weights=w[t]",
    "label_smoothing": "a smoothed label is a distribution: t = (1 - a) * one_hot + a / K",
}


def names_arguments(function):
    """Decorate a function whose errors say what an argument of another library is called here."""

    @functools.wraps(function)
    def checked(*args, **options):
        try:
            return function(*args, **options)
        except TypeError:
            for name in options.keys() & ELSEWHERE.keys():
                raise TypeError(f"{function.__name__} has no argument {name}: {ELSEWHERE[name]}") from None
            raise

    return checked
