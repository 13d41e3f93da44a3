"""The merge, in any order: states, factors and the log-sum-exp, compared with chapter 10's formulas and smlib."""

from itertools import permutations

import numpy as np
import pytest

import smlib
from tests.site.browser import DESKTOP, PHONE
from tests.site.explorables.explorable import finger, to_nine_digits

LAST = [*range(-5, 11), 20, 50, 100, 300, 700, 1000]
TREES = ["012", "102", "021", "120", "210"]  # the gaps in the order of their merges, for each row of the table


@pytest.fixture
def merge(opened):
    """The explorable on its own page."""
    return opened("merge")


def blocks(last=4):
    """Return the logits of the four blocks."""
    return [[1, 0], [3], [2], [last]]


def merged(order, last=4, careless=False):
    """Return the state that the last merge of an order makes, and the logits that it stands for."""
    states = [(max(z), np.exp(np.array(z) - max(z)).sum(), z) for z in blocks(last)]
    ends, made = list(range(4)), None
    for gap in order:
        k = ends.index(int(gap))
        (m1, s1, z1), (m2, s2, z2) = states[k : k + 2]
        m = max(m1, m2)
        made = (m, s1 * np.exp(m1 - m) + s2 * (1 if careless else np.exp(m2 - m)), z1 + z2)
        states[k : k + 2], ends[k : k + 2] = [made], ends[k + 1 : k + 2]
    return made


def expected(order, last=4, careless=False):
    """Return what is to be shown after some merges."""
    found = {}
    if order:
        m, s, z = merged(order, last, careless)
        found = {"m": m, "s": s, "lse": m + np.log(s), "whole": smlib.logsumexp(np.array(z, float))}
    for k, tree in enumerate(TREES, 1):
        for name, forgets in (("merge", False), ("careless", True)):
            m, s, _ = merged(tree, last, forgets)
            found[f"{name}-{k}"] = m + np.log(s)
    return found


def press(merge, order):
    """Merge at the gaps in this order, with the keyboard."""
    merge.control("reset").press("Enter")
    for gap in order:
        merge.control(f"merge-{int(gap) + 1}").press("Enter")


def boxes(merge):
    """Return what the boxes of the tree say, those of the blocks included."""
    words = merge.stage.locator("svg text").all_text_contents()
    return [(m, s) for m, s in zip(words, words[1:]) if m.startswith("m = ") and s.startswith("s = ")]


def factors(merge):
    """Return the factors on the branches."""
    return [word[2:] for word in merge.stage.locator("svg text").all_text_contents() if word.startswith("× ")]


def merges(merge):
    """Return which gaps are merged."""
    return [merge.control(f"merge-{k}").get_attribute("aria-pressed") == "true" for k in (1, 2, 3)]


def test_every_order_gives_the_same_log_sum_exp(merge):
    for order in ("", *"012", "10", "20", *map("".join, permutations("012"))):
        press(merge, order)
        assert merge.shown() == to_nine_digits(expected(order))
    alike = [value for name, value in merge.shown().items() if name.startswith("merge-")]
    assert np.allclose(alike, smlib.logsumexp(np.array([1.0, 0, 3, 2, 4])), rtol=1e-14, atol=0)


def test_the_careless_merge_depends_on_the_order_and_says_so(merge):
    """It is right where the higher maximum always comes second. With a low last logit it is wrong in every order."""
    for order, last, right in (("012", 4, False), ("021", 4, True), ("210", 4, True), ("021", 1, False)):
        press(merge, order)
        merge.move("last", LAST.index(last))
        assert "as from the logits at once" in merge.said()
        assert merge.stage.locator(".wrong").count() == 0
        merge.control("careless").check()
        assert merge.shown() == to_nine_digits(expected(order, last, careless=True))
        assert ("as from the logits at once" in merge.said()) == right
        assert ("but from the logits at once" in merge.said()) != right
        assert (merge.stage.locator(".box.wrong").count() == 0) == right


def test_any_last_logit_is_merged(merge):
    press(merge, "012")
    for place, last in enumerate(LAST):
        merge.move("last", place)
        assert merge.shown() == to_nine_digits(expected("012", last))


def test_the_states_are_those_that_the_chapter_prints(merge, book):
    """The chapter's stream is 1, 0, 3, 2, 1000."""
    outputs = [output.get("text", "") for cell in book["10-many-classes"].cells for output in cell.get("outputs", [])]
    [printed] = [text.splitlines() for text in outputs if text.startswith("z =    1.0")]
    states = [line.split() for line in printed[1:]]
    press(merge, "012")
    merge.move("last", LAST.index(1000))
    assert {(f"m = {float(m):,.0f}", f"s = {s}") for *_, m, _, _, s in states} < set(boxes(merge))


def test_the_tree_shows_each_state_and_its_factors(merge):
    press(merge, "012")
    assert len(boxes(merge)) == 7
    assert sorted(factors(merge)) == ["0.135", "0.368", "0.368", "1", "1", "1"]
    assert merge.stage.locator(".forgot").count() == 0
    merge.control("careless").check()
    assert sorted(factors(merge)) == ["0.135", "0.368", "1", "1", "1", "1"]
    assert merge.stage.locator("text.forgot").all_text_contents() == ["× 1"]


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_box_is_dragged_onto_its_neighbor(merge, size):
    merge.resize(size)
    width = merge.stage.locator("svg").bounding_box()["width"]
    merge.drag("block-4", (-0.1 * width, 0))  # less than half the way
    assert merges(merge) == [False, False, False]
    before = merge.handles()["block-4"]
    merge.drag("block-4", (-0.2 * width, 0))
    assert merges(merge) == [False, False, True]
    assert merge.shown() == to_nine_digits(expected("2"))
    assert merge.handles()["block-3"] != before
    merge.drag("block-1", (0.2 * width, 0))
    merge.drag("block-1", (0.3 * width, 0))
    assert merges(merge) == [True, True, True]
    assert merge.shown() == to_nine_digits(expected("201"))


def test_a_finger_drags_a_box_and_the_page_stays(opened_with):
    merge = opened_with("merge", has_touch=True, is_mobile=True)
    merge.resize(PHONE)
    start = np.array(merge.handles()["block-1"])
    assert finger(merge.page, start, start + [60, 0]) == 0
    assert merges(merge) == [True, False, False]


def test_a_merge_is_taken_back(merge):
    press(merge, "012")
    merge.control("merge-2").press("Enter")
    assert merges(merge) == [True, False, True]
    assert merge.shown() == to_nine_digits(expected("02"))
    assert len(boxes(merge)) == 6
    merge.control("merge-2").press("Enter")
    assert merge.control("pairs").get_attribute("aria-pressed") == "true"
