"""The derivation as SymPy objects: softmax, its Jacobian, the cost and its gradient.

There are two forms. For a *fixed* number of classes, the functions return matrices of ordinary
expressions. For *any* number of classes K, the ``general_…`` functions return one expression in
`K`, `i` and `j`, with the sums kept as sums. `at_size` leads from the second form to the first.

The sums run over dummy indices, which print with an underscore in front. No other symbol equals
them, so you can differentiate the general expressions by ``z[i]`` and ``z[k]`` too, and combine them
with sums of your own. Give the indices common names with ``as_dummy()`` to compare such sums.

SymPy takes every derivative here from the definition. No closed form is typed in, so this module
can serve as an oracle for the numerical functions.

Classes are counted from 1, as on paper: ``z[1]`` to ``z[K]``.
"""

import sympy as sp

from smlib import _checks

__all__ = [
    "K",
    "i",
    "j",
    "k",
    "t",
    "z",
    "logits",
    "targets",
    "softmax",
    "softmax_jacobian",
    "cross_entropy",
    "cross_entropy_gradient",
    "general_softmax",
    "general_jacobian",
    "general_cross_entropy",
    "general_gradient",
    "at_size",
]

K = sp.Symbol("K", integer=True, positive=True)
i, j, k = sp.symbols("i j k", integer=True, positive=True)
z = sp.IndexedBase("z", real=True)
t = sp.IndexedBase("t", real=True)

# SymPy does not rename the index of a sum when it differentiates: by z[k], it takes the k of
# Σ_k exp(z[k]) for the same index. So the sums here run over symbols that nobody else has.
_i, _k = (sp.Dummy(name, integer=True, positive=True) for name in "ik")


def logits(n):
    """Return the column of real symbols z_1 … z_n.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If `n` is less than 1.

    Examples
    --------
    >>> logits(3).T
    Matrix([[z_1, z_2, z_3]])
    """
    return sp.Matrix(sp.symbols(f"z_1:{_checks.whole(n, 'n', least=1) + 1}", real=True))


def targets(n):
    """Return the column of real symbols t_1 … t_n; they need not sum to one.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If `n` is less than 1.

    Examples
    --------
    >>> targets(2).T
    Matrix([[t_1, t_2]])
    """
    return sp.Matrix(sp.symbols(f"t_1:{_checks.whole(n, 'n', least=1) + 1}", real=True))


def softmax(z):
    """Return the column y with y_i = exp(z_i) / Σ_k exp(z_k) of a column z.

    Raises
    ------
    TypeError
        If `z` is not a SymPy matrix.
    ValueError
        If `z` is not a single column of at least one entry.

    Examples
    --------
    >>> softmax(logits(2))[0]
    exp(z_1)/(exp(z_1) + exp(z_2))
    """
    e = _column("z", z).applyfunc(sp.exp)
    return e / sum(e)


def softmax_jacobian(z):
    """Return the matrix of ∂y_i/∂z_j, row i and column j, as SymPy differentiates it.

    Raises
    ------
    TypeError
        If `z` is not a SymPy matrix.
    ValueError
        If `z` is not a single column of at least one entry.
        If an entry of `z` is not a symbol.

    Examples
    --------
    >>> z = logits(2)
    >>> y = softmax(z)
    >>> sp.simplify(softmax_jacobian(z)[0, 1] + y[0] * y[1])
    0
    """
    return softmax(z).jacobian(z)


def cross_entropy(z, t):
    """Return C = −Σ_i t_i log y_i of the columns z (logits) and t (targets).

    Raises
    ------
    TypeError
        If `z` or `t` is not a SymPy matrix.
    ValueError
        If `z` or `t` is not a single column of at least one entry.
        If `z` and `t` differ in length.

    Examples
    --------
    >>> z = logits(2)
    >>> cross_entropy(z, sp.Matrix([1, 0]))
    -log(exp(z_1)/(exp(z_1) + exp(z_2)))
    """
    y = softmax(z)
    if _column("t", t).shape != z.shape:
        raise ValueError(f"t has {len(t)} entries: it must have {len(z)}, as z has")
    return -sum(t_i * sp.log(y_i) for t_i, y_i in zip(t, y))


