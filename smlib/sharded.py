r"""Softmax, its logarithm and its cross-entropy on Dask arrays, for logits that outgrow one machine.

The five functions have the names, results and arguments of smlib's, except for `out`. The logits `z`
are a Dask array, whose chunks may split the cases, the classes, or both. `where` and the targets may
be NumPy or Dask arrays. The results are Dask arrays, and nothing is computed until you compute them.
Wrong shapes and dtypes raise at once, and wrong values when the result is computed.

Each chunk gives a *state* for each of its rows, the largest logit m and the sum over its rivals:

.. math:: s = \sum_{j \ne c} e^{z_j - m}, \qquad m = z_c = \max_j z_j

A tree of merges, a few states at a time, leads to the state of all classes together. This takes one
pass over the logits. Results of the shape of the logits (softmax, its logarithm, the gradient) take a
second pass, for which lazy logits are computed again: no chunk is kept from one pass to the next. So
the logits must be the same when they are computed twice. If they are expensive to compute, persist
them first (``z = z.persist()``).

Chunks of a few MiB or more keep the overhead of the tasks small. Chunk sizes may be unknown along the
cases, but not along the classes.
"""

import math

import numpy as np

from smlib import _checks, _kernels, _state
from smlib._blocks import Block, blocks
from smlib._sums import SmallUfuncBuffer, row_sums, within

try:
    import dask.array as da
    from dask._task_spec import GraphNode
    from dask.base import clone_key
    from dask.graph_manipulation import clone
    from dask.highlevelgraph import HighLevelGraph, MaterializedLayer
except ImportError as error:
    raise ImportError(
        "smlib.sharded needs Dask 2025.1 or later: pip install 'dask[array,distributed]', "
        "or smlib with its extra, as in pip install '.[sharded]' in a clone"
    ) from error

__all__ = ["cross_entropy", "cross_entropy_value_and_grad", "log_softmax", "logsumexp", "softmax"]

# Number of states that are merged at a time.
BRANCHES = 16


def logsumexp(z, axis=-1, *, keepdims=False, where=None):
    r"""Return the log-sum-exp of `z`, as `smlib.logsumexp` does.

    .. math:: \operatorname{lse}(z) = \log \sum_j e^{z_j} = m + \log(1 + s)

    Parameters
    ----------
    z : dask array
        The logits.
    axis : int, tuple of ints or None
        The axis, or axes, that hold the classes. None means all of them.
    keepdims : bool
        Whether the result keeps the axes summed over, with length 1.
    where : array_like or dask array, optional
        A boolean array that broadcasts to the shape of `z`. A class at which it is false is left
        out of the sum.

    Returns
    -------
    dask array
        The logarithms, in nats. A row that is empty, fully masked or all :math:`-\infty` gives
        :math:`-\infty`.

    Raises
    ------
    TypeError
        If `z` is not a Dask array of real numbers.
        If `axis` is not an int, a tuple of ints or None.
        If `where` is not boolean.
    ValueError
        If an axis is out of range or repeated.
        If the chunk sizes along the classes are unknown.
        If `where` does not broadcast to the shape of `z`.
        If the chunks of `where` do not match those of `z` where sizes are unknown.

    Examples
    --------
    >>> import dask.array as da
    >>> z = da.from_array(np.array([[1.0, 2.0, 3.0], [1000.0, 1000.0, 0.0]]), chunks=(1, 2))
    >>> logsumexp(z).compute().round(4)
    array([   3.4076, 1000.6931])
    """
    dtype, over, masks = _arguments(z, axis, where)
    whole = _merge(_states(_output_states, z, over, 2, *masks), over)
    left = [a for a in range(z.ndim) if keepdims or a not in over]
    return _blocks(_log_sums, left, dtype, whole, _state_axes(z), left=left, to=dtype)


