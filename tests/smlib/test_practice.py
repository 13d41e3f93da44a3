"""smlib.practice: what a check says about answers, and what `tries` finds missing in a check."""

import subprocess
import sys

import numpy as np
import pytest
import sympy as sp

from smlib import practice

a, b = sp.symbols("a b")


@practice.check
def half(x):
    """It is one half."""
    found = practice.array(x, ())
    yield from practice.compare(found, 0.5, {"The sign is wrong.": -0.5, "That is the whole.": 1.0})
    if abs(found) > 5:
        yield "That is far off."
    if found != 0.5:
        yield "That is not it."


RIGHT = [0.5, 1 / 2, np.array(0.5)]
WRONG = [("sign", -0.5), ("whole", 1), ("far off", 6), ("far off", -7), ("not it", 0.6)]


def test_the_first_complaint_is_shown_and_praise_if_there_is_none():
    assert repr(half(0.5)) == "Right. It is one half." and half(0.5).right
    assert repr(half(-0.5)) == "Not yet. The sign is wrong." and not half(-0.5).right
    assert half(6).says == "That is far off."


def test_an_error_in_the_answer_is_part_of_the_verdict():
    @practice.check
    def called(f):
        yield from practice.compare(f(1), 1, {})

    verdict = called(lambda x: x / 0)
    assert not verdict.right and isinstance(verdict.error, ZeroDivisionError)
    assert verdict.says == "Your code stopped with ZeroDivisionError: division by zero"


@pytest.mark.parametrize("dots", [..., None])
def test_a_name_that_is_not_written_yet_is_named(dots):
    @practice.check
    def both(one, two):
        yield "never shown"

    assert both(1, dots).says == "Replace the dots in two."


def test_of_several_answers_the_one_that_cannot_be_read_is_named():
    @practice.check
    def both(one, two):
        practice.array(one, ())
        yield from practice.compare(practice.array(two(1), (2,)), 1, {})

    assert both("x", abs).says.startswith("one: This is not a number")
    assert both(1, abs).says == "two: The shape is that of a single number, and should be 2."


# tries


def test_tries_prints_what_was_tried(capsys):
    half.tries(RIGHT, WRONG)
    assert capsys.readouterr().out == "3 right answers pass, 5 wrong ones get 4 different complaints\n"


def test_tries_splits_answers_to_several_names(capsys):
    @practice.check
    def both(one, two):
        if one + two != 3:
            yield "They sum to 3."

    both.tries([(1, 2), (2, 1), (0, 3)], [("3", (0, n)) for n in range(4, 9)])
    assert capsys.readouterr().out


@pytest.mark.parametrize(
    "right, wrong, said",
    [
        (RIGHT[:2], WRONG, "too few"),
        (RIGHT, WRONG[:4], "too few"),
        ([*RIGHT, 0.6], WRONG, "refused: Not yet. That is not it."),
        (RIGHT, [*WRONG, ("far", 0.5)], "planted 'far': Right"),
        (RIGHT, [*WRONG, ("near", 7)], "planted 'near': Not yet. That is far off."),
        (RIGHT, [pair for pair in WRONG if pair[0] != "far off"] * 2, "lines"),
        (RIGHT, [pair for pair in WRONG if pair[0] != "whole"] * 2, "mistakes: .'That is the whole.'"),
    ],
)
def test_tries_reports(right, wrong, said):
    with pytest.raises(AssertionError, match=said):
        half.tries(right, wrong)
    assert practice.Watch.current is None


# array


@pytest.mark.parametrize("value", [[[1, 2], [3, 4]], np.arange(1, 5).reshape(2, 2), sp.Matrix([[a, 2 * a], [b, 4]])])
def test_arrays_of_all_kinds_are_read(value):
    known = {"a": 1, "b": 3}
    assert practice.array(value, (2, 2), known).tolist() == [[1, 2], [3, 4]]


def test_a_list_of_symbols_stays_a_list():
    assert practice.array([a, 2 * b, 3], (3,), {"a": 1, "b": 2}).tolist() == [1, 4, 3]


def test_symbols_are_known_by_name_whatever_they_assume():
    assert practice.array(sp.Symbol("a", positive=True) * a, (), {"a": 3}) == 9


@pytest.mark.parametrize(
    "value, shape, known, said",
    [
        (None, (), None, "returns nothing"),
        (..., (2,), None, "returns nothing"),
        (np.exp, (), None, "a function"),
        ("two", (), None, "not a number"),
        ([1, [2, 3]], (2,), None, "not an array of numbers"),
        ([1, 2, 3], (2,), None, "The shape is 3, and should be 2."),
        ([1, 2], (2, 2), None, "The shape is 2, and should be 2 × 2."),
        ([1], (), None, "should be that of a single number"),
        ([1, np.nan], (2,), None, "infinity or a nan"),
        (-np.inf, (), None, "infinity or a nan"),
        (a + b, (), {"a": 1}, "It contains b, and may contain a."),
        (sp.I, (), {}, "not a number"),
    ],
)
def test_what_is_not_an_answer_gets_a_complaint(value, shape, known, said):
    with pytest.raises(practice.Complaint, match=said):
        practice.array(value, shape, known)


def test_nothing_heavy_is_imported():
    heavy = "import sys, smlib.practice; print({'sympy', 'matplotlib'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", heavy], capture_output=True, encoding="utf-8").stdout == "set()\n"