def cross_entropy_gradient(z, t):
    """Return the column of ∂C/∂z_j, as SymPy differentiates it.

    Raises
    ------
    TypeError
        If `z` or `t` is not a SymPy matrix.
    ValueError
        If `z` or `t` is not a single column of at least one entry.
        If `z` and `t` differ in length.
        If an entry of `z` is not a symbol.

    Examples
    --------
    >>> z = logits(2)
    >>> gradient = cross_entropy_gradient(z, sp.Matrix([1, 0]))
    >>> gradient.applyfunc(sp.simplify).T
    Matrix([[-exp(z_2)/(exp(z_1) + exp(z_2)), exp(z_2)/(exp(z_1) + exp(z_2))]])
    """
    C = cross_entropy(z, t)
    return sp.Matrix([sp.diff(C, z_j) for z_j in z])


def general_softmax():
    """Return y_i for any K.

    Examples
    --------
    >>> general_softmax()
    exp(z[i])/Sum(exp(z[_k]), (_k, 1, K))
    """
    return _output(i)


def general_jacobian():
    """Return ∂y_i/∂z_j for any K, with 1 ≤ j ≤ K.

    Differentiating the normalizer leaves a sum over a Kronecker delta, which SymPy carries out. The
    result has two cases, because j might lie outside the sum; with j ≤ K, the first case holds.

    Examples
    --------
    >>> general_jacobian().subs(i, 1).subs(j, 2)
    -exp(z[1])*exp(z[2])/Sum(exp(z[_k]), (_k, 1, K))**2
    """
    return _inside(sp.diff(general_softmax(), z[j]).doit())


def general_cross_entropy():
    """Return C = −Σ_i t_i log y_i for any K.

    Examples
    --------
    >>> general_cross_entropy()
    -Sum(log(exp(z[_i])/Sum(exp(z[_k]), (_k, 1, K)))*t[_i], (_i, 1, K))
    """
    return -sp.Sum(t[_i] * sp.log(_output(_i)), (_i, 1, K))


def general_gradient():
    """Return ∂C/∂z_j = y_j Σ_i t_i − t_j for any K, with 1 ≤ j ≤ K.

    Examples
    --------
    >>> general_gradient()
    exp(z[j])*Sum(t[_i], (_i, 1, K))/Sum(exp(z[_k]), (_k, 1, K)) - t[j]
    """
    gradient = sp.diff(general_cross_entropy(), z[j]).doit()
    return sp.simplify(_inside(gradient))


def at_size(expression, n, **indices):
    """Write out a general expression for K = n and the classes named in `indices`.

    The sums are expanded, and the entries of `z` and `t` become the symbols of
    `logits(n)` and `targets(n)`.

    Raises
    ------
    TypeError
        If `n` or an index is not an integer.
    ValueError
        If `n` is less than 1.
        If an index is not `i`, `j` or `k`.
        If an index is not one of the classes 1 to n.

    Examples
    --------
    >>> at_size(general_softmax(), 2, i=1)
    exp(z_1)/(exp(z_1) + exp(z_2))
    >>> at_size(sp.diff(general_softmax(), z[k]), 2, i=1, k=2)
    -exp(z_1)*exp(z_2)/(exp(z_1) + exp(z_2))**2
    """
    n = _checks.whole(n, "n", least=1)
    for name, value in indices.items():
        if name not in ("i", "j", "k"):
            raise ValueError(f"{name} is not an index of a general expression: it must be i, j or k")
        if _checks.whole(value, name, least=1) > n:
            raise ValueError(f"{name} = {value} is not one of the classes 1 to {n}")
    chosen = {sp.Symbol(name, integer=True, positive=True): value for name, value in indices.items()}
    written_out = expression.subs({K: n, **chosen}).doit()
    entries = zip(range(1, n + 1), logits(n), targets(n))
    return written_out.subs([pair for c, z_c, t_c in entries for pair in ((z[c], z_c), (t[c], t_c))])


def _column(name, column):
    """Return a SymPy matrix of one column and at least one entry; raise for anything else."""
    if not isinstance(column, sp.MatrixBase):
        raise TypeError(f"{name} is of type {type(column).__name__}: it must be a column, as a SymPy matrix")
    if column.shape[0] == 0 or column.shape[1] != 1:
        raise ValueError(f"{name} has shape {column.shape}: it must be a column of at least one entry")
    return column


def _output(index):
    """Return the output of the class `index`, for any K."""
    return sp.exp(z[index]) / sp.Sum(sp.exp(z[_k]), (_k, 1, K))


def _inside(expression):
    """Resolve the cases of a sum over a Kronecker delta, with the assumption j ≤ K."""
    return sp.refine(expression, sp.Q.le(j, K))