def softmax(z, axis=-1, *, where=None):
    r"""Return the softmax of `z`, as `smlib.softmax` does.

    .. math:: y_i = \frac{e^{z_i}}{\sum_j e^{z_j}}

    It is computed as the softmax within a chunk, times the share of the chunk in the whole sum.

    Parameters
    ----------
    z : dask array
        The logits.
    axis : int, tuple of ints or None
        The axis, or axes, that hold the classes. None means all of them.
    where : array_like or dask array, optional
        A boolean array that broadcasts to the shape of `z`. A class at which it is false gets
        exactly 0.

    Returns
    -------
    dask array
        The probabilities, of the shape and chunks of `z`. A row that is all :math:`-\infty` or
        fully masked has no distribution, and gives nan.

    Raises
    ------
    TypeError
        If `z` is not a Dask array of real numbers.
        If `axis` is not an int, a tuple of ints or None.
        If `where` is not boolean.
    ValueError
        If an axis is out of range or repeated.
        If the chunk sizes along the classes are unknown.
        If `where` does not broadcast to the shape of `z`.
        If the chunks of `where` do not match those of `z` where sizes are unknown.

    Examples
    --------
    >>> import dask.array as da
    >>> softmax(da.from_array(np.array([2.0, 1.0, 0.0]), chunks=2)).compute().round(4)
    array([0.6652, 0.2447, 0.09  ])
    """
    return _like_z(_softmax, z, axis, where)


def log_softmax(z, axis=-1, *, where=None):
    r"""Return the logarithm of the softmax of `z`, as `smlib.log_softmax` does.

    .. math:: \log y_i = (z_i - m) - \log(1 + s)

    The logarithm of the largest output keeps its digits as the output approaches 1.

    Parameters
    ----------
    z : dask array
        The logits.
    axis : int, tuple of ints or None
        The axis, or axes, that hold the classes. None means all of them.
    where : array_like or dask array, optional
        A boolean array that broadcasts to the shape of `z`. A class at which it is false gets
        :math:`-\infty`.

    Returns
    -------
    dask array
        The log-probabilities, in nats, of the shape and chunks of `z`. A row that is all
        :math:`-\infty` or fully masked has no distribution, and gives nan.

    Raises
    ------
    TypeError
        If `z` is not a Dask array of real numbers.
        If `axis` is not an int, a tuple of ints or None.
        If `where` is not boolean.
    ValueError
        If an axis is out of range or repeated.
        If the chunk sizes along the classes are unknown.
        If `where` does not broadcast to the shape of `z`.
        If the chunks of `where` do not match those of `z` where sizes are unknown.

    Examples
    --------
    >>> import dask.array as da
    >>> y = log_softmax(da.from_array(np.array([40.0, 0.0]), chunks=1))
    >>> print(f"{y.compute()[0]:.4e}")
    -4.2484e-18
    """
    return _like_z(_log_softmax, z, axis, where)


@_checks.names_arguments
def cross_entropy(z, t, *, reduction="mean", weights=None, axis=-1):
    r"""Return the cross-entropy of the softmax of `z`, in nats, as `smlib.cross_entropy` does.

    .. math:: C = \sum_i t_i (m - z_i) + \log(1 + s) \sum_i t_i

    No term is negative, so a small cost keeps its digits.

    Parameters
    ----------
    z : dask array
        The logits, of shape (…, K) unless `axis` is given.
    t : array_like or dask array
        Either labels, integers from 0 to K − 1 of the shape of `z` without `axis`, or
        distributions, of the shape of `z`.
    reduction : {"mean", "sum", "none"}
        How the costs of the cases are combined: their mean, their sum, or not at all.
    weights : array_like or dask array, optional
        One finite weight of 0 or more for each case, as in `smlib.cross_entropy`. What a weight of 0 leaves
        out is not read.
    axis : int
        The axis that holds the classes.

    Returns
    -------
    dask array
        The cost, of shape (), or with "none" of the shape of `z` without `axis`.

    Raises
    ------
    TypeError
        If `z` is not a Dask array of real numbers.
        If `t` holds labels that are not integers, or distributions that are not real numbers.
    ValueError
        If the shapes of `z` and `t`, or of `z` and `weights`, do not match.
        If `z` has no class axis or no classes.
        If the chunk sizes along the classes are unknown.
        If the chunks of `t` do not match those of `z` where sizes are unknown.
        If `reduction` is unknown, or is "mean" when there are no cases.
        When the result is computed, if a label is not a class index.
        When the result is computed, if a distribution has a negative, infinite or nan entry.
        When the result is computed, if a weight is negative, infinite or nan, or if all weights are 0 and
        `reduction` is "mean".
        When the result is computed, if an unknown number of cases is 0 and `reduction` is "mean".

    Examples
    --------
    >>> import dask.array as da
    >>> z = da.from_array(np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 0.0]]), chunks=(1, 2))
    >>> cross_entropy(z, [0, 1], reduction="none").compute().round(4)
    array([0.4076, 0.0949])
    """
    return _evaluate(z, t, reduction, weights, axis)


