"""The simplex: a start and a target that are dragged, and two walks downhill from one to the other.

Every number shown is compared with the same descent by smlib. On its plateau the squared error
lets a rounding error grow as its speed does, by up to one over the right answer's first output:
with outputs above a millionth, nine digits stay certain. A number of steps is compared only where
rounding cannot decide it.
"""

from functools import cache

import numpy as np
import pytest

import smlib
from tests.site.browser import PHONE
from tests.site.explorables.explorable import finger, to_nine_digits

CLASSES = "ABC"
MOST, NEAR = 3000, 0.05
# The numbers of steps at the slider.
COUNTS = [0, *dict.fromkeys(int(MOST ** (k / 60) + 0.5) for k in range(61))]
START = ([-4, 4, 0], [1, 0, 0], 0.25)
COSTS = {
    "cross-entropy": smlib.cross_entropy_value_and_grad,
    "squared-error": lambda z, t: smlib.squared_error_value_and_grad(z, t, output="softmax"),
}
# Points outside the triangle, and the nearest target on its edge.
OUTSIDE = [
    ([1.3, -0.3, 0], [1, 0, 0]),
    ([-0.1, 1.2, -0.1], [0, 1, 0]),
    ([0.6, 0.6, -0.2], [0.5, 0.5, 0]),
]
CENTERS = """shapes => shapes.map(shape => {
  const box = shape.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
})"""


@pytest.fixture
def simplex(opened):
    """The explorable on its own page, its triangle in view."""
    return in_view(opened("simplex"))


def in_view(simplex):
    """Scroll the triangle to the middle of the window."""
    simplex.stage.locator("svg:has(.handle)").evaluate(
        "triangle => triangle.scrollIntoView({block: 'center', behavior: 'instant'})"
    )
    return simplex


@cache
def walked(cost, z, t, rate, step):
    """Return the logits after each step from z to t, at least so many, and at which step they arrive."""
    walk, arrived = [np.array(z, dtype=float)], False
    while (not arrived or len(walk) <= step) and len(walk) <= MOST:
        for _ in range(100):
            walk.append(walk[-1] - rate * COSTS[cost](walk[-1], t)[1])
        off = np.abs(smlib.softmax(walk) - t).max(axis=1)
        arrived = off.min() < NEAR
    assert np.abs(off - NEAR).min() > 1e-9, "rounding decides the number of steps"
    return walk, np.argmax(off < NEAR) if arrived else np.inf


def expected(z, t, rate, step=0):
    """Return what is to be shown after so many of the steps from z to t."""
    numbers = {}
    for cost, value_and_grad in COSTS.items():
        walk, arrival = walked(cost, tuple(z), tuple(t), rate, step)
        numbers |= {f"output-{name}-{cost}": y for name, y in zip(CLASSES, smlib.softmax(walk[step]))}
        numbers[f"cost-{cost}"] = value_and_grad(walk[step], np.array(t, dtype=float))[0]
        numbers[f"arrival-{cost}"] = arrival
    return numbers


def walk_to(simplex, step):
    """Put the slider at a number of steps that it has."""
    simplex.move("steps", COUNTS.index(step))


def set_to(simplex):
    """Return the logits and the target that the sliders show."""

    def read(what):
        return [float(simplex.control(f"{what}-{name}").input_value()) for name in CLASSES]

    return read("logit"), [percent / 100 for percent in read("target")]


def centers(simplex, shapes):
    """Return where the shapes lie on the screen."""
    return np.array(simplex.stage.locator(shapes).evaluate_all(CENTERS))


def point(simplex, y):
    """Return where a distribution lies on the screen."""
    return np.array(y) @ centers(simplex, ".corner")


def distribution(simplex, x, y):
    """Return the distribution that lies at a point of the screen."""
    return np.linalg.solve(np.vstack([centers(simplex, ".corner").T, np.ones(3)]), [x, y, 1])


def grip(simplex, name):
    """Return where a handle lies on the screen."""
    [center] = centers(simplex, f".handle-{name} .reach")
    return center


def drag(simplex, name, to):
    """Drag a handle to a point of the screen with the mouse."""
    mouse = simplex.page.mouse
    mouse.move(*grip(simplex, name))
    mouse.down()
    mouse.move(*to, steps=4)
    mouse.up()


# --- the numbers


def test_it_starts_with_the_chapters_walk(simplex, book):
    found = simplex.shown()
    assert found == to_nine_digits(expected(*START))
    fast, slow = (found[f"arrival-{cost}"] for cost in COSTS)
    printed = f"cross-entropy {fast:.0f} steps\nsquared error {slow:.0f} steps\n"
    outputs = [output for cell in book["05-steep-times-flat"].cells for output in cell.get("outputs", [])]
    assert printed in [output.get("text") for output in outputs]


