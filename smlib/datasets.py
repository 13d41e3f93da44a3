"""Data that the chapters train on, shipped with the module: no download, no surprise.

Each file in ``smlib/data`` has a text file beside it with its source and licence.
"""

from importlib import resources
from operator import index

import numpy as np

__all__ = ["digits", "split"]


def digits():
    """The 1797 handwritten digits of 8 × 8 pixels, and what each of them is.

    Returns
    -------
    x : ndarray of float64, shape (1797, 64)
        One image a row, from its upper left to its lower right pixel; 0 is
        paper and 1 is ink. (Each pixel counts the ink in a block of 16 finer
        pixels, so the values are sixteenths, and exact.) ``x[n].reshape(8, 8)``
        is the picture.
    t : ndarray of int64, shape (1797,)
        The digit that was written, 0 to 9.

    Notes
    -----
    The test file of the UCI repository's *Optical Recognition of Handwritten
    Digits*, E. Alpaydin and C. Kaynak (1998), https://doi.org/10.24432/C50P49,
    licence CC BY 4.0. Thirteen people wrote them. Each call returns fresh arrays.

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
    """Divide `n` cases into those to train on and those to test on, the same way each time.

    The cases are shuffled and the first `held_out` of them are kept for the
    test. The same `n` and `seed` give the same split on every machine and with every
    version of NumPy: the shuffle sorts the raw output of the PCG64 generator,
    which NumPy promises not to change.

    Parameters
    ----------
    n : int
        Number of cases.
    held_out : int
        Number of them to test on, 0 to `n`.
    seed : int
        Another seed gives another split.

    Returns
    -------
    train, test : ndarray of int64
        Indices, each in increasing order, that together count 0 to n − 1 once.

    Raises
    ------
    TypeError
        If an argument is not an integer.
    ValueError
        If `held_out` is not from 0 to `n`, or `n` or `seed` is negative.

    Examples
    --------
    >>> train, test = split(1797, held_out=360)
    >>> len(train), len(test), test[:5].tolist()
    (1437, 360, [2, 3, 11, 13, 15])
    """
    n, held_out = _count("n", n), _count("held_out", held_out)
    if held_out > n:
        raise ValueError(f"held_out = {held_out} is more than the n = {n} cases there are")
    raw = np.random.PCG64(_count("seed", seed)).random_raw(n)
    order = np.argsort(raw, kind="stable").astype(np.int64)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def _count(name, value):
    try:
        value = index(value)
    except TypeError:
        raise TypeError(f"{name} = {value!r} is not an integer") from None
    if value < 0:
        raise ValueError(f"{name} = {value} is negative: give 0 or more")
    return value
