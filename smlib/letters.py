"""A model that writes: the family trees as sentences, one letter at a time.

One causal layer of attention and one layer of tanh units predict the next letter:

    X = E[letter] + position,  Q, K, V = X W_q, X W_k, X W_v
    P = softmax(Q Kᵀ / √d) over the letters so far,  O = P V
    z = tanh((X + O W_o) U + c) W + b

The backward pass is written out, and the line that goes through attention's softmax can be
replaced: `dscores` takes (P, dP) and returns the gradient at the scores. The model is for experiments
with that line and with drawing letters; it checks less of what it is given than the rest of smlib.
"""

from typing import NamedTuple

import numpy as np

from smlib.costs import cross_entropy_value_and_grad
from smlib.datasets import family_trees
from smlib.outputs import log_softmax, softmax

__all__ = ["sentences", "encode", "draw", "through_softmax", "Activities", "LetterModel"]

END = "\n"
WIDTH, HIDDEN = 32, 64
RATE, BATCH = 0.01, 28


def sentences(facts=None):
    """Return facts as sentences, such as "Colin's aunt is Jennifer.", each with a line feed at its end.

    Parameters
    ----------
    facts : array_like of int, shape (N, 3), optional
        Rows (p, r, q) as in `smlib.datasets.family_trees().facts`, true or not. By default the 112 true ones.

    Returns
    -------
    list of str

    Examples
    --------
    >>> sentences()[0]
    "Christopher's wife is Penelope.\\n"
    >>> sentences([[0, 0, 0]])
    ["Christopher's father is Christopher.\\n"]
    """
    trees = family_trees()
    facts = trees.facts if facts is None else facts
    return [f"{trees.people[p]}'s {trees.relations[r]} is {trees.people[q]}.{END}" for p, r, q in facts]


LETTERS = "".join(sorted(set("".join(sentences()))))
LENGTH = max(map(len, sentences(np.ndindex(24, 12, 24))))  # of any sentence that could be formed, true or not


def encode(lines):
    """Return sentences as cases for the model: a letter is predicted from the letters before it.

    Parameters
    ----------
    lines : sequence of str
        Each of at most 39 letters. A line feed ends a sentence, and its prediction is a case too.

    Returns
    -------
    x, t : ndarray of int64, shape (N, 39)
        The letters so far, begun with a line feed, and the next letters. 0, the line feed, fills the rest.
    where : ndarray of bool, shape (N, 39)
        True at the letters of the sentence.

    Raises
    ------
    ValueError
        If a sentence is too long or has a letter that no fact has.

    Examples
    --------
    >>> x, t, where = encode(["Colin's aunt is Jennifer.\\n"])
    >>> "".join(LETTERS[i] for i in t[0, where[0]])
    "Colin's aunt is Jennifer.\\n"
    """
    letters = np.zeros((len(lines), LENGTH + 1), dtype=np.int64)
    where = np.zeros((len(lines), LENGTH), dtype=bool)
    for row, line in enumerate(lines):
        unknown = set(line) - set(LETTERS)
        if unknown or len(line) > LENGTH:
            problem = f"has the letter {min(unknown)!r}, which no fact has" if unknown else f"is longer than {LENGTH}"
            raise ValueError(f"lines[{row}] = {line!r} {problem}")
        letters[row, 1 : len(line) + 1] = [LETTERS.index(letter) for letter in line]
        where[row, : len(line)] = True
    return letters[:, :-1], letters[:, 1:], where


def draw(z, rng):
    """Return a class drawn from softmax(z) for each row: the arg max of z plus Gumbel noise.

    Parameters
    ----------
    z : ndarray of float, shape (N, K)
        Logits. A class with −inf is never drawn.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64, shape (N,)

    Examples
    --------
    >>> draw(np.array([[0.0, 99.0], [99.0, 0.0]]), np.random.default_rng(0))
    array([1, 0])
    """
    return (z + rng.gumbel(size=z.shape)).argmax(axis=-1)


