"""The shipped data: what it is, that it is unchanged, and that the split is fixed."""

import io
import zipfile
from importlib import resources

import numpy as np
import pytest
from sklearn.datasets import load_digits

from smlib.datasets import digits, split


def test_digits_are_those_of_scikit_learn():
    theirs = load_digits()
    x, t = digits()
    assert np.array_equal(x * 16, theirs.data)
    assert np.array_equal(t, theirs.target)


def test_digits_have_documented_shapes_and_range():
    x, t = digits()
    assert x.shape == (1797, 64) and x.dtype == np.float64
    assert t.shape == (1797,) and t.dtype == np.int64
    assert x.min() == 0.0 and x.max() == 1.0
    assert set(t) == set(range(10))


def test_digits_are_fresh_at_each_call():
    x, t = digits()
    x[:], t[:] = -1, -1
    assert digits()[0].min() == 0 and digits()[1].min() == 0


def test_digits_file_is_small_and_holds_no_pickle():
    raw = resources.files("smlib").joinpath("data", "digits.npz").read_bytes()
    assert len(raw) < 64 * 1024
    names = {f"{name}.npy" for name in ("pixels", "labels")}
    assert set(zipfile.ZipFile(io.BytesIO(raw)).namelist()) == names
    with np.load(io.BytesIO(raw), allow_pickle=False) as stored:
        assert all(stored[name].dtype == np.uint8 for name in stored)


def test_digits_say_where_they_come_from():
    note = resources.files("smlib").joinpath("data", "digits.txt").read_text("utf-8")
    assert "10.24432/C50P49" in note and "CC BY 4.0" in note


@pytest.mark.parametrize("n, held_out", [(1797, 360), (5, 0), (5, 5), (0, 0)])
def test_split_counts_each_case_once(n, held_out):
    train, test = split(n, held_out=held_out)
    assert len(test) == held_out
    assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(n))
    assert (np.diff(train) > 0).all() and (np.diff(test) > 0).all()


def test_split_is_the_documented_one():
    """Sorting the raw draws by hand: no shuffle of NumPy's is involved."""
    draws = [int(np.random.PCG64(3).random_raw(10)[i]) for i in range(10)]
    by_hand = sorted(range(10), key=lambda i: draws[i])
    train, test = split(10, held_out=4, seed=3)
    assert test.tolist() == sorted(by_hand[:4])
    assert train.tolist() == sorted(by_hand[4:])


def test_split_never_changes():
    assert split(1797, held_out=360)[1][:8].tolist() == [2, 3, 11, 13, 15, 20, 21, 32]
    assert split(12, held_out=4, seed=1)[1].tolist() == [2, 4, 7, 9]


def test_split_holds_every_digit_about_equally_often():
    t = digits()[1]
    _, test = split(len(t), held_out=360)
    assert 25 <= np.bincount(t[test]).min() <= np.bincount(t[test]).max() <= 47


@pytest.mark.parametrize("n, held_out, seed, error, message", [
    (10, 11, 0, ValueError, "held_out = 11 is more than the n = 10"),
    (10, -1, 0, ValueError, "held_out = -1 is negative"),
    (-1, 0, 0, ValueError, "n = -1 is negative"),
    (10, 2, -3, ValueError, "seed = -3 is negative"),
    (10, 0.2, 0, TypeError, "held_out = 0.2 is not an integer"),
    (10, 2, None, TypeError, "seed = None is not an integer"),
])
def test_split_refuses(n, held_out, seed, error, message):
    with pytest.raises(error, match=message):
        split(n, held_out=held_out, seed=seed)
