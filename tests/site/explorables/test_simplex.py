"""The simplex: a start and a target that are dragged, and two walks downhill from one to the other.

Every number shown is compared with the same descent by smlib. On its plateau the squared error
lets a rounding error grow as its speed does, by up to one over the right answer's first output:
with outputs above a millionth, nine digits stay certain. A number of steps is compared only where
rounding cannot decide it.
"""

import numpy as np
import pytest
from playwright.sync_api import expect

import smlib
from tests.site.browser import PHONE, Visitor, control, move, shown, visited
from tests.site.explorables.test_all import agree, stage

NAME = "simplex"
PAGE = "chapters/05-steep-times-flat.html"
CLASSES = "ABC"
MOST = 3000
START = ([-4, 4, 0], [1, 0, 0], 0.25)
COSTS = {
    "cross-entropy": smlib.cross_entropy_value_and_grad,
    "squared-error": lambda z, t: smlib.squared_error_value_and_grad(z, t, output="softmax"),
}
CENTERS = """selector => [...document.querySelectorAll("#fig-explore-simplex " + selector)].map(shape => {
  const box = shape.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
})"""


@pytest.fixture(scope="module")
def tab(browser, origin):
    """The page, once: it is long."""
    with visited(browser, origin, PAGE) as page:
        yield page


@pytest.fixture
def page(tab):
    """The page, with the explorable as it starts."""
    control(tab, NAME, "wrong").click()
    stage(tab, NAME).evaluate("stage => stage.scrollIntoView({block: 'center', behavior: 'instant'})")
    return tab


def expected(z, t, rate, step=100):
    """What is to be shown after so many of the steps from z to t."""
    t, numbers = np.array(t, dtype=float), {}
    for cost, value_and_grad in COSTS.items():
        walk = [np.array(z, dtype=float)]
        for _ in range(MOST):
            walk.append(walk[-1] - rate * value_and_grad(walk[-1], t)[1])
        y = smlib.softmax(walk)
        off = np.abs(y - t).max(axis=1)
        assert np.abs(off - 0.05).min() > 1e-9, "rounding decides the number of steps"
        numbers |= {f"output-{name}-{cost}": y[step, i] for i, name in enumerate(CLASSES)}
        numbers[f"cost-{cost}"] = value_and_grad(walk[step], t)[0]
        numbers[f"arrival-{cost}"] = np.argmax(off < 0.05) if off.min() < 0.05 else np.inf
    return numbers


def sliders(page):
    """The logits and the target that the sliders show."""

    def read(what):
        return [float(control(page, NAME, f"{what}-{name}").input_value()) for name in CLASSES]

    return read("logit"), [percent / 100 for percent in read("target")]


def point(page, y):
    """Where a distribution lies on the screen."""
    return np.array(y) @ np.array(page.evaluate(CENTERS, ".corner"))


def distribution(page, x, y):
    """The distribution that lies at a point of the screen."""
    corners = np.vstack([np.array(page.evaluate(CENTERS, ".corner")).T, np.ones(3)])
    return np.linalg.solve(corners, [x, y, 1])


def grip(page, name):
    [center] = page.evaluate(CENTERS, f".handle-{name} .reach")
    return np.array(center)


def drag(page, name, to):
    """Drag a handle with the mouse, and say where it was dropped."""
    page.mouse.move(*grip(page, name))
    page.mouse.down()
    page.mouse.move(*to, steps=4)
    page.mouse.up()


# --- the numbers


def test_it_starts_with_the_chapters_walk(visitor, origin):
    page = visitor.page
    page.goto(origin + PAGE)
    found = shown(page, NAME)
    agree(found, expected(*START))
    text = page.locator("article").text_content()
    assert f"cross-entropy {found['arrival-cross-entropy']:.0f} steps" in text
    assert f"squared error {found['arrival-squared-error']:.0f} steps" in text


@pytest.mark.parametrize("step", [0, 1, 5, 37, 99])
def test_each_step_is_smlibs(page, step):
    move(page, NAME, "steps", step)
    agree(shown(page, NAME), expected(*START, step))


