"""smlib.datasets: where the data come from, that they are unchanged, and that the split is fixed."""

import io
import zipfile
from importlib import resources

import numpy as np
import pytest

from smlib.datasets import digits, family_trees, split


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits  # takes a second: only the process that runs this test imports it

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


def test_a_pickle_in_the_place_of_the_digits_is_not_opened(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    harm = np.array([object()])
    np.savez(tmp_path / "data" / "digits.npz", pixels=harm, labels=harm)
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        digits()


def test_digits_say_where_they_come_from():
    note = resources.files("smlib").joinpath("data", "digits.txt").read_text(encoding="utf-8")
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


def test_split_leaves_equal_draws_in_order(monkeypatch):
    class Draws:
        def __init__(self, seed):
            pass

        def random_raw(self, n):
            return np.arange(n, dtype=np.uint64) % 2

    monkeypatch.setattr(np.random, "PCG64", Draws)
    assert split(2000, held_out=600)[1].tolist() == list(range(0, 1200, 2))


def test_split_never_changes():
    assert split(1797, held_out=360)[1][:8].tolist() == [2, 3, 11, 13, 15, 20, 21, 32]
    assert split(12, held_out=4, seed=1)[1].tolist() == [2, 4, 7, 9]


def test_split_holds_every_digit_about_equally_often():
    t = digits()[1]
    _, test = split(len(t), held_out=360)
    assert 25 <= np.bincount(t[test]).min() <= np.bincount(t[test]).max() <= 47


@pytest.mark.parametrize(
    "n, held_out, seed, error, message",
    [
        (10, 11, 0, ValueError, "held_out = 11 is more than the n = 10"),
        (10, -1, 0, ValueError, "held_out = -1: it must be 0 or more"),
        (-1, 0, 0, ValueError, "n = -1: it must be 0 or more"),
        (10, 2, -3, ValueError, "seed = -3: it must be 0 or more"),
        (10, 0.2, 0, TypeError, "held_out = 0.2: it must be an integer"),
        (10, 2, None, TypeError, "seed = None: it must be an integer"),
    ],
)
def test_a_bad_argument_of_split_is_an_error(n, held_out, seed, error, message):
    with pytest.raises(error, match=message):
        split(n, held_out=held_out, seed=seed)


# The family trees: every relation again, by walking from person to person

SONS, DAUGHTERS, HUSBANDS, WIVES = {}, {}, {}, {}
for mother, father, son, daughter in [
    ("Penelope", "Christopher", "Arthur", "Victoria"),
    ("Christine", "Andrew", "James", "Jennifer"),
    ("Victoria", "James", "Colin", "Charlotte"),
    ("Maria", "Roberto", "Emilio", "Lucia"),
    ("Francesca", "Pierro", "Marco", "Angela"),
    ("Lucia", "Marco", "Alfonso", "Sophia"),
    ("Margaret", "Arthur", None, None),
    ("Jennifer", "Charles", None, None),
    ("Gina", "Emilio", None, None),
    ("Angela", "Tomaso", None, None),
]:
    HUSBANDS[mother], WIVES[father] = father, mother
    if son:
        SONS[mother] = SONS[father] = son
        DAUGHTERS[mother] = DAUGHTERS[father] = daughter
PEOPLE = {*HUSBANDS, *WIVES, *SONS.values(), *DAUGHTERS.values()}
WOMEN = {*HUSBANDS, *DAUGHTERS.values()}
WALKS = {  # up to a parent, down to a child, across to husband or wife
    ("father", "mother"): ["u"],
    ("husband", "wife"): ["a"],
    ("son", "daughter"): ["d"],
    ("uncle", "aunt"): ["uud", "uuda"],
    ("brother", "sister"): ["ud"],
    ("nephew", "niece"): ["udd", "audd"],
}


def step(direction, here, there):
    """Return True if a step in a direction leads from one person to the other."""
    down = there in (SONS.get(here), DAUGHTERS.get(here))
    up = here in (SONS.get(there), DAUGHTERS.get(there))
    across = there in (HUSBANDS.get(here), WIVES.get(here))
    return {"u": up, "d": down, "a": across}[direction]


def ends(walk, *visited):
    """Return where a walk can end that meets nobody twice."""
    if not walk:
        return {visited[-1]}
    onward = [q for q in PEOPLE - {*visited} if step(walk[0], visited[-1], q)]
    return set().union(*(ends(walk[1:], *visited, q) for q in onward))


def walked(walks=WALKS):
    """Return the facts that walks find."""
    facts = set()
    for names, ways in walks.items():
        for p in PEOPLE:
            for q in set().union(*(ends(way, p) for way in ways)):
                facts.add((p, names[q in WOMEN], q))
    return facts


def named(trees):
    """Return the facts of the trees with names in place of numbers."""
    return [(trees.people[p], trees.relations[r], trees.people[q]) for p, r, q in trees.facts]


def test_family_trees_hold_what_walks_from_person_to_person_find():
    trees = family_trees()
    assert set(trees.people) == PEOPLE
    assert set(trees.relations) == {name for names in WALKS for name in names}
    assert set(named(trees)) == walked()


def test_family_trees_count_as_in_the_paper():
    trees = family_trees()
    assert len(trees.people) == len(set(trees.people)) == 24
    assert len(trees.relations) == len(set(trees.relations)) == 12
    assert len(named(trees)) == len(set(named(trees))) == len(walked()) == 112
    assert len(trees.pairs) == len({(p, r) for p, r, _ in walked()}) == 104


def test_without_uncles_and_aunts_by_marriage_there_are_too_few_facts():
    by_blood = {names: ways[:1] for names, ways in WALKS.items()}
    assert len(walked(by_blood)) == 96


def test_each_relation_has_the_facts_counted_on_paper():
    counts = np.bincount(family_trees().facts[:, 1]).tolist()
    assert dict(zip(family_trees().relations, counts)) == {
        "father": 12,
        "mother": 12,
        "husband": 10,
        "wife": 10,
        "son": 12,
        "daughter": 12,
        "uncle": 8,
        "aunt": 8,
        "brother": 6,
        "sister": 6,
        "nephew": 8,
        "niece": 8,
    }


def test_the_two_trees_are_one_tree_with_other_names():
    facts, pairs = family_trees().facts, family_trees().pairs
    assert facts[:56, [0, 2]].max() < 12 <= facts[56:, [0, 2]].min()
    assert np.array_equal(facts[:56] + [12, 0, 12], facts[56:])
    assert np.array_equal(pairs[:52] + [12, 0], pairs[52:])
    assert family_trees().people[0] == "Christopher" and family_trees().people[12] == "Roberto"


def test_cases_of_the_family_trees_say_what_the_facts_say():
    trees = family_trees()
    assert trees.x.shape == (104, 36) and trees.t.shape == (104, 24)
    assert np.array_equal(np.unique(trees.x), [0, 1])
    assert np.array_equal(trees.x[:, :24].sum(axis=1), np.ones(104))
    assert np.array_equal(trees.x[:, 24:].sum(axis=1), np.ones(104))
    facts = set(map(tuple, trees.facts.tolist()))
    for n, (p, r) in enumerate(trees.pairs.tolist()):
        assert trees.x[n, p] == trees.x[n, 24 + r] == 1
        right = [q for q in range(24) if (p, r, q) in facts]
        assert np.flatnonzero(trees.t[n]).tolist() == right
        assert (trees.t[n, right] == 1 / len(right)).all()
    assert sorted(np.count_nonzero(trees.t, axis=1).tolist()) == [1] * 96 + [2] * 8


def test_facts_and_pairs_are_integers_in_increasing_order():
    trees = family_trees()
    assert trees.facts.dtype == trees.pairs.dtype == np.int64
    assert trees.facts.tolist() == sorted(trees.facts.tolist())
    assert trees.pairs.tolist() == sorted(trees.pairs.tolist())


def test_family_trees_are_fresh_at_each_call():
    before = family_trees()
    for name in ("facts", "pairs", "x", "t"):
        getattr(before, name)[:] = -1
        assert getattr(family_trees(), name).min() == 0
