"""The first page: its cover that runs, its links for four kinds of readers, its explorable, its logo."""

import numpy as np
import pytest

import smlib
from tests.site.browser import DESKTOP, PHONE, WIDTH, Visitor
from tests.site.explorables.explorable import TALLEST, finger
from tests.site.parsing import words


def test_the_first_page_has_a_way_in_for_each_reader(parsed):
    page = parsed["index.html"]
    cards = {words(card.select_one(".sd-card-title")): card.a["href"] for card in page.select(".sd-card")}
    assert list(cards) == ["You study", "You write code", "You train networks", "You teach"]
    assert all(parsed[address.partition("#")[0]] for address in cards.values())
    named = [words(card.a) for card in page.select(".sd-card")]
    assert [name for name, card in zip(named, cards, strict=True) if not name.startswith(f"{card}: ")] == []


# --- the cover


SLOPES = {
    "squared-error": lambda z, t: smlib.squared_error_value_and_grad(z, t, output="softmax", reduction="none")[1],
    "cross-entropy": lambda z, t: smlib.cross_entropy_value_and_grad(z, t, reduction="none")[1],
}


def ends(slope, y, steps=800):
    """Return the answers after the steps of chapters/intro.ipynb."""
    z = np.log(y)
    for _ in range(steps):
        z = z - 0.01 * slope(z, np.broadcast_to([1.0, 0.0, 0.0], z.shape))
    return smlib.softmax(z)


def eight():
    """Return the answers from which the chapter's eight learners start."""
    share = np.linspace(0.015, 0.983, 8)
    return np.stack([np.full(8, 0.002), 0.998 - share, share], axis=-1)


def shown(cover, what):
    """Return a number that the cover shows, with all its digits."""
    return float(cover.locator(f"data[data-name={what}]").get_attribute("value"))


@pytest.fixture
def cover(browser, origin):
    """The cover where motion is not wanted: each learner is at its end at once."""
    visitor = Visitor(browser, origin, reduced_motion="reduce")
    visitor.page.goto(origin)
    visitor.page.evaluate(WIDTH)
    yield visitor.page.locator(".explore-cover")
    assert (visitor.complaints, visitor.left) == ([], [])
    visitor.context.close()


def test_the_eight_end_where_smlib_leads_them(cover):
    for cost, slope in SLOPES.items():
        answers = ends(slope, eight())[:, 0]
        found = [shown(cover, f"{which}-{cost}") for which in ("least", "most")]
        assert np.allclose(found, [answers.min(), answers.max()], rtol=1e-9)


def test_a_range_is_one_number_where_both_ends_print_alike(browser, origin):
    visitor = Visitor(browser, origin)
    visitor.page.clock.install(time=0)
    visitor.page.goto(origin)
    visitor.page.clock.pause_at(60_000)
    ranges = visitor.page.locator(".cover-ranges p")
    visitor.page.get_by_role("button", name="Release the eight again").click()
    assert ranges.all_inner_texts() == ["A gets 0.002"] * 2
    visitor.page.clock.run_for(6000)
    assert [words.count(" to ") for words in ranges.all_inner_texts()] == [1, 1]
    visitor.context.close()


def test_the_cover_starts_from_the_eight_of_the_introduction(book):
    [start] = [cell.source for cell in book["intro"].cells if cell.source.startswith("share = ")]
    names = {"np": np}
    exec(start.replace("print", "str"), names)
    assert np.array_equal(names["start"], eight())


@pytest.mark.parametrize(("a", "b"), [(5, 30), (40, 90), (0, 100)])
def test_a_learner_is_released_with_the_keyboard(cover, a, b):
    page = cover.page
    cover.locator("summary").press("Enter")
    for name, place in (("aim-a", a), ("aim-b", b)):
        cover.locator(f"[name={name}]").fill(str(place))
    cover.locator("[name=drop]").press("Enter")
    told = cover.locator(".cover-own[role=status]")
    told.locator("data").first.wait_for()
    start = np.maximum([a / 100, (1 - a / 100) * b / 100, (1 - a / 100) * (1 - b / 100)], 0.002)
    for cost, slope in SLOPES.items():
        assert np.isclose(shown(cover, f"own-{cost}"), ends(slope, start / start.sum())[0], rtol=1e-9)
    assert "In yours, A ends with 0." in told.inner_text()
    assert page.locator(".cover-words").is_visible()


