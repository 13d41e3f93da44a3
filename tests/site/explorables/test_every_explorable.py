"""Every explorable on its own page: labels, the keyboard, what is heard, rounded numbers, and a height that stays."""

import numpy as np
import pytest

from tests.site.browser import DESKTOP, PHONE
from tests.site.explorables.explorable import NAMES, TALLEST, finger, printed

pytestmark = pytest.mark.parametrize("name", NAMES)

KEYS = {"range": ["End", "Home"], "checkbox": ["Space"], "select-one": ["End", "Home"]}
NARROW = ("entry-", "row-sum-")  # in narrow cells, a small number is shown by its order of magnitude
MORE = "more than "
NAMED = {"slider", "button", "checkbox", "combobox", "group", "image", "table"}

# The controls of an explorable, and what the keyboard can land on in it.
CONTROLS = """stage => [...stage.querySelectorAll("input, select, button, summary, [tabindex]")].map(control => ({
  name: control.name || control.getAttribute("aria-label") || control.textContent,
  type: control.type || control.getAttribute("role"),
  label: (control.labels?.[0] ?? control).textContent.trim() || control.getAttribute("aria-label"),
  height: control.closest("label")?.offsetHeight ?? control.getBoundingClientRect().height,
}))"""
FOCUSED = """() => {
  const style = getComputedStyle(document.activeElement);
  const {name, textContent} = document.activeElement;
  return {name: name || document.activeElement.getAttribute("aria-label") || textContent,
          outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2};
}"""
# What every slider shows and says of its value, and every number as [name, value, text].
READINGS = """stage => [
  [...stage.querySelectorAll("input[type=range]")].map(slider => ({
    name: slider.name, shown: stage.querySelector(`output[for="${slider.id}"]`).textContent,
    said: slider.getAttribute("aria-valuetext")})),
  [...stage.querySelectorAll("data")].map(data => [data.dataset.name, Number(data.value), data.textContent]),
]"""
# The heights of the stage: before, with every slider at either end, and after every button, twice.
HEIGHTS = """stage => ["min", "max"].flatMap(end => {
  const sliders = [...stage.querySelectorAll("input[type=range]")], buttons = [...stage.querySelectorAll("button")];
  const slides = sliders.map(slider => () => {
    slider.value = slider[end];
    slider.dispatchEvent(new Event("input"));
  });
  const presses = buttons.map(button => () => button.click());
  return [() => {}, ...slides, ...presses, ...presses].map(change => {
    change();
    return Math.round(stage.getBoundingClientRect().height);
  });
})"""

# Everything that can be set, shown or drawn.
STATE = """stage => [
  [...stage.querySelectorAll("input, select")].map(({type, checked, value}) => type === "checkbox" ? checked : value),
  [...stage.querySelectorAll("data")].map(data => [data.dataset.name, data.value]),
  [...stage.querySelectorAll("button")].map(button => [button.textContent, button.ariaPressed, button.disabled]),
  [...stage.querySelectorAll("svg")].map(drawing => drawing.innerHTML),
]"""
FOLLOW = """address => new Promise(done => {
  addEventListener("hashchange", () => done(null), { once: true });
  location.href = address;
})"""
# Whether each shape and each bar has a color other than the ground.
PAINTED = """stage => {
  const ground = getComputedStyle(stage).backgroundColor;
  return [...stage.querySelectorAll("svg :is(path, circle, rect), .bar, .track, .plus, .minus")].map(shape => {
    const style = getComputedStyle(shape), inks = [style.fill, style.stroke, style.backgroundColor];
    const drawn = shape instanceof SVGElement ? inks.slice(0, 2) : inks.slice(2);
    return {look: shape.getAttribute("class"),
            seen: drawn.some(ink => ink !== "none" && !/^rgba.*, 0\\)$/.test(ink) && ink !== ground)};
  });
}"""


def controls(explorable):
    """Return the name, type, label and height of every control."""
    found = explorable.stage.evaluate(CONTROLS)
    assert len(found) > 1
    return found


def reads_as(text, full, narrow):
    """Return True if the text is the full number rounded."""
    if text.startswith(MORE):
        return full > printed(text.removeprefix(MORE))[0]
    number, half_a_digit = printed(text)
    if narrow and text.lstrip("−").startswith("10"):
        return abs(np.log10(full / number)) <= 0.5001
    return number == full or np.isnan([number, full]).all() or abs(number - full) <= 1.0001 * half_a_digit


