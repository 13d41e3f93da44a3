"""The figures that the reader moves: what holds for all of them, then the plateau and the bet.

A browser turns the controls. What an explorable shows is compared with smlib, or with a closed
form in 50-digit arithmetic where smlib has none.
"""

import re

import mpmath
import numpy as np
import pytest

import smlib
from tests.site.browser import DESKTOP, PHONE, ROOT, WIDTH, Visitor, control, move, printed, shown

NAMES = sorted(
    path.stem.removeprefix("explore-")
    for path in ROOT.glob("assets/explore-*.js")
    if "explore.figure(" in path.read_text(encoding="utf-8")
)
HEAVIEST = 60 * 1024
KEYS = {"range": ["End", "Home"], "checkbox": ["Space"], "select-one": ["End", "Home"]}

# The controls of an explorable, and what the keyboard can land on in it.
CONTROLS = """figure => [...document.querySelectorAll(
    `#fig-explore-${figure} .explore :is(input, select, button, [tabindex])`)]
  .map(control => ({
    name: control.name || control.getAttribute("aria-label"),
    type: control.type || control.getAttribute("role"),
    label: (control.labels?.[0] ?? control).textContent.trim() || control.getAttribute("aria-label"),
    height: control.closest("label")?.offsetHeight ?? control.getBoundingClientRect().height,
  }))"""
FOCUSED = """() => {
  const style = getComputedStyle(document.activeElement);
  return {name: document.activeElement.name || document.activeElement.getAttribute("aria-label"),
          outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2};
}"""

# What a screen reader hears while a slider moves, and what is then to be read.
FIVE_STEPS = """async figure => {
  const stage = document.querySelector(`#fig-explore-${figure} .explore`);
  const slider = stage.querySelector("input[type=range]");
  for (let step = 0; step < 5; step += 1) {
    slider.stepUp();
    slider.dispatchEvent(new Event("input"));
    await new Promise(done => setTimeout(done, 50));
  }
  return [stage.querySelector("[role=status]").textContent, stage.querySelector(".explore-summary").textContent];
}"""


@pytest.fixture(scope="module")
def homes(site):
    """{name of an explorable: the page that holds its figure}"""

    def holds(page, name):
        return f'id="fig-explore-{name}"' in page.read_text(encoding="utf-8")

    chapters = sorted(site.glob("chapters/*.html"))
    return {name: [page.relative_to(site).as_posix() for page in chapters if holds(page, name)] for name in NAMES}


@pytest.fixture
def opened(visitor, origin, homes):
    """Open the page that holds an explorable. Its formulas, two thirds of a page's time, stay raw."""
    visitor.page.route("**/mathjax/**", lambda route: route.fulfill(body=""))

    def open_at(name):
        visitor.page.goto(origin + homes[name][0])
        return visitor.page

    return open_at


def stage(page, name):
    return page.locator(f"#fig-explore-{name} .explore")


def picture(page, name):
    return page.locator(f"#fig-explore-{name} img")


def agree(found, expected):
    """Every number shown is the expected one, to nine digits."""
    assert found.keys() == expected.keys()
    off = {
        name: (found[name], float(value))
        for name, value in expected.items()
        if not np.isclose(found[name], float(value), rtol=1e-9, atol=0)
    }
    assert off == {}


# --- all explorables


@pytest.mark.parametrize("name", NAMES)
def test_each_explorable_is_on_one_page_in_the_place_of_its_picture(visitor, origin, homes, name):
    assert len(homes[name]) == 1
    page = visitor.page
    page.goto(origin + homes[name][0])
    assert stage(page, name).is_visible()
    assert not picture(page, name).is_visible()
    assert page.locator(f"#fig-explore-{name} figcaption").is_visible()
    assert visitor.complaints == [] and visitor.left == []


@pytest.mark.parametrize("name", NAMES)
def test_every_slider_stands_where_it_was_put(opened, name):
    """The theme's search gives every field named q the words that were searched for."""
    page = opened(name)
    for slider in stage(page, name).locator("input[type=range]").all():
        assert float(slider.input_value()) == float(slider.get_attribute("value"))


@pytest.mark.parametrize("name", NAMES)
def test_without_scripts_the_picture_stands(browser, origin, homes, name):
    visitor = Visitor(browser, origin, java_script_enabled=False)
    visitor.page.goto(origin + homes[name][0])
    assert picture(visitor.page, name).is_visible()
    assert len(picture(visitor.page, name).get_attribute("alt")) > 20
    assert stage(visitor.page, name).count() == 0
    visitor.context.close()


@pytest.mark.parametrize("name", NAMES)
def test_on_paper_the_picture_stands(opened, name):
    page = opened(name)
    page.emulate_media(media="print")
    assert picture(page, name).is_visible()
    assert not stage(page, name).is_visible()


