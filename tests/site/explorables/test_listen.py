"""Where is zero: weights, balance point and slopes are smlib's, and only the right rule does without a fixed zero.

Values and flag are set as they are with zero at its start, and shown with the constant that the slider adds to all.
"""

import numpy as np
import pytest

import smlib
from tests.site.browser import PHONE
from tests.site.explorables.explorable import finger, to_nine_digits

KEYS = "abcd"
START = ([2.0, 1.0, 0.0, -1.0], [1.0, 3.0, 2.0, 5.0], 3.0)
RATE = 1


@pytest.fixture
def listen(opened):
    """The explorable on its own page."""
    return opened("listen")


def slopes_of(z, v, t, zero=0.0, forget=False):
    """Return the slopes of (O − t)²/2 in the scores: by smlib, or as they are without D."""
    y, v, t = smlib.softmax(z), np.array(v) + zero, t + zero
    rule = y * v if forget else smlib.softmax_jvp(z, v)
    return rule * (y @ v - t)


def expected(z, v, t, zero=0.0, forget=False):
    """Return what is to be shown."""
    weights, slopes = smlib.softmax(z), slopes_of(z, v, t, zero, forget)
    answer = weights @ v + zero
    return {
        **{f"weight-{key}": weight for key, weight in zip(KEYS, weights)},
        **{f"slope-{key}": slope for key, slope in zip(KEYS, slopes)},
        "mean": np.mean(z),
        "total": 1,
        "answer": answer,
        "sum": answer * (answer - t - zero) if forget else 0,
        "gap": abs(answer - t - zero),
        "cost": (answer - t - zero) ** 2 / 2,
    }


def turn(listen, z, v, t, zero=0.0, forget=False):
    """Set all controls, and return them."""
    listen.control("forget").set_checked(forget)
    for name, values in {"score": z, "value": v}.items():
        assert [listen.move(f"{name}-{key}", x) for key, x in zip(KEYS, values)] == values
    assert (listen.move("flag", t), listen.move("zero", zero)) == (t, zero)
    return z, v, t, zero, forget


def set_to(listen):
    """Return the scores, values and flag that the sliders stand at."""
    scores, values = (
        [float(listen.control(f"{name}-{key}").input_value()) for key in KEYS] for name in ("score", "value")
    )
    return scores, values, float(listen.control("flag").input_value())


def slopes(listen):
    """Return the slopes that are shown."""
    found = listen.shown()
    return np.array([found[f"slope-{key}"] for key in KEYS])


# --- the numbers


def test_it_starts_with_the_chapters_numbers(listen):
    found = listen.shown()
    assert found == to_nine_digits(expected(*START))
    assert np.round(slopes(listen), 3).tolist() == [0.582, -0.407, -0.036, -0.139]
    assert round(found["answer"], 3) == 1.689 and found["sum"] == 0
    listen.control("forget").press("Space")
    assert np.round(slopes(listen), 3).tolist() == [-0.844, -0.932, -0.228, -0.210]
    assert round(listen.shown()["sum"], 3) == -2.214
    listen.move("zero", 10)
    assert np.round(slopes(listen), 2).tolist() == [-9.28, -4.04, -1.37, -0.63]


def test_any_setting_shows_what_smlib_computes(listen):
    for z, v, t, zero in [
        (*START, -10.0),
        ([-6.0, 6.0, 0.3, 2.0], [6.0, 0.1, 4.2, 3.3], 5.5, 7.5),
        ([0.0, 0.0, 0.0, 0.0], [0.0, 6.0, 1.0, 2.0], 0.0, -2.5),
    ]:
        for forget in (False, True):
            assert listen.shown() is not None
            assert turn(listen, z, v, t, zero, forget)
            assert listen.shown() == to_nine_digits(expected(z, v, t, zero, forget))


def test_a_check_of_the_gradient_passes_only_the_rule_with_D(listen):
    z, v, t = START

    def cost(z):
        return ((smlib.softmax(z) @ np.array(v) - t) ** 2 / 2).sum()

    assert smlib.check_gradient(cost, np.array(z), slopes(listen)) < 1e-8
    listen.control("forget").press("Space")
    assert smlib.check_gradient(cost, np.array(z), slopes(listen)) > 0.1