@pytest.mark.parametrize(
    ("z", "rate"),
    [
        ([-4, 4, 0], 0.05),
        ([-4, 4, 0], 2),
        ([-3.05, 2.5, 0.55], 1),
        ([-6, 6, 6], 0.5),
        ([0, 0, 0], 0.25),
        ([6, -6, 0.3], 1.35),
    ],
)
def test_any_start_and_any_learning_rate_walk_as_smlib_does(page, z, rate):
    for name, logit in zip(CLASSES, z):
        move(page, NAME, f"logit-{name}", logit)
    move(page, NAME, "rate", rate)
    assert sliders(page) == (z, [1, 0, 0])
    agree(shown(page, NAME), expected(z, [1, 0, 0], rate))


@pytest.mark.parametrize("percents", [{"B": 100}, {"C": 100}, {"A": 34}, {"A": 60, "C": 35}, {"B": 1, "A": 2}])
def test_any_target_is_walked_to_as_smlib_does(page, percents):
    for name, percent in percents.items():
        move(page, NAME, f"target-{name}", percent)
    z, t = sliders(page)
    assert z == [-4, 4, 0]
    agree(shown(page, NAME), expected(z, t, 0.25))


@pytest.mark.parametrize("name", ["rivals", "soft", "close", "wrong"])
def test_a_setting_to_try_walks_as_smlib_does(page, name):
    move(page, NAME, "logit-A", 3)
    move(page, NAME, "rate", 2)
    move(page, NAME, "steps", 7)
    control(page, NAME, name).press("Enter")
    z, t = sliders(page)
    agree(shown(page, NAME), expected(z, t, 0.25))
    fast, slow = (shown(page, NAME)[f"arrival-{cost}"] for cost in COSTS)
    assert slow > 20 * fast if name != "close" else fast < slow < 3 * fast


def test_what_does_not_arrive_is_said_not_to(page):
    move(page, NAME, "logit-A", -6)
    assert shown(page, NAME)["arrival-squared-error"] == np.inf
    assert "more than 3,000" in stage(page, NAME).locator(".explore-summary").inner_text()


def test_three_targets_are_one_distribution(page):
    for name, percent in [("A", 50), ("B", 33), ("C", 99), ("C", 1), ("A", 0), ("B", 100), ("A", 7)]:
        move(page, NAME, f"target-{name}", percent)
        targets = [float(control(page, NAME, f"target-{other}").input_value()) for other in CLASSES]
        assert targets[CLASSES.index(name)] == percent
        assert sum(targets) == 100 and min(targets) >= 0


# --- the picture


@pytest.mark.parametrize("step", [0, 5, 33, 100])
def test_the_walkers_stand_where_their_outputs_say(page, step):
    move(page, NAME, "steps", step)
    found = shown(page, NAME)
    for cost in COSTS:
        marks = page.evaluate(CENTERS, f"svg:has(.handle) .mark.{cost}")
        assert len(marks) == 3 + step // 5  # one every five steps, the walker's, the legend's
        y = [found[f"output-{name}-{cost}"] for name in CLASSES]
        assert np.abs(np.array(marks) - point(page, y)).max(axis=1).min() < 0.1


def test_handles_stand_at_start_and_target(page):
    control(page, NAME, "soft").click()
    z, t = sliders(page)
    assert grip(page, "start") == pytest.approx(point(page, smlib.softmax(z)), abs=0.1)
    assert grip(page, "target") == pytest.approx(point(page, t), abs=0.1)


# --- dragging


@pytest.mark.parametrize("to", [[0.2, 0.3, 0.5], [0.6, 0.1, 0.3], [0.05, 0.9, 0.05]])
def test_the_mouse_drags_the_start(page, to):
    where = point(page, to)
    drag(page, "start", where)
    z, t = sliders(page)
    logs = np.log(distribution(page, *where))
    assert z == pytest.approx(logs - logs.mean(), abs=0.0251)
    assert grip(page, "start") == pytest.approx(where, abs=6)
    assert t == [1, 0, 0]
    agree(shown(page, NAME), expected(z, t, 0.25))


def test_the_mouse_drags_the_target(page):
    where = point(page, [0.5, 0.2, 0.3])
    drag(page, "target", where)
    z, t = sliders(page)
    assert t == pytest.approx(distribution(page, *where), abs=0.0101)
    assert z == [-4, 4, 0]
    agree(shown(page, NAME), expected(z, t, 0.25))