def test_each_step_is_smlibs(simplex):
    for step in (0, 1, 37, 1032, 3000):
        walk_to(simplex, step)
        said = f"After {step:,} step{'s' * (step != 1)}"
        assert simplex.stage.locator(".explore-title", has_text="After").inner_text() == said
        assert simplex.shown() == to_nine_digits(expected(*START, step))


def test_any_start_and_any_learning_rate_walk_as_smlib_does(simplex):
    for z, rate in [([-4, 4, 0], 0.05), ([-3.05, 2.5, 0.55], 1), ([-6, 6, 6], 0.5), ([6, -6, 0.3], 2)]:
        for name, logit in zip(CLASSES, z):
            simplex.move(f"logit-{name}", logit)
        simplex.move("rate", rate)
        walk_to(simplex, 107)
        assert set_to(simplex) == (z, [1, 0, 0])
        assert simplex.shown() == to_nine_digits(expected(z, [1, 0, 0], rate, 107))


def test_any_target_is_walked_to_as_smlib_does(simplex):
    for percents in [{"C": 100}, {"A": 60, "C": 35}, {"B": 1, "A": 2}]:
        simplex.control("wrong").press("Enter")
        for name, percent in percents.items():
            simplex.move(f"target-{name}", percent)
        z, t = set_to(simplex)
        assert z == [-4, 4, 0]
        walk_to(simplex, 107)
        assert simplex.shown() == to_nine_digits(expected(z, t, 0.25, 107))


def test_the_settings_to_try_walk_as_smlib_does(simplex):
    for name in ("rivals", "soft", "close", "wrong"):
        simplex.move("logit-A", 3)
        simplex.move("rate", 2)
        simplex.move("steps", 7)
        simplex.control(name).press("Enter")
        z, t = set_to(simplex)
        found = simplex.shown()
        assert found == to_nine_digits(expected(z, t, 0.25))
        fast, slow = (found[f"arrival-{cost}"] for cost in COSTS)
        assert slow > 20 * fast if name != "close" else fast < slow < 3 * fast


def test_what_does_not_arrive_is_said_not_to(simplex):
    simplex.move("logit-A", -6)
    walk_to(simplex, 3000)
    assert simplex.shown()["arrival-squared-error"] == np.inf
    assert "more than 3,000" in simplex.said()


def test_three_targets_are_one_distribution(simplex):
    for name, percent in [("A", 50), ("B", 33), ("C", 99), ("C", 1), ("A", 0), ("B", 100), ("A", 7)]:
        simplex.move(f"target-{name}", percent)
        targets = [float(simplex.control(f"target-{other}").input_value()) for other in CLASSES]
        assert targets[CLASSES.index(name)] == percent
        assert sum(targets) == 100 and min(targets) >= 0


def test_two_targets_that_are_set_both_stay(simplex):
    for names in ("AB", "CB", "BA"):
        for name in names:
            simplex.move(f"target-{name}", 50)
        assert [set_to(simplex)[1][CLASSES.index(name)] for name in names] == [0.5, 0.5]


# --- the picture


def test_the_walkers_stand_where_their_outputs_say(simplex):
    for step in (0, 5, 37, 107, 3000):
        walk_to(simplex, step)
        found = simplex.shown()
        for cost in COSTS:
            marks = centers(simplex, f"svg:has(.handle) .mark.{cost}")
            assert len(marks) == 2 + min(step, 100) // 5  # one every five steps, and the walker's
            y = [found[f"output-{name}-{cost}"] for name in CLASSES]
            assert np.abs(marks - point(simplex, y)).max(axis=1).min() < 0.1


def test_handles_stand_at_start_and_target(simplex):
    simplex.control("soft").click()
    z, t = set_to(simplex)
    assert grip(simplex, "start") == pytest.approx(point(simplex, smlib.softmax(z)), abs=0.1)
    assert grip(simplex, "target") == pytest.approx(point(simplex, t), abs=0.1)


# --- dragging


def test_the_mouse_drags_the_start(simplex):
    for to in ([0.2, 0.3, 0.5], [0.6, 0.1, 0.3], [0.05, 0.9, 0.05]):
        where = point(simplex, to)
        drag(simplex, "start", where)
        z, t = set_to(simplex)
        logs = np.log(distribution(simplex, *where))
        assert z == pytest.approx(logs - logs.mean(), abs=0.0251)
        assert grip(simplex, "start") == pytest.approx(where, abs=6)
        assert t == [1, 0, 0]
        assert simplex.shown() == to_nine_digits(expected(z, t, 0.25))