@_checks.names_arguments
def cross_entropy_value_and_grad(z, t, *, reduction="mean", weights=None, axis=-1):
    r"""Return the cross-entropy of the softmax of `z`, and its gradient.

    .. math:: \frac{\partial C}{\partial z_i} = y_i \sum_j t_j - t_i

    As in `smlib.cross_entropy_value_and_grad`, the gradient keeps its digits at a label whose output
    approaches 1: there it is minus the sum of the rivals' outputs. Compute both results in one
    call, ``dask.compute(C, gradient)``; otherwise the pass for the cost is made twice.

    Parameters
    ----------
    z : dask array
        The logits, of shape (…, K) unless `axis` is given.
    t : array_like or dask array
        Either labels, integers from 0 to K − 1 of the shape of `z` without `axis`, or
        distributions, of the shape of `z`.
    reduction : {"mean", "sum", "none"}
        How the costs of the cases are combined: their mean, their sum, or not at all. The gradient
        is that of the mean for "mean", and otherwise that of the sum.
    weights : array_like or dask array, optional
        One finite weight of 0 or more for each case, as in `smlib.cross_entropy`. What a weight of 0 leaves
        out is not read.
    axis : int
        The axis that holds the classes.

    Returns
    -------
    C : dask array
        The cost, of shape (), or with "none" of the shape of `z` without `axis`.
    gradient : dask array
        The derivative of `C` with respect to `z`, of the shape and chunks of `z`.

    Raises
    ------
    TypeError
        If `z` is not a Dask array of real numbers.
        If `t` holds labels that are not integers, or distributions that are not real numbers.
    ValueError
        If the shapes of `z` and `t`, or of `z` and `weights`, do not match.
        If `z` has no class axis or no classes.
        If the chunk sizes along the classes are unknown.
        If the chunks of `t` do not match those of `z` where sizes are unknown.
        If `reduction` is unknown, or is "mean" when there are no cases.
        When the result is computed, if a label is not a class index.
        When the result is computed, if a distribution has a negative, infinite or nan entry.
        When the result is computed, if a weight is negative, infinite or nan, or if all weights are 0 and
        `reduction` is "mean".
        When the result is computed, if an unknown number of cases is 0 and `reduction` is "mean".

    Examples
    --------
    >>> import dask
    >>> import dask.array as da
    >>> z = da.from_array(np.array([[2.0, 1.0, 0.0]]), chunks=(1, 2))
    >>> C, gradient = dask.compute(*cross_entropy_value_and_grad(z, [0]))
    >>> print(f"{C:.4f}")
    0.4076
    >>> gradient.round(4)
    array([[-0.3348,  0.2447,  0.09  ]])
    """
    return _evaluate(z, t, reduction, weights, axis, gradient=True)


# Functions that turn arguments into graphs.


