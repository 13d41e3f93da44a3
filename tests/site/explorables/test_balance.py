"""Steep times flat, moved by the reader in a browser: what it shows is what smlib computes.

The logit is set in tenths of a decade of the odds y/(1 − y); the one rival's logit is 0.
"""

import numpy as np
import pytest

import smlib
from tests.site.browser import DESKTOP, PHONE, control, move, shown, visited

PAGE = "chapters/05-steep-times-flat.html"
TENTHS = [-90, -89, -60, -33, -10, -1, 0, 1, 7, 30, 40]
SHAFTS = """shafts => shafts.map(shaft => {
  const path = shaft.getPointAtLength(0), end = shaft.nextSibling.getPointAtLength(0);
  return {x: path.x, from: path.y, to: end.y};
})"""


@pytest.fixture(scope="module")
def page(browser, origin):
    """The page, opened once: every test sets what it needs."""
    with visited(browser, origin, PAGE) as page:
        yield page


def logit(tenths):
    return tenths * np.log(10) / 10


def balance(tenths):
    """What smlib makes of the logit and its rival's."""
    pair = [logit(tenths), 0.0]
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


def agrees(found, expected):
    assert found.keys() == expected.keys()
    return np.allclose([found[name] for name in expected], list(expected.values()), rtol=1e-9, atol=0)


@pytest.mark.parametrize("tenths", TENTHS)
def test_slopes_and_product_are_smlibs(page, tenths):
    assert move(page, "balance", "decades", tenths) == tenths
    assert agrees(shown(page, "balance"), balance(tenths))


@pytest.mark.parametrize("tenths", TENTHS)
def test_the_product_is_output_minus_target(page, tenths):
    move(page, "balance", "decades", tenths)
    found = shown(page, "balance")
    assert np.isclose(found["product"], found["error"], rtol=1e-12, atol=0)
    assert np.isclose(found["steep"] * found["flat"], found["output"] - 1, rtol=1e-9, atol=0)
    assert np.isclose(found["steep-decades"] + found["flat-decades"], found["product-decades"], rtol=0, atol=1e-12)


def test_it_starts_at_one_in_a_billion(page):
    page.reload()
    found = shown(page, "balance")
    assert (
        f"{found['output']:.9g} {found['steep']:.3g} {found['flat']:.3g} {found['product']:.9f}"
        == "9.99999999e-10 -1e+09 1e-09 -0.999999999"
    )


@pytest.mark.parametrize("name, tenths", [("right", 30), ("half", 0), ("millionth", -60), ("billionth", -90)])
def test_buttons_lead_to_the_outputs_they_name(page, name, tenths):
    button = control(page, "balance", name)
    button.press("Enter")
    found = shown(page, "balance")
    assert agrees(found, balance(tenths))
    named = {"½": 0.5, "10⁻⁶": 1e-6, "10⁻⁹": 1e-9, "0.999": 0.999}[button.inner_text()]
    assert np.isclose(found["output"], named, rtol=2e-6)
    assert control(page, "balance", "decades").input_value() == str(tenths)


def test_the_keyboard_moves_the_logit(page):
    slider = control(page, "balance", "decades")
    slider.press("End")
    assert agrees(shown(page, "balance"), balance(40))
    slider.press("ArrowLeft")
    assert agrees(shown(page, "balance"), balance(39))
    assert slider.get_attribute("aria-valuetext") == "9.0, where y = 0.9999"
    slider.press("Home")
    assert agrees(shown(page, "balance"), balance(-90))


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("tenths", [-90, -45, 0, 40])
def test_arrows_stand_over_the_thumb_and_are_as_long_as_the_numbers_say(page, size, tenths):
    page.set_viewport_size(size)
    move(page, "balance", "decades", tenths)
    steep, flat = page.eval_on_selector_all("#fig-explore-balance path.shaft", SHAFTS)
    found = balance(tenths)
    up, down = steep["from"] - steep["to"], flat["to"] - flat["from"]
    assert np.isclose(up * -found["flat-decades"], down * found["steep-decades"], atol=1e-3)
    assert up >= 0 and down > 0 and steep["x"] == flat["x"]
    left, thumb = page.evaluate("""() => {
      const plot = document.querySelector("#fig-explore-balance svg").getBoundingClientRect();
      const track = document.querySelector("#fig-explore-balance input").getBoundingClientRect();
      const part = (Number(document.querySelector("#fig-explore-balance input").value) + 90) / 130;
      return [plot.left, track.left + 8 + part * (track.width - 16)];
    }""")
    assert abs(left + steep["x"] - thumb) < 3
