"""The first page: its links for three kinds of readers, its explorable, its logo."""

import numpy as np
import pytest

from tests.site.browser import Visitor
from tests.site.explorables.explorable import TALLEST, finger
from tests.site.parsing import words


def test_the_first_page_has_a_way_in_for_each_reader(parsed):
    page = parsed["index.html"]
    cards = {words(card.select_one(".sd-card-title")): card.a["href"] for card in page.select(".sd-card")}
    assert list(cards) == ["You study", "You write code", "You train networks", "You teach"]
    assert all(parsed[address.partition("#")[0]] for address in cards.values())


def escape_time(speed, z):
    """Return the time that dz/dτ = speed(z) takes from z to 0, by Gauss-Legendre quadrature on short intervals."""
    points, weights = np.polynomial.legendre.leggauss(40)
    ends = np.linspace(z, 0, 41)
    middles, halves = (ends[1:] + ends[:-1]) / 2, np.diff(ends) / 2
    return (halves * (weights / speed(middles[:, None] + halves[:, None] * points)).sum(axis=1)[None]).sum()


def test_the_taste_tells_the_times(visitor, origin):
    visitor.page.goto(origin)
    slider = visitor.page.get_by_label("The unit answers")
    slider.wait_for()
    shown = visitor.page.locator("data[data-name=squared-error-seconds]")
    y = lambda z: 1 / (1 + np.exp(-z))
    rest = lambda z: 1 / (1 + np.exp(z))
    for exponent in range(-9, 0):
        slider.fill(str(exponent))
        start = np.log(10.0**exponent) - np.log1p(-(10.0**exponent))
        expected = escape_time(lambda z: y(z) * rest(z) ** 2, start) / escape_time(rest, start)
        assert np.isclose(float(shown.get_attribute("value")), expected, rtol=1e-9)
    assert shown.inner_text() == "5.8 seconds"
    slider.focus()
    visitor.page.keyboard.press("Home")
    assert shown.inner_text() == "1.5 years"
    assert (visitor.complaints, visitor.left) == ([], [])


def test_the_taste_waits_in_real_time(browser, origin):
    visitor = Visitor(browser, origin)
    visitor.page.clock.install(time=0)
    visitor.page.goto(origin)
    visitor.page.clock.pause_at(60)
    taste = visitor.page.locator(".explore-taste")
    clock, dots = taste.locator(".taste-clock"), taste.locator("circle.dot")
    place = lambda k: dots.nth(k).evaluate("dot => dot.cx.baseVal.value")
    goals = [place(0), place(1)]  # before the start the dots are where they arrive
    assert clock.inner_text() == ""
    taste.get_by_role("button").click()
    visitor.page.clock.run_for(500)
    assert "0 s of 1.5 years. Both are on their way." == clock.inner_text()
    visitor.page.clock.run_for(26_600)
    assert "27 s of 1.5 years. Under cross-entropy it has arrived." == clock.inner_text()
    assert place(0) == goals[0] and place(0) < place(1) < goals[1]
    visitor.page.clock.run_for(98_000)
    assert "2 min 5 s of 1.5 years" in clock.inner_text()
    taste.get_by_role("slider").fill("-1")
    assert clock.inner_text() == ""
    taste.get_by_role("button").click()
    visitor.page.clock.run_for(7000)
    assert clock.inner_text() == "Both have arrived."
    visitor.context.close()


def test_the_taste_fits_the_screen_and_a_swipe_moves_nothing(browser, origin):
    for width, height, tallest in TALLEST:
        visitor = Visitor(browser, origin, has_touch=True, is_mobile=True)
        visitor.page.set_viewport_size({"width": width, "height": height})
        visitor.page.goto(origin)
        taste = visitor.page.locator(".explore-taste")
        assert taste.bounding_box()["height"] <= tallest
        slider = taste.get_by_role("slider")
        slider.evaluate("slider => slider.scrollIntoView({block: 'center', behavior: 'instant'})")
        box = slider.bounding_box()
        start = np.array([box["x"] + 0.7 * box["width"], box["y"] + box["height"] / 2])
        assert finger(visitor.page, start, start - [0, 150]) > 50
        assert slider.input_value() == "-9"
        visitor.context.close()


def test_the_taste_is_a_sentence_without_scripts(browser, origin):
    visitor = Visitor(browser, origin, java_script_enabled=False)
    visitor.page.goto(origin)
    assert "a year and a half" in visitor.page.locator("#fig-explore-taste").inner_text()
    visitor.context.close()


@pytest.mark.parametrize("scheme, name", [("light", "logo.svg"), ("dark", "logo-dark.svg")])
def test_the_logo_suits_light_and_dark(browser, origin, scheme, name):
    visitor = Visitor(browser, origin, color_scheme=scheme)
    visitor.page.goto(origin)
    logos = [image for image in visitor.page.locator("img.logo__image").all() if image.is_visible()]
    assert [logo.get_attribute("src").split("/")[-1] for logo in logos] == [name]
    visitor.context.close()