def _logits(z):
    """Return the dtype of the results; raise TypeError if `z` is not a Dask array of real numbers."""
    if not isinstance(z, da.Array):
        raise TypeError(
            f"z is of type {type(z).__name__}: it must be a Dask array, as from "
            f"dask.array.from_array(z, chunks=...); smlib itself has the functions for NumPy arrays"
        )
    if isinstance(z._meta, np.ma.MaskedArray):
        raise TypeError(
            "z is a masked array: pass dask.array.ma.getdata(z); softmax, log_softmax and "
            "logsumexp take the mask of logits as where=~dask.array.ma.getmaskarray(z)"
        )
    return _checks.real(z._meta, "z")[1]


def _check_sizes(z, over):
    """Raise ValueError if chunk sizes are unknown along the axes `over`, which hold the classes."""
    for a in over:
        if math.isnan(z.shape[a]):
            raise ValueError(
                f"z has chunks of unknown sizes along axis {a}, which holds the classes: "
                f"call z.compute_chunk_sizes() first"
            )


def _arguments(z, axis, where):
    """Return the dtype of the results, the axes of the classes, and the mask, if any, with its axes."""
    dtype = _logits(z)
    over = _checks.axes(axis, z.ndim)
    _check_sizes(z, over)
    if where is None:
        return dtype, over, []
    where = _array(where, "where")
    _checks.check_mask_dtype(where)
    axes = range(z.ndim - where.ndim, z.ndim)
    if where.ndim > z.ndim or not all(n == 1 or _same(n, z.shape[a]) for n, a in zip(where.shape, axes)):
        raise ValueError(f"where has shape {where.shape}: it must broadcast to z's shape {z.shape}")
    return dtype, over, [_aligned(where, z, axes, "where", stretch=True), axes]


def _targets(z, t, axis, weights):
    """Return the targets, with the chunks of `z` and a check of their values, and their axes."""
    t = _array(t, "t")
    cases = [a for a in range(z.ndim) if a != axis]
    if labels := t.ndim == z.ndim - 1:
        _checks.check_label_dtype(t, "t")
    else:
        _checks.real(np.empty(0, t.dtype), "t")
    axes = cases if labels else range(z.ndim)
    if len(axes) != t.ndim or not all(_same(n, z.shape[a]) for n, a in zip(t.shape, axes)):
        raise ValueError(
            f"t has shape {t.shape}: for z of shape {z.shape}, "
            f"labels have shape {_checks.without(z.shape, axis)} and distributions {z.shape}"
        )
    t = _aligned(t, z, axes, "t")
    if weights is not None:
        t = _blocks(_without_cases, axes, t.dtype, t, axes, weights, cases, axis=axis)
    classes = z.shape[axis] if labels else None
    return t.map_blocks(_checked_targets, classes=classes, meta=t._meta), axes


def _weights(z, weights, axis):
    """Return the weights of the cases, with the chunks of `z` and a check of their values."""
    weights, shape = _array(weights, "weights"), _checks.without(z.shape, axis)
    _checks.real(np.empty(0, weights.dtype), "weights")
    if weights.ndim != len(shape) or not all(map(_same, weights.shape, shape)):
        raise ValueError(f"weights has shape {weights.shape}: it must have one weight for each case, shape {shape}")
    weights = _aligned(weights, z, [a for a in range(z.ndim) if a != axis], "weights")
    return weights.map_blocks(_checked_weights, meta=np.empty((0,) * weights.ndim))


def _array(a, name):
    """Return a Dask array unchanged, and anything else as a NumPy array."""
    return a if isinstance(a, da.Array) else _checks.array(a, name)


def _same(n, m):
    """Return True if two lengths are equal, or if one of them is unknown."""
    return n == m or math.isnan(n) or math.isnan(m)


