"""Cut, cool and draw: outputs after the cuts are smlib's, the order matters to top-p, and draws follow the outputs."""

import numpy as np
import pytest

import smlib
from tests.site.browser import PHONE
from tests.site.explorables.explorable import finger, random_numbers, to_nine_digits

LETTERS = "eaiorusy"
LOGITS = np.array([4, 3.1, 2.6, 2, 1.5, 1, 0.5, 0])
OFF = {"temperature": 0, "top-k": 8, "top-p": 1, "min-p": 0}


@pytest.fixture
def draw(opened):
    """The explorable on its own page."""
    return opened("draw")


def kept(z, k, p, m):
    """Return which letters all three rules keep."""
    y = smlib.softmax(z)
    before = np.cumsum(y) - y  # the letters stand from the most probable to the least
    return (z >= np.sort(z)[-k]) & (before < p) & (z >= z.max() + (np.log(m) if m else -np.inf))


def expected(settings, order="cut", forget=False):
    """Return the outputs to be shown, the letters kept, and how many would change in the other order."""
    T = 2.0 ** (settings["temperature"] / 4)
    limits = settings["top-k"], settings["top-p"], settings["min-p"]
    keeps = {"cut": kept(LOGITS, *limits), "cool": kept(LOGITS / T, *limits)}
    keep = keeps[order]
    whole = smlib.softmax(LOGITS / T) * keep
    outputs = whole if forget else smlib.softmax(LOGITS / T, where=keep)
    return outputs, keep, int((keeps["cut"] != keeps["cool"]).sum())


def turn(draw, order="cut", forget=False, **changes):
    """Set all controls, those not named to off; return the settings."""
    settings = OFF | {name.replace("_", "-"): value for name, value in changes.items()}
    assert {name: draw.move(name, value) for name, value in settings.items()} == settings
    draw.control("order").select_option(order)
    draw.control("forget").set_checked(forget)
    return settings


def column(found, name):
    """Return the numbers of the eight letters."""
    return np.array([found[f"{name}-{i}"] for i in range(1, 9)])


def gumbel(seed, count):
    """Return rows of noise."""
    return -np.log(-np.log(random_numbers(seed, count * 8).reshape(count, 8)))


# --- cutting and cooling


def test_outputs_after_the_cuts_are_smlibs(draw):
    for changes in [
        {},
        {"temperature": -8},
        {"temperature": 8, "top_k": 3},
        {"temperature": 4, "top_p": 0.9},
        {"temperature": -3, "min_p": 0.1},
        {"temperature": 3, "top_k": 5, "top_p": 0.85, "min_p": 0.05},
        {"top_k": 1},
        {"top_p": 0.05},
        {"min_p": 0.5},
    ]:
        for order in ("cut", "cool"):
            for forget in (False, True):
                settings = turn(draw, order, forget, **changes)
                outputs, keep, changed = expected(settings, order, forget)
                found = draw.shown()
                assert column(found, "output") == to_nine_digits(outputs)
                assert found["total"] == to_nine_digits(outputs.sum())
                assert (found[f"kept-{order}"], found.get("changed", 0)) == (keep.sum(), changed)
                assert draw.stage.locator("svg text.changed").count() == changed


def test_the_order_changes_nothing_for_top_k_and_something_for_top_p(draw):
    turn(draw, temperature=8, top_k=3)
    assert "changed" not in draw.shown() and "≠" not in draw.said()
    turn(draw, temperature=8, top_p=0.9)
    assert draw.shown()["changed"] > 1 and "≠" in draw.said()
    turn(draw, temperature=0, top_p=0.9)
    assert "changed" not in draw.shown()


def test_min_p_keeps_the_same_letters_if_its_limit_is_cooled_too(draw):
    turn(draw, "cut", temperature=4, min_p=0.09)
    first = draw.shown()
    turn(draw, "cool", temperature=4, min_p=0.3)
    assert column(draw.shown(), "output") == to_nine_digits(column(first, "output"))


