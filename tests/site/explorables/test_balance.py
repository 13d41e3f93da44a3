"""Steep times flat, moved by the reader, shows what smlib computes.

The logit is set in tenths of a decade of the odds y/(1 − y); the one rival's logit is 0.
"""

import numpy as np
import pytest

import smlib
from tests.site.browser import DESKTOP, PHONE
from tests.site.explorables.explorable import to_nine_digits

LEAST, MOST = -90, 40
PLACES = {"right": (30, 0.999), "half": (0, 0.5), "millionth": (-60, 1e-6), "billionth": (-90, 1e-9)}
SHAFTS = """shafts => shafts.map(shaft => {
  const path = shaft.getPointAtLength(0), end = shaft.nextSibling.getPointAtLength(0);
  return {x: path.x, from: path.y, to: end.y};
})"""
# Where the plot begins, and where the middle of the slider's thumb is, from the left.
THUMB = """stage => {
  const plot = stage.querySelector("svg").getBoundingClientRect();
  const slider = stage.querySelector("input"), track = slider.getBoundingClientRect();
  const part = (slider.valueAsNumber - slider.min) / (slider.max - slider.min);
  return [plot.left, track.left + 8 + part * (track.width - 16)];
}"""


@pytest.fixture
def balance(opened):
    """The explorable on its own page."""
    return opened("balance")


def expected(tenths):
    """Return what is to be shown for a logit, by smlib."""
    pair = [tenths * np.log(10) / 10, 0.0]
    y, gradient = smlib.softmax(pair)[0], smlib.cross_entropy_value_and_grad(pair, 0)[1]
    cost, rivals_cost = (smlib.cross_entropy(pair, c) / np.log(10) for c in (0, 1))
    return {
        "output": y,
        "error": gradient[0],
        "steep": -1 / y,
        "steep-decades": cost,
        "flat": smlib.softmax_jacobian(pair)[0, 0],
        "flat-decades": -cost - rivals_cost,
        "product": gradient[0],
        "product-decades": -rivals_cost,
    }


def test_slopes_and_product_are_smlibs(balance):
    for tenths in (LEAST, -33, 0, 7, MOST):
        assert balance.move("decades", tenths) == tenths
        found = balance.shown()
        assert found == to_nine_digits(expected(tenths))
        assert np.isclose(found["product"], found["error"], rtol=1e-12, atol=0)
        assert np.isclose(found["steep"] * found["flat"], found["output"] - 1, rtol=1e-9, atol=0)
        assert np.isclose(found["steep-decades"] + found["flat-decades"], found["product-decades"], rtol=0, atol=1e-12)


def test_it_starts_at_one_in_a_billion(balance):
    found = balance.shown()
    assert (
        f"{found['output']:.9g} {found['steep']:.3g} {found['flat']:.3g} {found['product']:.9f}"
        == "9.99999999e-10 -1e+09 1e-09 -0.999999999"
    )


def test_buttons_lead_to_the_outputs_they_name(balance):
    for name, (tenths, named) in PLACES.items():
        button = balance.control(name)
        button.press("Enter")
        found = balance.shown()
        assert found == to_nine_digits(expected(tenths))
        assert {"½": 0.5, "10⁻⁶": 1e-6, "10⁻⁹": 1e-9, "0.999": 0.999}[button.inner_text()] == named
        assert np.isclose(found["output"], named, rtol=2e-6)
        assert balance.control("decades").input_value() == str(tenths)


def test_the_keyboard_moves_the_logit(balance):
    slider = balance.control("decades")
    slider.press("End")
    assert balance.shown() == to_nine_digits(expected(MOST))
    slider.press("ArrowLeft")
    assert balance.shown() == to_nine_digits(expected(MOST - 1))
    assert slider.get_attribute("aria-valuetext") == "z = 8.98, y = 0.9999"
    slider.press("Home")
    assert balance.shown() == to_nine_digits(expected(LEAST))


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_arrows_stand_over_the_thumb_and_are_as_long_as_the_numbers_say(balance, size):
    balance.resize(size)
    for tenths in (LEAST, -45, 0, MOST):
        balance.move("decades", tenths)
        steep, flat = balance.stage.locator("path.shaft").evaluate_all(SHAFTS)
        found = expected(tenths)
        up, down = steep["from"] - steep["to"], flat["to"] - flat["from"]
        assert np.isclose(up * -found["flat-decades"], down * found["steep-decades"], atol=1e-3)
        assert up >= 0 and down > 0 and flat["x"] - steep["x"] == 14
        assert flat["from"] == pytest.approx(steep["to"], abs=0.1)  # head to tail: the end is the product
        left, thumb = balance.stage.evaluate(THUMB)
        assert abs(left + steep["x"] - thumb) < 3


def test_where_the_arrows_end_the_product_stands_and_can_be_dragged(balance):
    for tenths in (LEAST, -45, 0, MOST):
        balance.move("decades", tenths)
        _, flat = balance.stage.locator("path.shaft").evaluate_all(SHAFTS)
        dot = balance.stage.locator("circle.dot").evaluate("dot => dot.cy.baseVal.value")
        assert dot == pytest.approx(flat["to"], abs=0.1)
    balance.move("decades", -30)
    there = balance.handles()["product"][0]
    balance.control("reset").press("Enter")
    balance.drag("product", (there - balance.handles()["product"][0], 0))
    assert balance.control("decades").input_value() == "-30"