def _aligned(a, z, axes, name, stretch=False):
    """Return `a`, whose axes are `axes` of `z`, as a Dask array with the chunks of `z` along them.

    With `stretch`, axes of length 1 keep their length.
    """
    lazy = isinstance(a, da.Array)
    chunks = []
    for i, (n, axis) in enumerate(zip(a.shape, axes)):
        if stretch and n == 1:
            chunks.append((1,))
        elif not math.isnan(n + z.shape[axis]):
            chunks.append(z.chunks[axis])
        else:
            chunks.append(a.chunks[i] if lazy else (n,))
            if len(chunks[i]) != z.numblocks[axis]:
                raise ValueError(
                    f"{name} has {len(chunks[i])} and z has {z.numblocks[axis]} chunks along axis "
                    f"{axis} of z, where sizes are unknown: give {name} the chunks of z, or "
                    f"call compute_chunk_sizes() on the array with unknown sizes first"
                )
    return a.rechunk(tuple(chunks)) if lazy else da.from_array(a, chunks=tuple(chunks))


def _again(a):
    """Return `a` with a graph of its own, in which its chunks are computed again.

    Otherwise Dask would keep the chunks of the first pass in memory for the second.
    """
    seed = "smlib.sharded", a.name
    again = clone(a, seed=seed)
    # clone does not rename the keys inside tasks (Dask's issue 12455).
    names = {key: clone_key(key, seed) for key in a.dask.get_all_external_keys()}
    layers = dict(again.dask.layers)
    # Nor does it keep the annotations of the layers: priority, workers, resources.
    told = {clone_key(name, seed): layer.annotations for name, layer in a.dask.layers.items()}
    for name, layer in layers.items():
        if isinstance(layer, MaterializedLayer):
            tasks = {
                key: task.substitute(names, key=key) if isinstance(task, GraphNode) else task
                for key, task in layer.items()
            }
            layers[name] = MaterializedLayer(tasks, told[name])
    graph = HighLevelGraph(layers, again.dask.dependencies)
    return da.Array(graph, again.name, again.chunks, meta=again._meta)


def _state_axes(z):
    """Return the axes of states: their own axis comes first, and is numbered after those of `z`."""
    return (z.ndim, *range(z.ndim))


def _blocks(function, axes, dtype, *arrays, new_axes=None, adjust_chunks=None, **options):
    """Apply a function to the blocks of arrays, each followed by its axes."""
    return da.blockwise(
        function,
        tuple(axes),
        *arrays,
        new_axes=new_axes,
        adjust_chunks=adjust_chunks,
        align_arrays=False,
        concatenate=True,
        meta=np.empty((0,) * len(axes), dtype),
        **options,
    )


def _states(function, z, over, size, *arrays):
    """Return the states of the chunks of `z`, of `size` numbers each, as an array."""
    return _blocks(
        function,
        _state_axes(z),
        np.float64,
        z,
        range(z.ndim),
        *arrays,
        new_axes={z.ndim: size},
        adjust_chunks=dict.fromkeys(over, 1),
        over=over,
    )


def _merge(states, over):
    """Return the states of the whole rows: a tree of merges along the axes `over` of the logits."""
    if not over:
        return states
    return da.reduction(
        states,
        chunk=_unchanged,
        aggregate=_merged,
        axis=tuple(a + 1 for a in over),
        keepdims=True,
        split_every=BRANCHES,
        dtype=np.float64,
        meta=states._meta,
    )


def _like_z(function, z, axis, where):
    """Apply `function` to the chunks of `z`, their states and the states of the whole rows."""
    dtype, over, masks = _arguments(z, axis, where)
    states = _states(_output_states, z, over, 2, *masks)
    whole = _merge(states, over)
    axes, state_axes = range(z.ndim), _state_axes(z)
    masks[:1] = map(_again, masks[:1])
    arrays = [_again(z), axes, states, state_axes, whole, state_axes, *masks]
    return _blocks(function, axes, dtype, *arrays, over=over)