@pytest.mark.parametrize(("size", "touch"), [(DESKTOP, False), (PHONE, True)])
def test_a_click_or_a_touch_releases_a_learner_at_its_place(browser, origin, size, touch):
    visitor = Visitor(browser, origin, reduced_motion="reduce", has_touch=touch)
    page = visitor.page
    page.set_viewport_size(size)
    page.goto(origin)
    page.evaluate(WIDTH)
    svg = page.locator(".explore-cover > svg")
    svg.scroll_into_view_if_needed()
    place = "all => all.map(({cx, cy}) => [cx.baseVal.value, cy.baseVal.value])"
    corners = svg.locator(".corner").evaluate_all(place)
    press = page.touchscreen.tap if touch else page.mouse.click
    for triangle in (np.array(corners[:3]), np.array(corners[3:])):
        start = np.array([0.2, 0.5, 0.3])
        box = svg.bounding_box()
        press(*(start @ triangle + [box["x"], box["y"]]))
        page.locator(".cover-own data").first.wait_for()
        found = shown(page.locator(".explore-cover"), "own-squared-error")
        assert np.isclose(found, ends(SLOPES["squared-error"], start)[0], atol=0.02)
    assert page.locator(".learner.own").count() == 4
    press(box["x"] + box["width"] / 2, box["y"] + 20)  # between the triangles
    assert page.locator(".learner.own").count() == 4
    assert visitor.complaints == []
    visitor.context.close()


def test_the_eight_run_and_run_again(browser, origin):
    visitor = Visitor(browser, origin)
    visitor.page.clock.install(time=0)
    visitor.page.goto(origin)
    visitor.page.evaluate("() => 0")
    visitor.page.clock.run_for(2400)
    cover = visitor.page.locator(".explore-cover")
    halfway = shown(cover, "most-cross-entropy")
    assert 0.01 < halfway < 0.8
    visitor.page.clock.run_for(3000)
    assert shown(cover, "most-cross-entropy") > 0.8
    cover.get_by_role("button", name="Release the eight again").click()
    visitor.page.clock.run_for(400)
    assert 0.002 <= shown(cover, "most-cross-entropy") < halfway
    visitor.context.close()


def test_where_motion_is_not_wanted_a_button_shows_it(cover):
    assert shown(cover, "most-cross-entropy") > 0.8
    cover.get_by_role("button", name="Show the motion").click()
    assert shown(cover, "most-cross-entropy") < 0.8


@pytest.mark.parametrize("scripts", [True, False])
def test_without_scripts_and_on_paper_the_cover_is_a_picture(browser, origin, scripts):
    visitor = Visitor(browser, origin, java_script_enabled=scripts)
    visitor.page.goto(origin)
    picture = visitor.page.locator("img.cover")
    hint = visitor.page.locator(".cover-hint")
    assert (picture.is_visible(), hint.is_visible()) == (not scripts, scripts)
    visitor.page.emulate_media(media="print")
    assert picture.is_visible() and picture.get_attribute("loading") is None
    assert not hint.is_visible() and visitor.page.locator(".explore-cover:visible").count() == 0
    visitor.context.close()


@pytest.mark.parametrize("width", [320, 360, 390, 768, 1280])
def test_the_cover_has_its_space_before_it_runs(browser, origin, width):
    visitor = Visitor(browser, origin, reduced_motion="reduce")
    visitor.page.set_viewport_size(DESKTOP | {"width": width})
    visitor.page.goto(origin)
    visitor.page.evaluate(WIDTH)
    place = visitor.page.locator("#fig-explore-cover")
    reserved = place.evaluate("place => parseFloat(getComputedStyle(place).minHeight)")
    assert abs(place.bounding_box()["height"] - reserved) <= 1
    visitor.context.close()


# --- the taste


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
