"""The first page: its links for three kinds of readers, its explorable, its logo."""

import numpy as np
import pytest

from tests.site.browser import Visitor
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
