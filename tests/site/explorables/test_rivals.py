"""The rivals that the reader moves show what smlib computes.

With the switch on, the Jacobian is chapter 03's mistake (a), the denominator held constant.
"""

import numpy as np
import pytest

import smlib
from tests.site.browser import DESKTOP, PHONE, WIDTH
from tests.site.explorables.explorable import finger, to_nine_digits

START = [2.0, 1.0, 0.0, -1.0]
# Logits, and the temperature in quarters of an octave.
SETTINGS = [
    (START, 0),
    ([-6.0, -6.0, 6.0], -12),
    ([-6.0, 6.0, -2.5, 3.1, 4.4], 12),
]
MORE_SETTINGS = SETTINGS + [
    ([0.3, -0.2, 1.7], 3),
    ([6.0, -6.0, 5.9, 0.0, -0.1], -12),
    ([6.0, 6.0, 6.0, 6.0, 6.0], 12),
]
LENGTHS = """tracks => tracks.map(track => [track.clientWidth,
  ...[...track.querySelectorAll(".bar")].map(bar => bar.getBoundingClientRect().width)])"""
SPILLED = """cells => cells
  .filter(cell => cell.firstChild.getBoundingClientRect().width > cell.clientWidth).map(cell => cell.innerText)"""


@pytest.fixture
def rivals(opened):
    """The explorable on its own page."""
    return opened("rivals")


def turn(rivals, z, octave_quarters, forget=False):
    """Set all controls; return the logits divided by the temperature, and the temperature."""
    rivals.control("forget").set_checked(forget)
    rivals.control("classes").select_option(str(len(z)))
    assert [rivals.move(f"logit-{i}", z_i) for i, z_i in enumerate(z, 1)] == z
    T = 2.0 ** (rivals.move("temperature", octave_quarters) / 4)
    return np.array(z) / T, T


def matrix(found, K):
    """Return the entries shown, as a matrix."""
    return np.array([column(found, f"entry-{i}", K) for i in range(1, K + 1)])


def column(found, name, K):
    """Return the numbers shown as NAME-1 to NAME-K."""
    return np.array([found[f"{name}-{i}"] for i in range(1, K + 1)])


def test_outputs_and_jacobian_are_smlibs(rivals):
    for z, octave_quarters in SETTINGS:
        logits, T = turn(rivals, z, octave_quarters)
        found, K = rivals.shown(), len(z)
        assert len(found) == K * (K + 2) + 1
        assert column(found, "output", K) == to_nine_digits(smlib.softmax(logits))
        assert matrix(found, K) == to_nine_digits(smlib.softmax_jacobian(logits) / T)
        assert found["total"] == to_nine_digits(1)


def test_row_sums_vanish_until_the_normalizer_is_forgotten(rivals):
    for z, octave_quarters in SETTINGS:
        logits, T = turn(rivals, z, octave_quarters)
        K, sums = len(z), rivals.stage.locator("td.end")
        found = rivals.shown()
        J = matrix(found, K)
        assert np.all(np.abs(J.sum(axis=1)) < 1e-12 * np.diag(J))
        assert np.all(column(found, "row-sum", K) == 0)
        assert sums.all_inner_texts() == ["0"] * K

        rivals.control("forget").press("Space")
        found = rivals.shown()
        J = matrix(found, K)
        assert J == to_nine_digits(np.diag(smlib.softmax(logits)) / T)
        assert column(found, "row-sum", K) == to_nine_digits(J.sum(axis=1)) and np.all(J.sum(axis=1) > 0)
        assert column(found, "output", K) == to_nine_digits(smlib.softmax(logits))
        assert found["total"] == to_nine_digits(1)
        assert all(text != "0" for text in sums.all_inner_texts())
        assert "No row sums to 0" in rivals.said()

        rivals.control("forget").press("Space")
        assert sums.all_inner_texts() == ["0"] * K


def test_a_gradient_check_passes_only_the_whole_jacobian(rivals):
    errors = []
    for forget in (False, True):
        _, T = turn(rivals, START, -3, forget)
        J = matrix(rivals.shown(), 4)
        errors.append(smlib.check_gradient(lambda z: smlib.softmax(z / T), np.array(START), J))
    assert errors[0] < 1e-8 and errors[1] > 0.1


def test_bars_are_as_long_as_the_outputs_and_fill_one_together(rivals):
    for z, octave_quarters in SETTINGS:
        logits, _ = turn(rivals, z, octave_quarters)
        y = smlib.softmax(logits)
        for size in (DESKTOP, PHONE):
            rivals.resize(size)
            *single, together = rivals.stage.locator(".track").evaluate_all(LENGTHS)
            assert np.allclose([bar / track for track, bar in single], y, atol=0.01)
            assert np.allclose(np.array(together[1:]) / together[0], y, atol=0.01)
            assert abs(sum(together[1:]) - together[0]) < 1


def ghosts(rivals):
    """Return how long the bars were before the last drag, in percent of the track."""
    ghost = "all => all.slice(0, 4).map(ghost => parseFloat(ghost.style.width))"
    return rivals.stage.locator(".before").evaluate_all(ghost)


def test_raising_all_logits_together_moves_no_output(rivals):
    before = rivals.shown()
    turn(rivals, [z_i + 3 for z_i in START], 0)
    assert rivals.shown() == to_nine_digits(before)


def test_one_button_raises_all_and_no_output_moves(rivals):
    before = rivals.shown()
    for _ in range(4):
        rivals.control("raise").press("Enter")
        assert rivals.shown() == to_nine_digits(before)
    sliders = rivals.stage.locator("input[name^=logit]").all()
    assert [float(slider.input_value()) for slider in sliders] == [6, 5, 4, 3]
    sums = [np.exp(z).sum() for z in ([5, 4, 3, 2], [6, 5, 4, 3])]
    assert f"factor 2.72, their sum from {sums[0]:.0f} to {sums[1]:.0f}, and no output moved." in rivals.said()
    assert rivals.control("raise").is_disabled()


