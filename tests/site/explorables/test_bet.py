"""The bet shows what two beliefs cost, as computed with 50 digits."""

import mpmath
import numpy as np
import pytest

from tests.site.explorables.explorable import to_nine_digits


@pytest.fixture
def bet(opened):
    """The explorable on its own page."""
    return opened("bet")


def expected(exponents):
    """Return what is to be shown for beliefs p and q, given as exponents of ten."""
    with mpmath.workdps(50):
        p, q = (mpmath.mpf(10) ** mpmath.mpf(str(exponent)) for exponent in exponents)
        found = {"apart": abs(p - q), "gap": abs(mpmath.log(p / q)), "factor": max(p, q) / min(p, q)}
        for name, belief in {"p": p, "q": q}.items():
            nats = -mpmath.log(belief)
            found |= {
                f"{name}-nats": nats,
                f"{name}-bits": nats / mpmath.log(2),
                f"{name}-pays": 1 / belief,
                f"{name}-odds": (1 - belief) / belief,
                f"{name}-slope": -1 / belief,
            }
        return found


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