@pytest.mark.parametrize("name", NAMES)
def test_from_a_folder_the_controls_work(browser, site, homes, name):
    visitor = Visitor(browser, "file://")
    visitor.page.goto((site / homes[name][0]).as_uri())
    before = stage(visitor.page, name).inner_html()
    visitor.page.locator(f"#fig-explore-{name} input").first.press("ArrowRight")
    assert stage(visitor.page, name).inner_html() != before
    assert visitor.complaints == [] and visitor.left == []
    visitor.context.close()


def test_scripts_are_loaded_where_they_are_needed_and_are_light(site):
    for page in [site / "index.html", *site.glob("chapters/*.html")]:
        html = page.read_text(encoding="utf-8")
        loaded = {path.name: path.stat().st_size for path in ROOT.glob("assets/*.js") if f"_static/{path.name}" in html}
        wanted = {f"explore-{name}.js" for name in re.findall(r'id="fig-explore-(\w+)"', html)}
        wanted |= {"explore.js"} if wanted else set()
        assert {script for script in loaded if script.startswith("explore")} == wanted, page.name
        assert sum(loaded.values()) <= HEAVIEST, page.name


@pytest.mark.parametrize("name", NAMES)
def test_every_control_has_a_label_and_room_for_a_finger(opened, name):
    page = opened(name)
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        controls = page.evaluate(CONTROLS, name)
        assert len(controls) > 1
        assert [c for c in controls if not (c["name"] and c["label"] and c["height"] >= 24)] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_keyboard_reaches_every_control_and_is_seen_there(opened, name):
    page = opened(name)
    controls = page.evaluate(CONTROLS, name)
    control(page, name, controls[0]["name"]).focus()
    page.keyboard.press("Shift+Tab")
    for expected in controls:
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED) == {"name": expected["name"], "outline": True}