def through_softmax(P, dP):
    """Return ∂C/∂S of P = softmax(S): P ∘ (dP − D), where D is the sum of P ∘ dP in each row.

    Parameters
    ----------
    P, dP : ndarray of float, shape (…, K)
        The weights and ∂C/∂P.

    Returns
    -------
    ndarray of float, shape (…, K)

    Examples
    --------
    >>> through_softmax(np.array([0.5, 0.5]), np.array([1.0, 3.0]))
    array([-0.5,  0.5])
    """
    return P * (dP - (P * dP).sum(axis=-1, keepdims=True))


class Activities(NamedTuple):
    """What a `LetterModel` computes, named as in the formulas above.

    S are the scores, H = X + O W_o, and A the tanh units.
    """

    X: np.ndarray
    Q: np.ndarray
    K: np.ndarray
    V: np.ndarray
    S: np.ndarray
    P: np.ndarray
    O: np.ndarray
    H: np.ndarray
    A: np.ndarray
    z: np.ndarray


class LetterModel:
    """A model of the next letter, with one layer of causal attention.

    Parameters
    ----------
    rng : numpy.random.Generator
        Generator of the first weights.

    Attributes
    ----------
    weights : dict of str to ndarray
        "E" and "position" (a row of 32 for each letter and place), "q", "k", "v" and "o" (32 × 32),
        "U" and "c" (32 × 64, 64), "W" and "b" (64 × letters, letters). You may change them.

    Examples
    --------
    >>> model = LetterModel(np.random.default_rng(0))
    >>> x, t, where = encode(sentences())
    >>> model.activities(x).P.shape
    (112, 39, 39)
    >>> cost, gradient = model.value_and_grad(x, t, where / where.sum())
    >>> gradient["q"].shape
    (32, 32)
    """

    def __init__(self, rng):
        def normal(rows, columns, size):
            return rng.standard_normal((rows, columns)) * size

        classes = len(LETTERS)
        self.weights = {
            "E": normal(classes, WIDTH, 0.5),
            "position": normal(LENGTH, WIDTH, 0.5),
            **{name: normal(WIDTH, WIDTH, WIDTH**-0.5) for name in "qkvo"},
            "U": normal(WIDTH, HIDDEN, WIDTH**-0.5),
            "c": np.zeros(HIDDEN),
            "W": normal(HIDDEN, classes, HIDDEN**-0.5),
            "b": np.zeros(classes),
        }
        self._updates = 0
        self._means = {name: np.zeros_like(w) for name, w in self.weights.items()}
        self._squares = {name: np.zeros_like(w) for name, w in self.weights.items()}

    def activities(self, x):
        """Return the forward pass.

        Parameters
        ----------
        x : ndarray of int, shape (N, n)
            Letters, n at most 39.

        Returns
        -------
        Activities
            S and P have shape (N, n, n), z has shape (N, n, letters).
        """
        w, n = self.weights, x.shape[1]
        X = w["E"][x] + w["position"][:n]
        Q, K, V = (X @ w[name] for name in "qkv")
        S = Q @ K.swapaxes(1, 2) / np.sqrt(WIDTH)
        P = softmax(S, where=np.tril(np.ones((n, n), dtype=bool)))
        O = P @ V
        H = X + O @ w["o"]
        A = np.tanh(H @ w["U"] + w["c"])
        return Activities(X, Q, K, V, S, P, O, H, A, A @ w["W"] + w["b"])

    def value_and_grad(self, x, t, weights, *, dscores=through_softmax):
        """Return the cost Σ weights · (−log y_t) over all letters, and its gradient.

        Parameters
        ----------
        x, t : ndarray of int, shape (N, n)
            Letters and next letters, as `encode` returns them.
        weights : ndarray of float, shape (N, n)
            Weight of each letter's cost, of either sign; `where / where.sum()` gives the mean.
        dscores : callable
            Takes P and dP = ∂C/∂P, and returns ∂C/∂S.

        Returns
        -------
        C : float
        gradient : dict of str to ndarray
            With the names and shapes of `weights`.
        """
        w, a = self.weights, self.activities(x)
        C, dz = cross_entropy_value_and_grad(a.z, t, reduction="none")
        dz *= weights[..., np.newaxis]
        dA = dz @ w["W"].T * (1 - a.A**2)
        dH = dA @ w["U"].T
        dO = dH @ w["o"].T
        dP = dO @ a.V.swapaxes(1, 2)
        dS = dscores(a.P, dP) / np.sqrt(WIDTH)
        dQ, dK, dV = dS @ a.K, dS.swapaxes(1, 2) @ a.Q, a.P.swapaxes(1, 2) @ dO
        dX = dH + dQ @ w["q"].T + dK @ w["k"].T + dV @ w["v"].T
        position = np.zeros_like(w["position"])
        position[: x.shape[1]] = dX.sum(axis=0)
        gradient = {
            "E": _flat(np.eye(len(LETTERS))[x]).T @ _flat(dX),
            "position": position,
            **{name: _flat(a.X).T @ _flat(d) for name, d in zip("qkv", (dQ, dK, dV))},
            "o": _flat(a.O).T @ _flat(dH),
            "U": _flat(a.H).T @ _flat(dA),
            "c": _flat(dA).sum(axis=0),
            "W": _flat(a.A).T @ _flat(dz),
            "b": _flat(dz).sum(axis=0),
        }
        return (weights * C).sum(), gradient

    def update(self, gradient, rate):
        """Change the weights by one step of Adam (decay 0.9 and 0.999).

        Parameters
        ----------
        gradient : dict of str to ndarray
        rate : float

        References
        ----------
        D. P. Kingma and J. Ba, *Adam: a method for stochastic optimization*, 2015.
        """
        self._updates += 1
        for name, g in gradient.items():
            mean, square = self._means[name], self._squares[name]
            mean += 0.1 * (g - mean)
            square += 0.001 * (g**2 - square)
            size = np.sqrt(square / (1 - 0.999**self._updates)) + 1e-8
            self.weights[name] -= rate * mean / (1 - 0.9**self._updates) / size

    def train(self, lines, *, steps, rng, dscores=through_softmax, watch=None):
        """Train the model on sentences, 28 at a time, by Adam, whose rate of 0.01 falls to 0 over the second half.

        Parameters
        ----------
        lines : sequence of str
        steps : int
        rng : numpy.random.Generator
            Generator of the batches, which are drawn with replacement.
        dscores : callable
            As in `value_and_grad`.
        watch : callable, optional
            Called with the step's number, from 0, before each step.
        """
        x, t, where = encode(lines)
        for step in range(steps):
            if watch is not None:
                watch(step)
            at = rng.integers(len(x), size=BATCH)
            weights = where[at] / where[at].sum()
            _, gradient = self.value_and_grad(x[at], t[at], weights, dscores=dscores)
            self.update(gradient, RATE * min(1, 2 * (1 - step / steps)))

    def log_probability(self, lines, *, T=1.0):
        """Return the logarithm of the probability that the model writes each sentence, drawing at temperature T.

        Parameters
        ----------
        lines : sequence of str
        T : float
            Divisor of the logits.

        Returns
        -------
        ndarray of float, shape (N,)
        """
        x, t, where = encode(lines)
        total = np.zeros(len(x))
        for start in range(0, len(x), 500):  # of all 6912 sentences that could be formed at once, P alone has 88 MB
            at = slice(start, start + 500)
            y = log_softmax(self.activities(x[at]).z / T)
            total[at] = np.where(where[at], np.take_along_axis(y, t[at, :, np.newaxis], axis=-1)[..., 0], 0).sum(axis=1)
        return total

    def write(self, count, rng, *, choose=draw):
        """Return sentences that the model writes, each until its line feed or the 39th letter.

        Parameters
        ----------
        count : int
        rng : numpy.random.Generator
        choose : callable
            Takes the logits, of shape (count, letters), and `rng`, and returns the next letters, of shape (count,).

        Returns
        -------
        list of str
            The line feed included.
        """
        x = np.zeros((count, 1), dtype=np.int64)
        for _ in range(LENGTH):
            x = np.column_stack([x, choose(self.activities(x).z[:, -1], rng)])
        lines = ("".join(LETTERS[i] for i in row[1:]) for row in x)
        return [line[: line.find(END) + 1] or line for line in lines]


def _flat(a):
    """Return `a` with one row for each letter."""
    return a.reshape(-1, a.shape[-1])
