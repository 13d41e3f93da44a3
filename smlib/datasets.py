"""Data that the chapters train on, shipped with the module: nothing is downloaded.

Each file in ``smlib/data`` has a text file next to it with its source and license. The family
trees need no file: they follow from a list of couples and their children.
"""

from dataclasses import dataclass
from importlib import resources

import numpy as np

from smlib import _checks

__all__ = ["digits", "split", "FamilyTrees", "family_trees"]


def digits():
    """Return the 1797 handwritten digits, images of 8 × 8 pixels, and their labels.

    Returns
    -------
    x : ndarray of float64, shape (1797, 64)
        One image per row, from its upper left to its lower right pixel; 0 is paper and 1 is ink.
        Each pixel counts the ink in a block of 16 finer pixels, so the values are exact multiples
        of 1/16. ``x[n].reshape(8, 8)`` is the picture.
    t : ndarray of int64, shape (1797,)
        The digit that was written, 0 to 9.

    Notes
    -----
    The digits are the test file of the UCI repository's *Optical Recognition of Handwritten
    Digits*, E. Alpaydin and C. Kaynak (1998), https://doi.org/10.24432/C50P49, license CC BY 4.0.
    They were written by thirteen people. Each call returns new arrays.

    Examples
    --------
    >>> x, t = digits()
    >>> x.shape, t[:10].tolist()
    ((1797, 64), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    with resources.files("smlib").joinpath("data", "digits.npz").open("rb") as file:
        with np.load(file, allow_pickle=False) as stored:
            x = stored["pixels"].reshape(-1, 64) / 16.0
            return x, stored["labels"].astype(np.int64)


def split(n, *, held_out, seed=0):
    """Return the indices of `n` cases in two parts, one to train on and one to test on.

    The cases are shuffled, and the first `held_out` of them form the test part. The same `n`,
    `held_out` and `seed` give the same split on every machine and with every version of NumPy: the
    shuffle sorts the raw output of the PCG64 generator, which NumPy promises not to change.

    Parameters
    ----------
    n : int
        Number of cases.
    held_out : int
        Number of cases to test on, 0 to `n`.
    seed : int
        Seed of the shuffle, 0 or more.

    Returns
    -------
    train, test : ndarray of int64
        Indices in increasing order. Each of 0 to n − 1 is in one of the two arrays.

    Raises
    ------
    TypeError
        If an argument is not an integer.
    ValueError
        If `held_out` is not from 0 to `n`.
        If `n` or `seed` is negative.

    Examples
    --------
    >>> train, test = split(1797, held_out=360)
    >>> len(train), len(test), test[:5].tolist()
    (1437, 360, [2, 3, 11, 13, 15])
    """
    n, held_out = _checks.whole(n, "n", least=0), _checks.whole(held_out, "held_out", least=0)
    if held_out > n:
        raise ValueError(f"held_out = {held_out} is more than the n = {n} cases there are")
    raw = np.random.PCG64(_checks.whole(seed, "seed", least=0)).random_raw(n)
    order = np.argsort(raw, kind="stable").astype(np.int64)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


# People at the same position in the two tuples have the same role.
ENGLISH = (
    "Christopher",
    "Penelope",
    "Andrew",
    "Christine",
    "Margaret",
    "Arthur",
    "Victoria",
    "James",
    "Jennifer",
    "Charles",
    "Colin",
    "Charlotte",
)
ITALIAN = (
    "Roberto",
    "Maria",
    "Pierro",
    "Francesca",
    "Gina",
    "Emilio",
    "Lucia",
    "Marco",
    "Angela",
    "Tomaso",
    "Alfonso",
    "Sophia",
)
MEN = ("Christopher", "Andrew", "Arthur", "James", "Charles", "Colin")
FAMILIES = (  # a married couple, followed by its children
    ("Christopher", "Penelope", "Arthur", "Victoria"),
    ("Andrew", "Christine", "James", "Jennifer"),
    ("Arthur", "Margaret"),
    ("James", "Victoria", "Colin", "Charlotte"),
    ("Charles", "Jennifer"),
)
RELATIONS = (
    "father",
    "mother",
    "husband",
    "wife",
    "son",
    "daughter",
    "uncle",
    "aunt",
    "brother",
    "sister",
    "nephew",
    "niece",
)


@dataclass(frozen=True)
class FamilyTrees:
    """Two family trees, as facts and as cases to learn. `family_trees` returns them.

    Attributes
    ----------
    people : tuple of str, length 24
        12 English people, then 12 Italians in the same roles: persons i and i + 12 have the same
        position in their trees.
    relations : tuple of str, length 12
        From father to niece.
    facts : ndarray of int64, shape (112, 3)
        Rows (p, r, q): the r of person p is person q, as in (Colin, father, James). The rows are
        in increasing order.
    pairs : ndarray of int64, shape (104, 2)
        The pairs (p, r) that have an answer, once each, in the same order.
    x : ndarray of float64, shape (104, 36)
        One case per pair: 24 numbers that are 1 at the person and 0 elsewhere, then 12 that are 1 at
        the relation and 0 elsewhere.
    t : ndarray of float64, shape (104, 24)
        The answers: the right people share the probability equally.
    """

    people: tuple
    relations: tuple
    facts: np.ndarray
    pairs: np.ndarray
    x: np.ndarray
    t: np.ndarray


def family_trees():
    """Return the two family trees from which Hinton's network learned vectors for words.

    All relations follow by rule from three facts: who is married, who their children are, and who
    is a man. A sibling has the same parents. An uncle is a parent's brother or the husband of a
    parent's sister, and an aunt likewise. A nephew or niece is the reverse of an uncle or aunt.

    Returns
    -------
    FamilyTrees
        New arrays at each call.

    Notes
    -----
    The people and relations are those of G. E. Hinton, *Learning distributed
    representations of concepts*, Proceedings of the Eighth Annual Conference of
    the Cognitive Science Society (1986).

    Examples
    --------
    >>> trees = family_trees()
    >>> p, r = trees.people.index("Colin"), trees.relations.index("aunt")
    >>> [trees.people[q] for q in trees.facts[(trees.facts[:, :2] == (p, r)).all(axis=1), 2]]
    ['Margaret', 'Jennifer']
    >>> trees.facts.shape, trees.x.shape, trees.t.shape
    ((112, 3), (104, 36), (104, 24))
    """
    parent, spouse = np.zeros((2, 12, 12), dtype=bool)  # [p, q] is True if q is p's parent or spouse
    for family in FAMILIES:
        husband, wife, *children = map(ENGLISH.index, family)
        spouse[[husband, wife], [wife, husband]] = True
        parent[np.ix_(children, [husband, wife])] = True
    sibling = parent @ parent.T & ~np.eye(12, dtype=bool)
    parents_sibling = parent @ (sibling | sibling @ spouse)
    kin = parent, spouse, parent.T, parents_sibling, sibling, parents_sibling.T
    man = np.isin(ENGLISH, MEN)
    tree = np.stack([related & sex for related in kin for sex in (man, ~man)], axis=1)
    answers = np.zeros((24, 12, 24))
    answers[:12, :, :12] = answers[12:, :, 12:] = tree
    facts, pairs = np.argwhere(answers), np.argwhere(answers.any(axis=2))
    p, r = pairs.T
    t = answers[p, r] / answers[p, r].sum(axis=1, keepdims=True)
    x = np.hstack([np.eye(24)[p], np.eye(12)[r]])
    return FamilyTrees(ENGLISH + ITALIAN, RELATIONS, facts.astype(np.int64), pairs.astype(np.int64), x, t)
