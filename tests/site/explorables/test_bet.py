"""The bet shows what two beliefs cost, as computed with 50 digits."""

import mpmath
import numpy as np
import pytest

from tests.site.explorables.explorable import random_numbers, to_nine_digits

SEED, MOST = 25, 500
GAME = {"happened", "p-purse", "q-purse"}  # shown when a round was played


@pytest.fixture
def bet(opened):
    """The explorable on its own page."""
    return opened("bet")


def expected(exponents, rounds=0):
    """Return what is to be shown for beliefs p and q, given as exponents of ten, after some rounds of the game."""
    with mpmath.workdps(50):
        p, q = (mpmath.mpf(10) ** mpmath.mpf(str(exponent)) for exponent in exponents)
        draws = random_numbers(SEED, rounds)
        found = {"happened": sum(draws < float(p))}
        found |= {"apart": abs(p - q), "gap": abs(mpmath.log(p / q)), "factor": max(p, q) / min(p, q)}
        for name, belief in {"p": p, "q": q}.items():
            nats = -mpmath.log(belief)
            found |= {
                f"{name}-nats": nats,
                f"{name}-bits": nats / mpmath.log(2),
                f"{name}-pays": 1 / belief,
                f"{name}-odds": (1 - belief) / belief,
                f"{name}-slope": -1 / belief,
                f"{name}-purse": mpmath.fprod(2 * (belief if u < p else 1 - belief) for u in draws),
            }
        return found if rounds else {name: number for name, number in found.items() if name not in GAME}


def test_it_shows_what_two_beliefs_cost(bet):
    for exponents in [(-9, -6), (-6, -9), (-9, 0), (-0.1, -8.9), (-1, -2), (-4.3, -4.2)]:
        assert tuple(bet.move(f"belief-{name}", at) for name, at in zip("pq", exponents)) == exponents
        assert bet.shown() == to_nine_digits(expected(exponents))


def test_it_starts_with_the_lectures_numbers(bet):
    found = bet.shown()
    assert found["apart"] < 1e-6
    assert np.isclose(found["gap"], np.log(1000), rtol=1e-12)
    assert round(found["p-odds"]) == 999_999_999 and round(found["q-odds"]) == 999_999


def test_two_equal_beliefs_are_said_to_be_the_same(bet):
    bet.move("belief-q", -9)
    assert "same" in bet.said()


def test_a_whole_ruler_is_a_kilometer(bet):
    bet.move("belief-p", 0)
    bet.move("belief-q", -9)
    assert "1.00 km on a ruler one kilometer long" in bet.said()


def test_the_marks_on_both_rulers_are_dragged(bet):
    width = bet.stage.locator("svg").bounding_box()["width"] - 32
    bet.drag("p-below", (4 * width / 9, 0))
    bet.drag("q-below", (-2 * width / 9, 0))
    assert [float(bet.control(f"belief-{who}").input_value()) for who in "pq"] == [-5, -8]
    bet.drag("q-above", (0.5 * width, 0))
    assert float(bet.control("belief-q").input_value()) == pytest.approx(np.log10(0.5), abs=0.051)
    assert bet.shown() == to_nine_digits(expected([-5, -0.3]))


def test_each_round_multiplies_both_purses(bet):
    bet.control("tenth").press("Enter")
    for rounds in range(10, 41, 10):
        bet.control("play").press("Enter")
        assert f"In {rounds} rounds" in bet.said()
        assert bet.shown() == to_nine_digits(expected([-1, -2], rounds))
    for exponents in [(-0.3, 0), (0, -0.3), (-0.3, -0.4), (-9, -6)]:
        for name, at in zip("pq", exponents):
            bet.move(f"belief-{name}", at)
        assert bet.shown() == to_nine_digits(expected(exponents, 40))


def test_the_other_purse_leads_until_it_happens(bet):
    """What the chapter says of the pair 0.1 and 0.01."""
    bet.control("tenth").press("Enter")
    leads = []
    for _ in range(2):
        bet.control("play").press("Enter")
        found = bet.shown()
        leads.append((found["happened"], found["q-purse"] > found["p-purse"]))
    assert leads == [(0, True), (1, False)]


def test_the_game_ends_and_begins_again(bet):
    for _ in range(MOST // 10):
        bet.control("play").press("Enter")
    assert bet.shown() == to_nine_digits(expected([-9, -6], MOST))
    bet.control("play").press("Enter")
    assert bet.shown() == to_nine_digits(expected([-9, -6]))