def test_the_mouse_drags_the_target(simplex):
    where = point(simplex, [0.5, 0.2, 0.3])
    drag(simplex, "target", where)
    z, t = set_to(simplex)
    assert t == pytest.approx(distribution(simplex, *where), abs=0.0101)
    assert z == [-4, 4, 0]
    assert simplex.shown() == to_nine_digits(expected(z, t, 0.25))


def test_what_is_dragged_out_of_the_triangle_stays_on_its_edge(simplex):
    for beyond, t in OUTSIDE:
        simplex.control("wrong").press("Enter")
        drag(simplex, "target", point(simplex, beyond))
        assert set_to(simplex)[1] == pytest.approx(t, abs=0.0101)
        drag(simplex, "start", point(simplex, beyond))
        assert 0.0005 < smlib.softmax(set_to(simplex)[0]).min() < 0.0015


def test_a_finger_drags_the_start_and_the_page_stays(opened_with):
    simplex = opened_with("simplex", has_touch=True, is_mobile=True)
    simplex.resize(PHONE)
    in_view(simplex)
    to = [0.3, 0.2, 0.5]
    assert finger(simplex.page, grip(simplex, "start"), point(simplex, to)) == 0
    assert smlib.softmax(set_to(simplex)[0]) == pytest.approx(to, abs=0.03)
    assert simplex.shown() == to_nine_digits(expected(*set_to(simplex), 0.25))
    middle = point(simplex, [0.7, 0.25, 0.05])
    assert finger(simplex.page, middle, middle - [0, 100]) > 50  # beside the handles the page scrolls


# --- the keyboard, and what is heard


def test_arrow_keys_move_start_and_target(simplex):
    simplex.control("logit-B").press("ArrowLeft")
    simplex.control("target-C").press("ArrowRight")
    z, t = set_to(simplex)
    assert (z, t) == ([-4, 3.95, 0], [0.99, 0, 0.01])
    assert simplex.shown() == to_nine_digits(expected(z, t, 0.25))


def test_a_slider_says_its_value_and_the_three_probabilities(simplex):
    logit = simplex.stage.get_by_role("group", name="Start").get_by_role("slider", name="Logit C")
    logit.press("ArrowRight")
    a, b, c = smlib.softmax([-4, 4, 0.05])
    said = f"0.05: probabilities A {1e4 * a:.2f}·10⁻⁴, B {b:.3f}, C {c:.4f}"
    assert logit.get_attribute("aria-valuetext") == said
    target = simplex.stage.get_by_role("group", name="Target").get_by_role("slider", name="Target B")
    target.fill("25")
    assert target.get_attribute("aria-valuetext") == "0.25: probabilities A 0.750, B 0.250, C 0"


# --- the walk: a place of the slider every 80 ms


def test_the_walk_is_walked_and_pauses(opened_with):
    simplex = opened_with("simplex")
    clock, steps, go = simplex.stopped_clock(), simplex.control("steps"), simplex.control("go")
    assert (go.inner_text(), steps.input_value()) == ("Walk", "0")
    go.click()
    for count in (5, 10):
        clock.run_for(400)
        assert int(steps.input_value()) == pytest.approx(count, abs=1)
    paused = int(steps.input_value())
    assert simplex.shown() == to_nine_digits(expected(*START, COUNTS[paused]))
    assert go.inner_text() == "Pause"
    go.click()
    clock.run_for(400)
    assert int(steps.input_value()) == paused
    go.click()
    clock.fast_forward(5000)
    assert simplex.shown() == to_nine_digits(expected(*START, MOST))
    assert go.inner_text() == "Walk again"


def test_a_hand_on_the_steps_stops_the_walk(opened_with):
    simplex = opened_with("simplex")
    clock = simplex.stopped_clock()
    simplex.control("go").click()
    clock.run_for(400)
    simplex.move("steps", 3)
    clock.run_for(200)
    assert simplex.control("steps").input_value() == "3"
    assert simplex.shown() == to_nine_digits(expected(*START, 3))


def test_with_less_motion_a_press_is_some_steps(opened_with):
    simplex = opened_with("simplex", reduced_motion="reduce")
    clock, go = simplex.stopped_clock(), simplex.control("go")
    assert go.inner_text() == "Some steps"
    for place in (5, 10, 15):
        go.press("Enter")
        assert simplex.control("steps").input_value() == str(place)
        clock.run_for(100)
        assert simplex.shown() == to_nine_digits(expected(*START, COUNTS[place]))
