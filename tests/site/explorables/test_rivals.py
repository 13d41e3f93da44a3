"""The rivals that the reader moves, in a browser: what they show is what smlib computes.

With the switch on, the Jacobian is chapter 03's mistake (a), the denominator held constant.
"""

import numpy as np
import pytest

import smlib
from tests.site.browser import DESKTOP, PHONE, control, move, shown, visited

PAGE = "chapters/03-the-derivative.html"
START = [2.0, 1.0, 0.0, -1.0]
SETTINGS = [  # logits, and the temperature in quarters of an octave
    (START, 0),
    ([0.3, -0.2, 1.7], 3),
    ([-6.0, -6.0, 6.0], -12),
    ([6.0, -6.0, 5.9, 0.0, -0.1], -12),
    ([6.0, 6.0, 6.0, 6.0, 6.0], 12),
    ([-6.0, 6.0, -2.5, 3.1, 4.4], 12),
]


@pytest.fixture(scope="module")
def page(browser, origin):
    """The page, opened once: every test sets what it needs."""
    with visited(browser, origin, PAGE) as page:
        yield page


def turn(page, z, octave_quarters, forget=False):
    """Set all controls, and return the logits divided by the temperature, and the temperature."""
    control(page, "rivals", "forget").set_checked(forget)
    control(page, "rivals", "classes").select_option(str(len(z)))
    assert [move(page, "rivals", f"logit-{i}", z_i) for i, z_i in enumerate(z, 1)] == z
    T = 2.0 ** (move(page, "rivals", "temperature", octave_quarters) / 4)
    return np.array(z) / T, T


def matrix(found, K):
    return np.array([[found[f"entry-{i}-{j}"] for j in range(1, K + 1)] for i in range(1, K + 1)])


def column(found, name, K):
    return np.array([found[f"{name}-{i}"] for i in range(1, K + 1)])


def near(found, expected):
    return np.allclose(found, expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("z, octave_quarters", SETTINGS)
def test_outputs_and_jacobian_are_smlibs(page, z, octave_quarters):
    logits, T = turn(page, z, octave_quarters)
    found, K = shown(page, "rivals"), len(z)
    assert len(found) == K * (K + 2) + 1
    assert near(column(found, "output", K), smlib.softmax(logits))
    assert near(matrix(found, K), smlib.softmax_jacobian(logits) / T)
    assert near(found["total"], 1)


@pytest.mark.parametrize("z, octave_quarters", SETTINGS)
def test_row_sums_vanish_until_the_normalizer_is_forgotten(page, z, octave_quarters):
    logits, T = turn(page, z, octave_quarters)
    K, sums = len(z), page.locator("#fig-explore-rivals td.end")
    found = shown(page, "rivals")
    J = matrix(found, K)
    assert np.all(np.abs(J.sum(axis=1)) < 1e-12 * np.diag(J))
    assert np.all(column(found, "row-sum", K) == 0)
    assert sums.all_inner_texts() == ["0"] * K

    control(page, "rivals", "forget").press("Space")
    found = shown(page, "rivals")
    J = matrix(found, K)
    assert near(J, np.diag(smlib.softmax(logits)) / T)
    assert near(column(found, "row-sum", K), J.sum(axis=1)) and np.all(J.sum(axis=1) > 0)
    assert near(column(found, "output", K), smlib.softmax(logits)) and near(found["total"], 1)
    assert all(text != "0" for text in sums.all_inner_texts())
    assert "No row sums to 0" in page.locator("#fig-explore-rivals .explore-summary").inner_text()

    control(page, "rivals", "forget").press("Space")
    assert sums.all_inner_texts() == ["0"] * K


def test_a_gradient_check_passes_only_the_whole_jacobian(page):
    errors = []
    for forget in (False, True):
        _, T = turn(page, START, -3, forget)
        J = matrix(shown(page, "rivals"), 4)
        errors.append(smlib.check_gradient(lambda z: smlib.softmax(z / T), np.array(START), J))
    assert errors[0] < 1e-8 and errors[1] > 0.1


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("z, octave_quarters", SETTINGS)
def test_bars_are_as_long_as_the_outputs_and_fill_one_together(page, size, z, octave_quarters):
    page.set_viewport_size(size)
    logits, _ = turn(page, z, octave_quarters)
    lengths = page.eval_on_selector_all(
        "#fig-explore-rivals .track",
        "tracks => tracks.map(track => [track.clientWidth, "
        "...[...track.children].map(bar => bar.getBoundingClientRect().width)])",
    )
    *single, together = lengths
    y = smlib.softmax(logits)
    assert np.allclose([bar / track for track, bar in single], y, atol=0.01)
    assert np.allclose(np.array(together[1:]) / together[0], y, atol=0.01)
    assert abs(sum(together[1:]) - together[0]) < 1


def test_raising_all_logits_together_moves_no_output(page):
    turn(page, START, 0)
    before = shown(page, "rivals")
    turn(page, [z_i + 3 for z_i in START], 0)
    after = shown(page, "rivals")
    assert before.keys() == after.keys()
    assert near(list(after.values()), list(before.values()))


def test_the_keyboard_moves_a_logit_and_its_rivals_pay(page):
    turn(page, START, 0)
    before = column(shown(page, "rivals"), "output", 4)
    slider = control(page, "rivals", "logit-2")
    slider.press("ArrowRight")
    slider.press("ArrowUp")
    found = shown(page, "rivals")
    assert near(column(found, "output", 4), smlib.softmax([2.0, 1.2, 0.0, -1.0]))
    assert (column(found, "output", 4) > before).tolist() == [False, True, False, False]
    assert slider.get_attribute("aria-valuetext") == "1.2"


def test_a_change_of_classes_keeps_the_logits(page):
    z = [3.0, -1.5, 0.4, 2.2, -0.7]
    turn(page, z, 0)
    for K in (3, 5, 4):
        control(page, "rivals", "classes").select_option(str(K))
        sliders = page.locator("#fig-explore-rivals input[name^=logit]").all()
        assert [float(slider.input_value()) for slider in sliders] == z[:K]
        assert near(column(shown(page, "rivals"), "output", K), smlib.softmax(z[:K]))


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("forget", [False, True])
@pytest.mark.parametrize("z, octave_quarters", SETTINGS)
def test_every_number_fits_its_cell(page, size, forget, z, octave_quarters):
    page.set_viewport_size(size)
    turn(page, z, octave_quarters, forget)
    spilled = page.eval_on_selector_all(
        "#fig-explore-rivals td:has(data)",
        "cells => cells.filter(cell => cell.firstChild.getBoundingClientRect().width > cell.clientWidth)"
        ".map(cell => cell.innerText)",
    )
    assert spilled == []
