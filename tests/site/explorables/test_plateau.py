"""The plateau: both units start, descend and arrive where smlib's costs and slopes lead them."""

import itertools
import math

import mpmath
import numpy as np
import pytest

import smlib
from tests.site.explorables.explorable import to_nine_digits

DECADES = [-108, -58, -20, -1, 0, 1, 34]
STEPS, SECONDS = 20_000, 60
COSTS = {
    "cross-entropy": lambda z: smlib.logistic_cross_entropy_value_and_grad([z], [1.0]),
    "squared-error": lambda z: smlib.squared_error_value_and_grad([z], [1.0], output="logistic"),
}
NAMES = {"cross-entropy": "cross-entropy", "squared-error": "squared error"}


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


def slope(cost, z):
    """Return the slope, in plain floats. A call of smlib takes too long for a million steps."""
    y = 1 / (1 + math.exp(-z)) if z > -700 else 0.0
    rest = 1 / (1 + math.exp(z)) if z < 700 else 0.0
    return -rest if cost == "cross-entropy" else -rest * rest * y


def stepped(cost, z, rate, steps):
    """Return the logit after so many steps, one by one."""
    for _ in range(steps):
        z -= rate * slope(cost, z)
    return z


def arrival(cost, z, rate=1):
    """Return the step at which the logit passes 0."""
    for step in itertools.count():
        if z >= 0:
            return step
        z -= rate * slope(cost, z)


def unit(cost, z):
    """Return what is to be shown of one unit."""
    value, slope = COSTS[cost](z)
    numbers = {"logit": z, "output": smlib.logistic(z), "cost": value, "slope": slope[0], "left": time_left(cost, z)}
    return {f"{cost}-{name}": number for name, number in numbers.items()}


def raced(z, rate, steps):
    """Return what is to be shown after so many steps from z."""
    found = {"step": steps}
    for cost in COSTS:
        found |= unit(cost, stepped(cost, z, rate, steps))
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
    assert plateau.said().endswith("At one step a second, they reach ½ in 22 seconds and in 32 years.")


def test_the_sentence_has_two_digits_of_what_is_about(plateau):
    plateau.move("decades", -30)
    plateau.control("step").press("Enter")
    assert "and needs about 6.9 more steps; squared error" in plateau.said()
    assert "and needs about 1,000 more steps." in plateau.said()
    plateau.control("rate").select_option("0.1")
    plateau.control("step").press("Enter")
    assert "and needs about 78 more steps; squared error" in plateau.said()
    assert plateau.said().endswith("that took 1.0 second, with 2.8 hours to go.")


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
        for cost, value_and_grad in COSTS.items():
            assert slope(cost, z) == to_nine_digits(value_and_grad(z)[1][0])
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
    for cost, name in NAMES.items():
        assert f"{name} passed ½ at step {arrival(cost, start)}" in plateau.said()


@pytest.mark.parametrize(("tenths", "rate"), [(-40, "0.1"), (-50, "1"), (-80, "1000")])
def test_ten_times_as_many_steps_at_once_lead_where_single_steps_lead(plateau, tenths, rate):
    """Long stretches of short steps are taken at once."""
    z = logit(plateau.move("decades", tenths))
    plateau.control("rate").select_option(rate)
    ends, done = dict.fromkeys(COSTS, z), 0
    while plateau.control("ten").is_enabled():
        plateau.control("ten").press("Enter")
        found, before = plateau.shown(), done
        done = 10 * max(1, done)
        ends = {cost: stepped(cost, end, float(rate), done - before) for cost, end in ends.items()}
        assert found["step"] == done
        assert {cost: found[f"{cost}-logit"] for cost in COSTS} == pytest.approx(ends, rel=1e-5)
    assert done >= 10**5
    assert f"squared error passed ½ at step {arrival('squared-error', z, float(rate)):,}." in plateau.said()


def test_after_ten_billion_steps_the_chapters_billionth_is_over_the_cliff(plateau):
    """The flow's 10⁹ + 64.7 steps, and half the logarithm of 10⁹/8 on top: a step keeps the slope of its start."""
    for exponent in range(1, 11):
        plateau.control("ten").press("Enter")
        if exponent == 7:
            assert plateau.said().endswith("At one step a second, that took 116 days, with 31 years to go.")
        if exponent == 9:
            assert 0.01 < plateau.shown()["squared-error-output"] < 0.1
    assert "squared error passed ½ at step 1,000,000,07" in plateau.said()
    assert plateau.said().endswith("At one step a second, that took 317 years.")
    assert plateau.control("ten").is_disabled()