def _evaluate(z, t, reduction, weights, axis, gradient=False):
    """Return the reduced costs of the cases and, with `gradient`, their gradient."""
    _checks.check_choice(reduction, "reduction", ("mean", "sum", "none"))
    dtype = _logits(z)
    axis = _checks.class_axis(axis, z.ndim)
    _checks.check_classes(z, axis=axis)
    axes, cases, over = range(z.ndim), [a for a in range(z.ndim) if a != axis], (axis,)
    _check_sizes(z, over)
    weights = [None, None] if weights is None else [_weights(z, weights, axis), cases]
    t, t_axes = _targets(z, t, axis, weights[0])
    starts = da.from_array(np.cumsum([0, *z.chunks[axis][:-1]]), chunks=1), over
    states = _states(_cost_states, z, over, 5, t, t_axes, *starts)
    whole = _merge(states, over)
    costs = _blocks(_costs, cases, np.float64, whole, _state_axes(z), *weights, axis=axis)
    count = _count(z, costs, weights[0]) if reduction == "mean" else 1
    total = costs if reduction == "none" else da.reduction(costs, _sum, _sum, dtype=np.float64)
    value = total.map_blocks(_quotient, count, to=dtype)
    if not gradient:
        return value
    arrays = [_again(z), axes, t if t.ndim < z.ndim else _again(t), t_axes, *starts]
    arrays += [states, _state_axes(z), whole, _state_axes(z), count, None, *weights]
    return value, _blocks(_gradient, axes, dtype, *arrays, over=over)


def _count(z, costs, weights):
    """Return the divisor of a mean: an int or, if it is unknown, an array that computes it."""
    if costs.size == 0:
        raise ValueError(f"z has shape {z.shape}: the mean over no cases is undefined")
    if weights is not None:
        return weights.sum().map_blocks(_some, "weights are all 0", meta=np.empty(()))
    if math.isnan(costs.size):
        ones = costs.map_blocks(np.ones_like)
        return ones.sum().map_blocks(_some, "z has no cases", meta=np.empty(()))
    return costs.size


# Functions of one block. In all of them, m and s are the state. A row with entries at +inf is replaced
# by its limit: those entries share the mass, and the others have none.


def _checked_targets(t, classes, block_info=None):
    """Return the targets of a block; raise ValueError for a wrong label or, without `classes`, probability."""
    if classes is None:
        _checks.check_probabilities(t, "t", **_part(t, block_info))
    else:
        _checks.check_label_values(t, "t", classes, "z", **_part(t, block_info))
    return t


def _checked_weights(weights, block_info=None):
    """Return the weights of a block as float64; raise ValueError for one that is not a weight."""
    _checks.check_weights(weights, **_part(weights, block_info))
    return weights.astype(np.float64)


def _part(a, block_info):
    """Return where a block starts in its array or, if that is unknown, which block it is."""
    starts = [start for start, _ in block_info[0]["array-location"]]
    if any(map(math.isnan, starts)):
        return {"block": f" of block {block_info[0]['chunk-location']}"}
    return {"starts": starts}


def _without_cases(t, weights, axis):
    """Return the targets of a block with 0 for the cases of weight 0."""
    return _checks.without_cases(t, weights == 0, axis)


def _nothing(z, over, size):
    """Return the states of rows without any class, in their final shape and as columns."""
    states = np.zeros((size, *(1 if a in over else n for a, n in enumerate(z.shape))))
    states[0] = -np.inf
    return states, states.reshape(size, -1)


def _output_states(z, where=None, *, over):
    """Return the states m, s of the rows of a chunk."""
    z, dtype = _checks.real(z, "z")
    where = None if where is None else _checks.mask(where, z.shape)
    states, columns = _nothing(z, over, 2)
    with np.errstate(all="ignore"):
        for rows, block in blocks(z, dtype, over, where=where):
            columns[:, rows] = _state.of_rows(block)[:2]
    return states