def test_a_bar_is_dragged_and_the_old_outputs_stay_marked(rivals):
    start = column(rivals.shown(), "output", 4)
    bar = rivals.stage.locator("[data-name=bar-3]")
    box = bar.bounding_box()
    mouse = rivals.page.mouse
    mouse.move(box["x"] + 3, box["y"] + 10)
    mouse.down()
    mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 10, steps=3)
    mouse.up()
    z = float(rivals.control("logit-3").input_value())
    assert column(rivals.shown(), "output", 4) == to_nine_digits(smlib.softmax([2, 1, z, -1]))
    assert rivals.shown()["output-3"] == pytest.approx(0.6, abs=0.02)
    assert ghosts(rivals) == pytest.approx(100 * start, abs=0.01)


def test_a_finger_drags_a_bar_and_a_swipe_over_it_scrolls(opened_with):
    rivals = opened_with("rivals", has_touch=True, is_mobile=True)
    rivals.resize(PHONE)
    bar = rivals.stage.locator("[data-name=bar-2]")
    bar.evaluate("bar => bar.scrollIntoView({block: 'center', behavior: 'instant'})")
    box = bar.bounding_box()
    start = np.array([box["x"] + 10, box["y"] + 8])
    assert finger(rivals.page, start, start + [0.5 * box["width"], 0]) == 0
    before = rivals.shown()
    assert before["output-2"] > 0.4
    assert finger(rivals.page, start, start - [0, 150]) > 50
    assert rivals.shown() == before


def test_the_column_of_a_logit_lights_up_while_it_has_the_focus(rivals):
    rivals.control("logit-2").focus()
    assert rivals.stage.locator("td.lit").count() == 4
    rivals.control("temperature").focus()
    assert rivals.stage.locator("td.lit").count() == 0


@pytest.mark.parametrize("octave_quarters", [0, -12])
def test_flows_lead_from_the_rivals_to_the_logit_at_which_the_reader_is(rivals, octave_quarters):
    """They are as wide as the entries of the column, and the sentence has its numbers."""
    logits, T = turn(rivals, START, octave_quarters)
    rivals.control("temperature").focus()
    flows = rivals.stage.locator(".flow")
    assert flows.count() == 0
    rivals.stage.locator("thead th").nth(1).hover()
    rivals.page.evaluate(WIDTH)
    column = smlib.softmax_jacobian(logits)[:, 1] / T
    width = flows.evaluate_all("all => all.map(path => Number(path.getAttribute('stroke-width')))")
    assert (np.array(width) - 1.5) / 8 == pytest.approx(-column[[0, 2, 3]] / column.max(), abs=1e-6)
    if octave_quarters == 0:
        assert rivals.said() == (
            "As z₂ rises, y₂ gains 0.18 per unit of z₂. The rivals pay: y₁ −0.15, y₃ −0.02, y₄ −0.008."
        )
    rivals.control("forget").focus()
    rivals.page.keyboard.press("Space")
    assert flows.count() == 0 and rivals.said().endswith("no rival pays.")
    rivals.page.mouse.move(0, 0)
    assert "No row sums to 0" in rivals.said()


def test_the_cold_leaves_colors(rivals):
    """The strongest entries keep their color at any temperature."""
    for octave_quarters in (12, 0, -12):
        turn(rivals, START, octave_quarters)
        strengths = rivals.stage.locator("td:has(data):not(.end)").evaluate_all(
            "all => all.map(cell => parseFloat(cell.style.getPropertyValue('--strength')))"
        )
        J = smlib.softmax_jacobian(np.array(START) / 2 ** (octave_quarters / 4))
        assert strengths == pytest.approx(100 * np.sqrt(np.abs(J) / J.max()).ravel(), abs=0.01)


def test_the_keyboard_moves_a_logit_and_its_rivals_pay(rivals):
    before = column(rivals.shown(), "output", 4)
    slider = rivals.control("logit-2")
    slider.press("ArrowRight")
    slider.press("ArrowUp")
    after = column(rivals.shown(), "output", 4)
    assert after == to_nine_digits(smlib.softmax([2.0, 1.2, 0.0, -1.0]))
    assert (after > before).tolist() == [False, True, False, False]
    assert slider.get_attribute("aria-valuetext") == "1.2"


def test_a_change_of_classes_keeps_the_logits(rivals):
    z = [3.0, -1.5, 0.4, 2.2, -0.7]
    turn(rivals, z, 0)
    for K in (3, 5, 4):
        rivals.control("classes").select_option(str(K))
        sliders = rivals.stage.locator("input[name^=logit]").all()
        assert [float(slider.input_value()) for slider in sliders] == z[:K]
        assert column(rivals.shown(), "output", K) == to_nine_digits(smlib.softmax(z[:K]))


def test_a_link_keeps_a_fifth_class(rivals):
    z = [3.0, -1.5, 0.4, 2.2, -0.7]
    turn(rivals, z, 0)
    rivals.control("link").press("Enter")
    rivals.page.reload()
    assert column(rivals.shown(), "output", 5) == to_nine_digits(smlib.softmax(z))


def test_every_number_fits_its_cell(rivals):
    for z, octave_quarters in MORE_SETTINGS:
        turn(rivals, z, octave_quarters)
        for forget in (False, True):
            rivals.control("forget").set_checked(forget)
            for size in (DESKTOP, PHONE):
                rivals.resize(size)
                assert rivals.stage.locator("td:has(data)").evaluate_all(SPILLED) == []