def test_where_zero_is_makes_no_difference_until_D_is_forgotten(listen):
    right = slopes(listen)
    for zero in (-10, -2.5, 10):
        listen.move("zero", zero)
        assert slopes(listen) == to_nine_digits(right)
        assert listen.control("value-a").get_attribute("aria-valuetext") == f"{1 + zero:.1f}".replace("-", "−")
        assert "slopes sum to 0" in listen.said()
    listen.control("forget").press("Space")
    sizes = []
    for zero in (0, 5, 10):
        listen.move("zero", zero)
        sizes.append(np.abs(slopes(listen)).sum())
        assert "sum to D" in listen.said()
    assert sizes[0] < sizes[1] / 2 < sizes[2] / 3


# --- downhill


def test_a_step_goes_against_the_slopes(listen):
    z, v, t = START
    for forget in (False, True):
        listen.control("reset").press("Enter")
        listen.control("forget").set_checked(forget)
        here = np.array(z)
        for _ in range(3):
            here = here - RATE * slopes_of(here, v, t, 0, forget)
            listen.control("step").press("Enter")
            assert listen.shown() == to_nine_digits(expected(here, v, t, 0, forget))


def test_the_right_rule_walks_to_the_flag_and_the_other_one_runs_away(opened_with):
    listen = opened_with("listen", reduced_motion="reduce")
    listen.move("zero", 10)
    walk, mean = listen.control("walk"), listen.shown()["mean"]
    walk.press("Enter")
    found = listen.shown()
    assert found["gap"] < 0.05 and found["mean"] == pytest.approx(mean, abs=1e-12)
    listen.control("reset").press("Enter")
    listen.move("zero", 10)
    listen.control("forget").press("Space")
    walk.press("Enter")
    assert listen.shown()["gap"] > 1.9 and listen.shown()["mean"] > 200


def test_the_walk_can_be_seen_and_is_stopped_by_a_change(opened_with):
    listen = opened_with("listen")
    clock = listen.stopped_clock()
    listen.control("walk").click()
    clock.run_for(100)
    seen = listen.stage.locator("path.past").count()
    assert 2 <= seen < 20
    listen.move("flag", 4)
    before = listen.shown()
    clock.run_for(1000)
    assert listen.shown() == before
    assert listen.stage.locator("path.past").count() == 0


# --- hands


def test_the_mouse_drags_weights_values_and_the_flag(listen):
    start = listen.handles()
    unit = (start["value-d"][0] - start["value-a"][0]) / 4
    listen.drag("value-b", (2 * unit, 0))
    listen.drag("flag", (-unit, 0))
    assert set_to(listen) == ([2, 1, 0, -1], [1, 5, 2, 5], 2)
    listen.drag("weight-c", (60, 0))
    scores, values, flag = set_to(listen)
    assert scores[2] > 0.5 and scores[:2] + scores[3:] == [2, 1, -1]
    assert listen.handles()["weight-c"][0] == pytest.approx(start["weight-c"][0] + 60, abs=3)
    assert listen.shown() == to_nine_digits(expected(scores, values, flag))
    listen.drag("value-a", (-900, 0))
    assert set_to(listen)[1][0] == 0


def test_a_finger_drags_a_value_and_the_page_stays(opened_with):
    listen = opened_with("listen", has_touch=True, is_mobile=True)
    listen.resize(PHONE)
    place = np.array(listen.handles()["value-d"])
    assert finger(listen.page, place, place - [50, 60]) == 0
    assert set_to(listen)[1][3] < 4


def test_the_keyboard_moves_all_and_one_button_brings_it_back(listen):
    listen.control("score-a").press("ArrowLeft")
    listen.control("value-d").press("ArrowRight")
    listen.control("flag").press("ArrowRight")
    assert set_to(listen) == ([1.9, 1, 0, -1], [1, 3, 2, 5.1], 3.1)
    assert listen.shown() == to_nine_digits(expected(*set_to(listen)))
    listen.move("zero", 4)
    listen.control("forget").press("Space")
    listen.control("reset").press("Enter")
    assert set_to(listen) == START and not listen.control("forget").is_checked()
    assert listen.shown() == to_nine_digits(expected(*START))