def read_back(explorable):
    """Check that every number and every slider reads as it stands; return what the sliders show, by name."""
    sliders, numbers = explorable.stage.evaluate(READINGS)
    for name, full, text in numbers:
        assert reads_as(text, full, name.startswith(NARROW)), text
    for slider in sliders:
        assert slider["said"] == slider["shown"] or slider["said"].startswith(slider["shown"] + ": ")
    return {slider["name"]: slider["shown"] for slider in sliders}


def test_every_control_has_a_label_and_room_for_a_finger(opened, name):
    explorable = opened(name)
    for size in (DESKTOP, PHONE):
        explorable.resize(size)
        assert [c for c in controls(explorable) if not (c["name"] and c["label"] and c["height"] >= 24)] == []


def test_every_control_drawing_and_table_is_named_to_a_screen_reader(opened, name):
    explorable = opened(name)
    session = explorable.page.context.new_cdp_session(explorable.page)
    nodes = [node for node in session.send("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
    named = [(node["role"]["value"], node["name"]["value"]) for node in nodes if node["role"]["value"] in NAMED]
    assert {"slider", "table"} - {role for role, _ in named} == set()
    assert [role for role, said in named if not said] == []


def test_the_keyboard_reaches_every_control_and_is_seen_there(opened, name):
    explorable = opened(name)
    found = controls(explorable)
    explorable.stage.locator("input, select, button, summary, [tabindex]").first.focus()
    explorable.page.keyboard.press("Shift+Tab")
    for expected in found:
        explorable.page.keyboard.press("Tab")
        assert explorable.page.evaluate(FOCUSED) == {"name": expected["name"], "outline": True}


def test_the_keyboard_changes_what_is_shown_and_said(opened, name):
    explorable = opened(name)
    for found in controls(explorable):
        seen, read = [explorable.stage.inner_html()], [read_back(explorable)]
        for key in KEYS.get(found["type"], []):
            explorable.control(found["name"]).press(key)
            seen.append(explorable.stage.inner_html())
            read.append(read_back(explorable))
        if found["type"] in ("range", "checkbox"):  # a slider may stand at an end to begin with
            assert seen[-1] != seen[-2], found["name"]
        if found["type"] == "range":
            assert read[-1][found["name"]] != read[-2][found["name"]]


def test_a_swipe_scrolls_the_page_and_moves_no_slider(opened_with, name):
    explorable = opened_with(name, has_touch=True, is_mobile=True)
    explorable.resize(PHONE)
    for slider in explorable.stage.locator("input[type=range]").all():
        before = read_back(explorable)
        for part in (0.25, 0.8):
            slider.evaluate("slider => slider.scrollIntoView({block: 'center', behavior: 'instant'})")
            box = slider.bounding_box()
            start = np.array([box["x"] + part * box["width"], box["y"] + box["height"] / 2])
            assert finger(explorable.page, start, start - [0, 150]) > 50
            assert read_back(explorable) == before


def test_nothing_jumps_and_nothing_is_cut_off(opened, name):
    """With every slider at either end, and after every button, the stage is as high as before."""
    explorable = opened(name)
    explorable.page.emulate_media(reduced_motion="reduce")
    for size in (DESKTOP, PHONE):
        assert explorable.resize(size) <= size["width"]
        assert len(set(explorable.stage.evaluate(HEIGHTS))) == 1
        assert explorable.resize(size) <= size["width"]


def test_it_fits_the_screen(opened, name):
    explorable = opened(name).unfold(False)
    for width, height, tallest in TALLEST:
        explorable.resize({"width": width, "height": height})
        assert explorable.stage.bounding_box()["height"] <= tallest


def test_one_button_brings_everything_back(opened, name):
    """After every slider, choice and handle has moved, what is shown is what was shown at first."""
    explorable = opened(name)
    [reset] = explorable.stage.locator("[name=reset]").all()
    reset.press("Enter")
    before = explorable.stage.evaluate(STATE)
    for found in controls(explorable):
        for key in KEYS.get(found["type"], [])[::-1]:
            explorable.control(found["name"]).press(key)
    assert explorable.stage.evaluate(STATE) != before
    reset.press("Enter")
    assert explorable.stage.evaluate(STATE) == before


def test_a_link_leads_back_to_the_state(opened, name):
    """A page opened at the link shows what was shown where it was made, and so does a page that is there already."""
    explorable = opened(name)
    explorable.page.emulate_media(reduced_motion="reduce")
    explorable.control("reset").press("Enter")
    page, first = explorable.page, explorable.stage.evaluate(STATE)
    for found in controls(explorable):
        for key in KEYS.get(found["type"], [])[::-1] + ["ArrowLeft"] * (found["type"] == "range"):
            explorable.control(found["name"]).press(key)
    moved = explorable.stage.evaluate(STATE)
    explorable.control("link").press("Enter")
    address = page.url
    assert moved != first and f".html#fig-explore-{name}?" in address

    page.goto("about:blank")
    page.goto(address)
    assert explorable.unfold().stage.evaluate(STATE) == moved
    explorable.control("reset").press("Enter")
    explorable.control("link").press("Enter")
    assert page.url.endswith(f"#fig-explore-{name}?")
    explorable.stage.get_by_role("button", name="See address").or_(
        explorable.stage.get_by_role("button", name="Link copied")
    ).wait_for()
    explorable.stage.evaluate(
        "stage => stage.querySelectorAll('button:not([name=reset], [name=link])').forEach(b => b.click())"
    )
    explorable.control("reset").focus()
    page.evaluate(FOLLOW, f"#fig-explore-{name}?nothing=1")
    assert explorable.stage.evaluate(STATE) == first
    page.evaluate(FOLLOW, address)
    assert explorable.stage.evaluate(STATE) == moved


def test_what_a_link_cannot_set_is_ignored_or_clipped(opened, name):
    explorable = opened(name)
    first = explorable.stage.evaluate(STATE)
    names = [found["name"] for found in controls(explorable) if found["type"] in (*KEYS, "number")]
    fields = [found["name"] for found in controls(explorable) if found["type"] == "number"]
    settings = [(value, [*names, "nothing"]) for value in ("", "no such value", "1e999", "%E0%A4%A", "1e99")]
    for value, chosen in settings + [("1e99", [field]) for field in fields]:
        state = "&".join(f"{control}={value}" for control in chosen)
        explorable.page.evaluate(FOLLOW, f"#fig-explore-{name}?{state}")
        assert (explorable.stage.evaluate(STATE) == first) == (value != "1e99")
        assert explorable.stage.evaluate("stage => stage.querySelector(':invalid')") is None
        read_back(explorable)


def test_the_link_is_copied_if_the_browser_may(opened_with, name):
    explorable = opened_with(name, permissions=["clipboard-read", "clipboard-write"])
    page, link = explorable.page, explorable.control("link")
    link.click()
    page.wait_for_function("document.querySelector('[name=link]').textContent === 'Link copied'")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    explorable.control("reset").click()
    assert link.inner_text() == "Link to this"
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
    link.click()
    page.wait_for_function("document.querySelector('[name=link]').textContent === 'See address'")


def test_of_the_settings_to_try_the_one_that_is_on_is_pressed(opened, name):
    explorable = opened(name)
    for group in explorable.stage.locator(".explore-presets").all():
        for button in group.get_by_role("button").all():
            button.press("Enter")
            assert [other.get_attribute("aria-pressed") for other in group.get_by_role("button").all()] == [
                "true" if other.get_attribute("name") == button.get_attribute("name") else "false"
                for other in group.get_by_role("button").all()
            ]


def test_with_forced_colors_all_that_is_drawn_stays(opened, name):
    """Each shape that differs from the ground still does, if the system has colors of its own."""
    explorable = opened(name)
    before = explorable.stage.evaluate(PAINTED)
    explorable.page.emulate_media(forced_colors="active")
    after = explorable.stage.evaluate(PAINTED)
    assert len(before) == len(after) > 5
    lost = [(was, now) for was, now in zip(before, after) if was["seen"] and not now["seen"]]
    assert lost == []


def test_a_screen_reader_hears_the_sentence_once_it_rests(opened_with, name):
    explorable = opened_with(name)
    clock, status = explorable.stopped_clock(), explorable.stage.locator("[role=status]")
    assert explorable.stage.locator("output:not([aria-live=off])").count() == 0
    slider = explorable.stage.locator("input[type=range]").first
    for key in ("ArrowRight", "ArrowLeft", "ArrowRight", "ArrowLeft", "ArrowRight"):
        slider.press(key)
        clock.run_for(50)
    clock.run_for(700)
    assert status.text_content() == ""
    clock.run_for(100)
    assert status.text_content() == explorable.summary.text_content() != ""