@pytest.mark.parametrize("name", NAMES)
def test_the_keyboard_changes_what_is_shown(opened, name):
    page = opened(name)
    for found in page.evaluate(CONTROLS, name):
        seen = [stage(page, name).inner_html()]
        for key in KEYS.get(found["type"], []):
            control(page, name, found["name"]).press(key)
            seen.append(stage(page, name).inner_html())
        if found["type"] in ("range", "checkbox"):  # a slider may stand at an end to begin with
            assert seen[-1] != seen[-2], found["name"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_jumps_and_nothing_is_cut_off(opened, name):
    """With every slider at either end, and after every button, the stage is as high as before."""
    page = opened(name)
    page.emulate_media(reduced_motion="reduce")
    controls = page.evaluate(CONTROLS, name)
    named = {kind: [c["name"] for c in controls if c["type"] == kind] for kind in ("range", "button")}
    presses = [
        (pressed, key)
        for end in ("Home", "End")
        for kind, key in (("range", end), ("button", "Enter"), ("button", "Enter"))
        for pressed in named[kind]
    ]
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        assert page.evaluate(WIDTH) <= size["width"]
        heights = set()
        for pressed, key in presses:
            control(page, name, pressed).press(key)
            heights.add(round(stage(page, name).bounding_box()["height"]))
        assert page.evaluate(WIDTH) <= size["width"]
        assert len(heights) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_rounded_number_is_the_full_one_rounded(opened, name):
    page = opened(name)
    for data in page.locator(f"#fig-explore-{name} data").all():
        full = float(data.get_attribute("value"))
        number, half_a_digit = printed(data.inner_text())
        assert number == full or abs(number - full) <= 1.0001 * half_a_digit, data.inner_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_screen_reader_hears_the_sentence_once_it_rests(opened, name):
    page = opened(name)
    assert stage(page, name).locator("output:not([aria-live=off])").count() == 0
    heard, summary = page.evaluate(FIVE_STEPS, name)
    assert heard == ""
    spoken = page.locator(f"#fig-explore-{name} [role=status]", has_text=summary)
    spoken.wait_for(state="attached", timeout=10_000)


# --- the plateau

LOGITS = [-25, -20.7, -13.3, -7, -4.6, -1, -0.1, 0, 0.1, 1.5, 5.7, 8]
COSTS = {
    "cross-entropy": lambda z: smlib.logistic_cross_entropy_value_and_grad([z], [1.0]),
    "squared-error": lambda z: smlib.squared_error_value_and_grad([z], [1.0], output="logistic"),
}


def time_left(cost, z):
    """The time of gradient flow from z to 0, by quadrature of one over the speed."""
    speed = {"cross-entropy": lambda y: 1 - y, "squared-error": lambda y: y * (1 - y) ** 2}[cost]
    if z >= 0:
        return 0
    with mpmath.workdps(30):
        steps = mpmath.linspace(z, 0, 2 + int(-z))
        return mpmath.quad(lambda u: 1 / speed(1 / (1 + mpmath.exp(-u))), steps)


def unit(cost, z):
    """What the plateau shows of one unit."""
    value, slope = COSTS[cost](z)
    numbers = {"logit": z, "output": smlib.logistic(z), "cost": value, "slope": slope[0], "left": time_left(cost, z)}
    return {f"{cost}-{name}": number for name, number in numbers.items()}


def raced(z, rate, steps):
    """What the plateau shows after so many steps from z."""
    found = {"step": steps}
    for cost, value_and_grad in COSTS.items():
        end = z
        for _ in range(steps):
            end -= rate * value_and_grad(end)[1][0]
        found |= unit(cost, end)
    return found


def test_plateau_shows_smlibs_costs_and_slopes(opened):
    page = opened("plateau")
    for z in LOGITS:
        assert move(page, "plateau", "logit", z) == z
        agree(shown(page, "plateau"), raced(z, 1, 0))


def test_plateau_races_by_smlibs_gradients(opened):
    page = opened("plateau")
    for z, rate in [(-4.6, "1"), (-25, "0.1"), (-7, "6.75"), (-9, "1000"), (2, "1")]:
        move(page, "plateau", "logit", z)
        control(page, "plateau", "rate").select_option(rate)
        for steps in range(1, 4):
            control(page, "plateau", "step").press("Enter")
            agree(shown(page, "plateau"), raced(z, float(rate), steps))
        control(page, "plateau", "back").press("Space")
        agree(shown(page, "plateau"), raced(z, float(rate), 0))


def test_plateau_with_less_motion_shows_the_end_of_the_race(browser, origin, homes):
    visitor = Visitor(browser, origin, reduced_motion="reduce")
    visitor.page.goto(origin + homes["plateau"][0])
    move(visitor.page, "plateau", "logit", -4.6)
    control(visitor.page, "plateau", "run").press("Enter")
    agree(shown(visitor.page, "plateau"), raced(-4.6, 1, 200))
    visitor.context.close()


def test_plateau_runs_pauses_and_arrives(opened):
    page = opened("plateau")
    run = control(page, "plateau", "run")
    run.click()
    page.wait_for_function("() => document.querySelector('[data-name=step]').value > 5")
    assert run.inner_text() == "Pause"
    run.click()
    paused = shown(page, "plateau")["step"]
    assert 5 < paused < 200
    page.wait_for_timeout(200)
    assert shown(page, "plateau")["step"] == paused
    run.click()
    page.wait_for_function("() => document.querySelector('[data-name=step]').value === '200'")
    agree(shown(page, "plateau"), raced(-20.7, 1, 200))
    assert run.inner_text() == "Run"


def test_plateau_counts_the_steps_to_one_half(opened):
    """The chapter's race, nearly: from one hundredth, 6 steps against 117."""
    page = opened("plateau")
    page.emulate_media(reduced_motion="reduce")
    move(page, "plateau", "logit", -4.6)
    control(page, "plateau", "run").click()
    said = stage(page, "plateau").locator(".explore-summary").inner_text()
    for cost, name in [("cross-entropy", "cross-entropy"), ("squared-error", "squared error")]:
        z, steps = -4.6, 0
        while z < 0:
            z, steps = z - COSTS[cost](z)[1][0], steps + 1
        assert f"{name} passed ½ at step {steps}" in said


# --- the bet


def bet(exponents):
    """What the bet shows for beliefs p and q, given as exponents of ten."""
    with mpmath.workdps(50):
        p, q = (mpmath.mpf(10) ** mpmath.mpf(str(exponent)) for exponent in exponents)
        found = {"apart": abs(p - q), "gap": abs(mpmath.log(p / q)), "factor": max(p, q) / min(p, q)}
        for name, belief in {"p": p, "q": q}.items():
            nats = -mpmath.log(belief)
            found |= {
                f"{name}-nats": nats,
                f"{name}-bits": nats / mpmath.log(2),
                f"{name}-odds": (1 - belief) / belief,
                f"{name}-slope": -1 / belief,
            }
        return found


def test_bet_shows_what_two_beliefs_cost(opened):
    page = opened("bet")
    for exponents in [(-9, -6), (-6, -9), (-9, 0), (-0.1, -8.9), (-1, -2), (-4.3, -4.2)]:
        assert tuple(move(page, "bet", f"belief-{name}", at) for name, at in zip("pq", exponents)) == exponents
        agree(shown(page, "bet"), bet(exponents))


def test_bet_knows_the_lectures_numbers(opened):
    found = shown(opened("bet"), "bet")
    assert found["apart"] < 1e-6
    assert np.isclose(found["gap"], np.log(1000), rtol=1e-12)
    assert round(found["p-odds"]) == 999_999_999 and round(found["q-odds"]) == 999_999


def test_bet_of_two_equal_beliefs_says_so(opened):
    page = opened("bet")
    move(page, "bet", "belief-q", -9)
    assert "same" in stage(page, "bet").locator(".explore-summary").inner_text()
