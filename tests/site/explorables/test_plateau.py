"""The plateau: both units start, descend and arrive where smlib's costs and slopes lead them."""

import mpmath
import numpy as np
import pytest

import smlib
from tests.site.explorables.explorable import to_nine_digits

DECADES = [-108, -58, -20, -1, 0, 1, 34]
STEPS, SECONDS = 200, 6
COSTS = {
    "cross-entropy": lambda z: smlib.logistic_cross_entropy_value_and_grad([z], [1.0]),
    "squared-error": lambda z: smlib.squared_error_value_and_grad([z], [1.0], output="logistic"),
}


@pytest.fixture
def plateau(opened):
    """The explorable on its own page."""
    return opened("plateau")


def logit(tenths):
    """Return the logit of odds in tenths of a decade."""
    return tenths * np.log(10) / 10


def time_left(cost, z):
    """Return the time of gradient flow from z to 0, by quadrature of one over the speed."""
    speed = {"cross-entropy": lambda y: 1 - y, "squared-error": lambda y: y * (1 - y) ** 2}[cost]
    if z >= 0:
        return 0
    steps = mpmath.fp.linspace(z, 0, 2 + int(-z))
    return mpmath.fp.quad(lambda u: 1 / speed(1 / (1 + mpmath.fp.exp(-u))), steps)


def unit(cost, z):
    """Return what is to be shown of one unit."""
    value, slope = COSTS[cost](z)
    numbers = {"logit": z, "output": smlib.logistic(z), "cost": value, "slope": slope[0], "left": time_left(cost, z)}
    return {f"{cost}-{name}": number for name, number in numbers.items()}


def raced(z, rate, steps):
    """Return what is to be shown after so many steps from z."""
    found = {"step": steps}
    for cost, value_and_grad in COSTS.items():
        end = z
        for _ in range(steps):
            end -= rate * value_and_grad(end)[1][0]
        found |= unit(cost, end)
    return found


def test_it_shows_smlibs_costs_and_slopes(plateau):
    for tenths in DECADES:
        assert plateau.move("decades", tenths) == tenths
        assert plateau.shown() == to_nine_digits(raced(logit(tenths), 1, 0))


def test_it_starts_with_the_chapters_billionth(plateau, book):
    found = plateau.shown()
    assert f"{found['cross-entropy-output']:.9g}" == "9.99999999e-10"
    times = [f"{found[f'{cost}-left']:.4g}" for cost in COSTS]
    assert times == ["21.72", "1e+09"]
    assert plateau.said().startswith("After 0 steps.")


def test_the_sentence_has_two_digits_of_what_is_about(plateau):
    plateau.move("decades", -30)
    plateau.control("step").press("Enter")
    assert "and needs about 6.9 more steps; squared error" in plateau.said()
    assert "and needs about 1,000 more steps." in plateau.said()


def test_the_mouse_drags_either_ball(plateau):
    for cost, to in (("cross-entropy", -40), ("squared-error", -75)):
        plateau.move("decades", to)
        there = plateau.handles()[f"ball-{cost}"]
        plateau.control("reset").press("Enter")
        plateau.control("step").press("Enter")
        plateau.drag(f"ball-{cost}", (there[0] - plateau.handles()[f"ball-{cost}"][0], 0))
        assert abs(float(plateau.control("decades").input_value()) - to) <= 1
        assert plateau.shown()["step"] == 0


def test_it_races_by_smlibs_gradients(plateau):
    for tenths, rate in [(-20, "1"), (-108, "0.1"), (-30, "6.75"), (-40, "1000"), (9, "1")]:
        z = logit(plateau.move("decades", tenths))
        plateau.control("rate").select_option(rate)
        for steps in (1, 2):
            plateau.control("step").press("Enter")
            assert plateau.shown() == to_nine_digits(raced(z, float(rate), steps))
    plateau.control("reset").press("Space")
    assert plateau.shown() == to_nine_digits(raced(logit(-90), 1, 0))


def test_it_runs_pauses_and_arrives(opened_with):
    plateau = opened_with("plateau")
    clock, run = plateau.stopped_clock(), plateau.control("run")
    run.click()
    assert run.inner_text() == "Pause"
    clock.fast_forward(SECONDS * 1000 // 4)
    clock.run_for(100)  # some frames in a row
    paused = plateau.shown()["step"]
    assert STEPS / 16 < paused < STEPS / 8
    run.click()
    assert run.inner_text() == "Run"
    clock.run_for(200)
    assert plateau.shown()["step"] == paused
    run.click()
    clock.run_for(100)
    assert paused < plateau.shown()["step"] < STEPS
    clock.fast_forward(SECONDS * 1000)
    assert plateau.shown() == to_nine_digits(raced(logit(-90), 1, STEPS))
    assert run.inner_text() == "Run again"


def test_with_less_motion_a_press_shows_the_end_and_counts_the_steps_to_one_half(plateau):
    """The chapter's race, nearly: from one hundredth, 6 steps against 117."""
    plateau.page.emulate_media(reduced_motion="reduce")
    start = logit(plateau.move("decades", -20))
    plateau.control("run").press("Enter")
    assert plateau.shown() == to_nine_digits(raced(start, 1, STEPS))
    for cost, name in [("cross-entropy", "cross-entropy"), ("squared-error", "squared error")]:
        z, steps = start, 0
        while z < 0:
            z, steps = z - COSTS[cost](z)[1][0], steps + 1
        assert f"{name} passed ½ at step {steps}" in plateau.said()