def test_a_forgotten_normalizer_leaves_a_gap_as_long_as_what_was_cut(draw):
    turn(draw, temperature=4, top_p=0.9)
    assert draw.stage.locator("rect.gap").count() == 0 and "sum to 1.000" in draw.said()
    draw.control("forget").press("Space")
    total = draw.shown()["total"]
    gap, whole = (
        draw.stage.locator(look).evaluate_all("all => all.reduce((sum, box) => sum + box.width.baseVal.value, 0)")
        for look in ("rect.gap", "rect.gap, rect[y='248']:not(.gap)")
    )
    assert total < 0.9 and gap / whole == pytest.approx(1 - total, abs=1e-4)
    assert "gap" in draw.said()


# --- drawing


def test_the_tallest_wins_and_a_seed_repeats_the_draws(draw):
    settings = turn(draw, temperature=2, top_p=0.95)
    draw.control("reset").press("Enter")
    settings = {name: float(draw.control(name).input_value()) for name in OFF} | {"top-k": 8}
    _, keep, _ = expected(settings)
    z = np.where(keep, LOGITS / 2.0 ** (settings["temperature"] / 4), -np.inf)
    winners = (z + gumbel(1, 401)).argmax(axis=1)
    draw.control("draw").press("Enter")
    assert column(draw.shown(), "drawn")[winners[0]] == 1
    assert f"the last one {LETTERS[winners[0]]}" in draw.said()
    for _ in range(4):
        draw.control("draw-100").press("Enter")
    found = draw.shown()
    assert found["draws"] == 401
    assert np.array_equal(np.round(401 * column(found, "drawn")), np.bincount(winners, minlength=8))
    draw.control("reset").press("Enter")
    assert "draws" not in draw.shown()
    draw.control("draw").press("Enter")
    assert column(draw.shown(), "drawn")[winners[0]] == 1


def test_draws_follow_the_outputs_also_without_the_normalizer(draw):
    settings = turn(draw, temperature=4, min_p=0.05)
    y, keep, _ = expected(settings)
    for _ in range(20):
        draw.control("draw-100").press("Enter")
    found = draw.shown()
    drawn = column(found, "drawn")
    assert found["draws"] == 2000 and drawn[~keep].sum() == 0
    assert np.all(np.abs(drawn - y) < 4 * np.sqrt(y * (1 - y) / 2000) + 1e-12)
    draw.control("forget").press("Space")
    assert np.array_equal(column(draw.shown(), "drawn"), drawn)


def test_a_change_of_the_outputs_clears_the_tally(draw):
    draw.control("draw-100").press("Enter")
    draw.control("top-k").press("ArrowLeft")
    assert "draws" not in draw.shown() and column(draw.shown(), "drawn").sum() == 0


# --- hands


def test_the_mouse_drags_the_three_limits(draw):
    turn(draw)
    width = draw.stage.locator("svg").bounding_box()["width"] - 44
    draw.drag("top-k", (-3 * width / 8, 0))
    assert draw.control("top-k").input_value() == "5"
    draw.drag("top-p", (-0.2 * width, 0))
    assert draw.control("top-p").input_value() == "0.8"
    for order in ("cut", "cool"):
        settings = turn(draw, order, temperature=3, min_p=0.2)
        assert settings["min-p"] == 0.2
        before = draw.handles()["min-p"][1]
        draw.drag("min-p", (0, -5))
        assert 0.2 < float(draw.control("min-p").input_value()) <= 0.5
        assert draw.handles()["min-p"][1] == pytest.approx(before - 5, abs=1.5)


def test_a_finger_drags_a_limit_and_the_page_stays(opened_with):
    draw = opened_with("draw", has_touch=True, is_mobile=True)
    draw.resize(PHONE)
    place = np.array(draw.handles()["top-p"])
    assert finger(draw.page, place, place - [100, 60]) == 0
    assert float(draw.control("top-p").input_value()) < 0.7


def test_the_keyboard_moves_the_limits_and_one_button_brings_them_back(draw):
    start = {name: draw.control(name).input_value() for name in OFF}
    for name, key in {"temperature": "End", "top-k": "Home", "top-p": "ArrowLeft", "min-p": "ArrowRight"}.items():
        draw.control(name).press(key)
    assert {name: draw.control(name).input_value() for name in OFF} == {
        "temperature": "12",
        "top-k": "1",
        "top-p": "0.85",
        "min-p": "0.01",
    }
    draw.control("order").select_option("cool")
    draw.control("reset").press("Enter")
    assert {name: draw.control(name).input_value() for name in OFF} == start
    assert draw.control("order").input_value() == "cut"