def _cost_states(z, t, start, over):
    """Return the states of the rows of a chunk: m, s, Σ t (m − z), Σ t without the top, and t of the top.

    The top is the class with the largest logit m. Given labels, t of the top is 1 in the chunk that
    holds the label, and Σ t without the top is 0.
    """
    z, dtype = _checks.real(z, "z")
    states, columns = _nothing(z, over, 5)
    part_costs = _label_part if t.ndim < z.ndim else _distribution_part
    t = _target_rows(t, z, over[0])
    with np.errstate(all="ignore"):
        for rows, block in blocks(z, dtype, over):
            m, s, top = _state.of_rows(block)
            columns[:, rows] = m, s, *part_costs(block.logits, t[rows], start[0], m, top)
    return states


def _label_part(x, t, start, m, top):
    """Return the last three numbers of `_cost_states` for labels."""
    cost, rest, own = np.zeros((3, len(x)))
    r, column = within(slice(start, start + x.shape[1]), t)
    cost[r] = _state.gap(m[r], x[r, column])
    own[r] = 1.0
    return cost, rest, own


def _distribution_part(x, t, start, m, top):
    """Return the last three numbers of `_cost_states` for distributions."""
    r, t = np.arange(len(x)), _kernels.widened(t)
    cost = row_sums(_product(t, _state.gap(m[:, None], x)))
    own = t[r, top]
    t[r, top] = 0.0
    return cost, row_sums(t), own


def _target_rows(t, z, axis):
    """Return the targets of a chunk of `z`, one label (an intp) or one distribution per row."""
    cases = _checks.without(z.shape, axis)
    if t.shape != (cases if t.ndim < z.ndim else z.shape):
        raise ValueError(f"t has a chunk of shape {t.shape} where that of z has shape {z.shape}")
    if t.ndim < z.ndim:
        return t.astype(np.intp).ravel()
    return np.moveaxis(t, axis, -1).reshape(math.prod(cases), z.shape[axis])


def _unchanged(states, axis, keepdims):
    """Return the states of a chunk unchanged: they are the leaves of the tree."""
    return states


def _merged(states, axis, keepdims):
    """Return the states of several parts as one."""
    shape = [1 if a in axis else n for a, n in enumerate(states.shape)]
    parts = math.prod(states.shape[a] for a in axis)
    states = np.moveaxis(states, axis, range(-len(axis), 0))
    m, s, *costs = states.reshape(len(states), math.prod(shape[1:]), parts)
    with np.errstate(all="ignore"):
        largest, sums, top = _state.merge(m, s)
        result = [largest, sums]
        if costs:
            cost, rest, own = costs
            mass = rest + own
            cost = cost + _product(mass, _state.gap(largest[:, None], m))
            np.put_along_axis(mass, top, np.take_along_axis(rest, top, axis=-1), axis=-1)
            result += [cost.sum(axis=1), mass.sum(axis=1), np.take_along_axis(own, top, axis=-1)[:, 0]]
    return np.array(result).reshape(shape)


def _product(t, a):
    """Return t·a, with 0 where t is 0 and a is +inf."""
    return np.where((t == 0) & (a == np.inf), 0.0, t * a)


def _log_sums(states, left, to):
    """Return m + log(1 + s), with only the axes `left` of the logits."""
    with np.errstate(all="ignore"):
        result = _state.value(*states).astype(to)
    return result.reshape([result.shape[a] for a in left])


def _rows(states):
    """Return states as columns.

    A row without a class above −inf has no distribution: its s becomes nan.
    """
    m, s, *costs = states.reshape(len(states), -1)
    return m, np.where(m == -np.inf, np.nan, s), *costs


def _costs(states, weights, axis):
    """Return Σ t (m − z) + log(1 + s) Σ t of each case, times its weight."""
    m, s, cost, rest, own = _rows(states)
    with np.errstate(all="ignore"):
        costs = (cost + (rest + own) * np.log1p(s)).reshape(_checks.without(states.shape[1:], axis))
    return costs if weights is None else np.where(weights == 0, 0.0, weights * costs)