@pytest.mark.parametrize(
    ("beyond", "t"),
    [
        ([1.3, -0.3, 0], [1, 0, 0]),
        ([-0.1, 1.2, -0.1], [0, 1, 0]),
        ([0.6, 0.6, -0.2], [0.5, 0.5, 0]),
    ],
)
def test_what_is_dragged_out_of_the_triangle_stays_on_its_edge(page, beyond, t):
    drag(page, "target", point(page, beyond))
    assert sliders(page)[1] == pytest.approx(t, abs=0.0101)
    drag(page, "start", point(page, beyond))
    assert 0.0005 < smlib.softmax(sliders(page)[0]).min() < 0.0015


def test_a_finger_drags_the_start_and_the_page_stays(browser, origin):
    visitor = Visitor(browser, origin, has_touch=True, is_mobile=True)
    page = visitor.page
    page.set_viewport_size(PHONE)
    page.goto(origin + PAGE)
    triangle = stage(page, NAME).locator("svg").first
    triangle.evaluate("element => element.scrollIntoView({block: 'center', behavior: 'instant'})")
    page.wait_for_timeout(300)
    touch = page.context.new_cdp_session(page)

    def swipe(start, end):
        """How far the page scrolls as a finger goes from one place to another."""
        before = page.evaluate("scrollY")
        for k in range(11):
            x, y = start + (end - start) * k / 10
            touch.send(
                "Input.dispatchTouchEvent",
                {"type": "touchMove" if k else "touchStart", "touchPoints": [{"x": x, "y": y}]},
            )
            page.wait_for_timeout(20)
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_timeout(300)
        return page.evaluate("scrollY") - before

    to = [0.3, 0.2, 0.5]
    assert swipe(grip(page, "start"), point(page, to)) == 0
    assert smlib.softmax(sliders(page)[0]) == pytest.approx(to, abs=0.03)
    agree(shown(page, NAME), expected(*sliders(page), 0.25))
    middle = point(page, [0.7, 0.25, 0.05])
    assert swipe(middle, middle - [0, 100]) > 50  # beside the handles the page scrolls
    visitor.context.close()


# --- the keyboard, and what is heard


def test_arrow_keys_move_start_and_target(page):
    control(page, NAME, "logit-B").press("ArrowLeft")
    control(page, NAME, "target-C").press("ArrowRight")
    z, t = sliders(page)
    assert (z, t) == ([-4, 3.95, 0], [0.99, 0, 0.01])
    agree(shown(page, NAME), expected(z, t, 0.25))


def test_a_slider_says_its_value_and_the_three_probabilities(page):
    logit = stage(page, NAME).get_by_role("group", name="Start").get_by_role("slider", name="Logit C")
    logit.press("ArrowRight")
    a, b, c = smlib.softmax([-4, 4, 0.05])
    said = f"0.05: probabilities A {1e4 * a:.2f}·10⁻⁴, B {b:.3f}, C {c:.4f}"
    assert logit.get_attribute("aria-valuetext") == said
    target = stage(page, NAME).get_by_role("group", name="Target").get_by_role("slider", name="Target B")
    target.fill("25")
    assert target.get_attribute("aria-valuetext") == "0.25: probabilities A 0.750, B 0.250, C 0"


# --- the walk


def test_the_walk_is_walked(page):
    control(page, NAME, "go").click()
    steps = control(page, NAME, "steps")
    page.wait_for_function("() => 5 < document.querySelector('[name=steps]').value")
    assert int(steps.input_value()) < 100
    expect(steps).to_have_value("100")
    agree(shown(page, NAME), expected(*START))


def test_a_hand_on_the_steps_stops_the_walk(page):
    control(page, NAME, "go").click()
    move(page, NAME, "steps", 3)
    page.wait_for_timeout(200)
    assert control(page, NAME, "steps").input_value() == "3"
    agree(shown(page, NAME), expected(*START, 3))


def test_with_less_motion_a_press_is_ten_steps(browser, origin):
    visitor = Visitor(browser, origin, reduced_motion="reduce")
    page = visitor.page
    page.goto(origin + PAGE)
    go = control(page, NAME, "go")
    assert go.inner_text() == "Ten steps"
    for step in (0, 10, 20):
        go.press("Enter")
        assert control(page, NAME, "steps").input_value() == str(step)
        page.wait_for_timeout(100)
        agree(shown(page, NAME), expected(*START, step))
    visitor.context.close()