def _share(states, whole):
    """Return the share of a chunk in the sum over all classes, for each row."""
    m, s, *_ = states.reshape(len(states), -1)
    largest, total, *_ = _rows(whole)
    with np.errstate(all="ignore"):
        return _state.share(m, s, largest, total)


def _multiply(y, share):
    """Multiply y by a share for each row, and set it to 0 where the share is 0 and y may be nan."""
    with SmallUfuncBuffer(y.shape[1]):
        y *= share.astype(y.dtype)[:, None]
    y[share == 0] = 0.0


def _softmax(z, states, whole, where=None, *, over):
    """Return the softmax of a chunk of the logits."""
    share = _share(states, whole)

    def kernel(block, rows):
        _kernels.softmax(block)
        _multiply(block.out, share[rows])

    return _result(kernel, z, over, where)


def _log_softmax(z, states, whole, where=None, *, over):
    """Return the logarithm of the softmax of a chunk of the logits."""
    m, s = _rows(whole)
    with np.errstate(all="ignore"):
        rest = np.log1p(s)

    def kernel(block, rows):
        _kernels.write_log_softmax(block.logits, m[rows].astype(block.out.dtype), rest[rows], block.out)

    return _result(kernel, z, over, where)


def _gradient(z, t, start, states, whole, count, weights, *, over):
    """Return the gradient of the cost, times weights / count, for a chunk of the logits."""
    weights = 1.0 if weights is None else weights.reshape(-1)
    m, s, cost, rest, own = _rows(whole)
    with np.errstate(all="ignore"):
        share = np.where(weights == 0, 0.0, _share(states, whole) * (rest + own) * weights / count)
    labels = t.ndim < z.ndim
    t = _target_rows(t, z, over[0])
    # At a label y − 1 is (e^{z − m} − 1 − s) / (1 + s), in which nothing cancels. At the top of a
    # distribution y Σt − t is the other targets minus (1 − y) Σt.
    with np.errstate(all="ignore"):
        slope = (np.expm1(-cost) - s if labels else rest - own * s) / (1.0 + s) * weights / count
        slope = np.where(weights == 0, 0.0, slope)

    def label_kernel(block, rows):
        _kernels.softmax(block)
        _multiply(block.out, share[rows])
        r, column = within(slice(start[0], start[0] + block.out.shape[1]), t[rows])
        block.out[r, column] = slope[rows][r]

    def distribution_kernel(block, rows):
        at = (s[rows] < 0.5)[:, None] & (block.logits == m[rows, None])
        wide = Block(block.logits.astype(np.float64), np.empty(block.logits.shape))
        _kernels.softmax(wide)
        _multiply(wide.out, share[rows])
        wide.out -= t[rows] * np.broadcast_to(weights, len(s))[rows, None] / count
        block.out[...] = np.where(at, slope[rows, None], wide.out)

    return _result(label_kernel if labels else distribution_kernel, z, over)


def _result(kernel, z, over, where=None):
    """Return an array of the shape of `z` that `kernel(block, rows)` fills."""
    z, dtype = _checks.real(z, "z")
    result = np.empty(z.shape, dtype)
    where = None if where is None else _checks.mask(where, z.shape)
    with np.errstate(all="ignore"):
        for rows, block in blocks(z, dtype, over, result, where):
            kernel(block, rows)
    return result


def _sum(costs, axis, keepdims):
    """Return the sum of the costs of several cases, or inf if it overflows."""
    with np.errstate(all="ignore"):
        return costs.sum(keepdims=keepdims)


def _quotient(total, count, to):
    """Return total / count in the dtype of the results."""
    with np.errstate(all="ignore"):
        return np.asarray(total / count).astype(to)


def _some(count, complaint):
    """Return the divisor of a mean; raise ValueError if it is 0."""
    if count == 0:
        raise ValueError(f"{complaint}: the mean over no cases is undefined")
    return count
