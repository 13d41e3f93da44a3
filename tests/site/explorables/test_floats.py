"""The ruler of floats: each format rounds, overflows and underflows as NumPy's does, with and without the shift."""

import mpmath
import numpy as np
import pytest

from tests.site.explorables.explorable import to_nine_digits

FORMATS = {"float16": (11, 15), "bfloat16": (8, 127), "float32": (24, 127), "float64": (53, 1023)}
PAIRS = [(88, 87), (89, 88), (1000, 999), (-1000, -1001), (12.3, 11), (-9.7, -16.9), (-89, -103.2), (3, -2)]
TEXTS = """stage => Object.fromEntries(
  [...stage.querySelectorAll("data")].map(data => [data.dataset.name, data.textContent]))"""


@pytest.fixture
def floats(opened):
    """The explorable on its own page."""
    return opened("floats")


def rounded(x, kind):
    """Return the nearest float of a format, computed with 2000 binary digits."""
    p, most = FORMATS[kind]
    x = mpmath.mpf(x)
    if mpmath.isnan(x) or mpmath.isinf(x) or x == 0:
        return x
    unit = mpmath.mpf(2) ** (max(int(mpmath.floor(mpmath.log(abs(x), 2))), 1 - most) - p + 1)
    near = mpmath.nint(x / unit) * unit
    return near if abs(near) < mpmath.mpf(2) ** (most + 1) else mpmath.sign(near) * mpmath.inf


def expected(z, kind, shift):
    """Return what is to be shown: the three lines of the chapter, each operation rounded once."""
    with mpmath.workprec(2000):
        stored = [rounded(zi, kind) for zi in z]
        d = [rounded(zi - max(stored) * shift, kind) for zi in stored]
        e = [rounded(mpmath.exp(di), kind) for di in d]
        total = rounded(sum(e), kind)
        y = [mpmath.nan if total in (0, mpmath.inf) and ei == total else rounded(ei / total, kind) for ei in e]
        truth = [mpmath.exp(zi - max(z)) for zi in map(mpmath.mpf, map(str, z))]
        found = {"total": total}
        for name, numbers in {"exponent": d, "exponential": e, "output": y}.items():
            found |= {f"{name}-{i}": float(number) for i, number in enumerate(numbers, 1)}
        return found | {f"truth-{i}": float(t / sum(truth)) for i, t in enumerate(truth, 1)}


def turn(floats, z, kind, shift):
    """Set all controls."""
    floats.control("format").select_option(kind)
    floats.control("shift").set_checked(shift)
    for i, zi in enumerate(z, 1):
        floats.control(f"z-{i}").fill(str(zi))


def test_every_format_rounds_overflows_and_underflows(floats):
    for kind in FORMATS:
        for z in PAIRS:
            for shift in (False, True):
                turn(floats, z, kind, shift)
                found, wanted = floats.shown(), expected(z, kind, shift)
                assert found == pytest.approx({k: float(v) for k, v in wanted.items()}, rel=1e-9, abs=0, nan_ok=True)


def test_it_computes_as_numpy_does(floats):
    for kind, steps in (("float16", 2), ("float32", 2), ("float64", 2)):
        for z in PAIRS:
            turn(floats, z, kind, False)
            found = floats.shown()
            with np.errstate(all="ignore"):
                e = np.exp(np.array(z, kind))
                y = e / e.sum()
            tolerance = {"rtol": steps * np.finfo(kind).eps, "atol": 2 * float(np.finfo(kind).smallest_subnormal)}
            for name, numbers in {"exponential": e, "output": y}.items():
                shown = np.array([found[f"{name}-{i}"] for i in (1, 2)])
                assert np.allclose(shown, numbers.astype(float), equal_nan=True, **tolerance)


def test_it_starts_with_the_chapters_failure_and_the_shift_mends_it(floats):
    texts = floats.stage.evaluate(TEXTS)
    assert [texts[f"exponential-{i}"] for i in (1, 2)] == ["∞", "1.652·10³⁸"]
    assert [texts[f"output-{i}"] for i in (1, 2)] == ["nan", "0"]
    assert "z₁ does not fit into a float32 and overflows" in floats.said()
    floats.control("shift").press("Space")
    assert [f"{floats.shown()[f'output-{i}']:.4f}" for i in (1, 2)] == ["0.7311", "0.2689"]
    assert "subtracted" in floats.said()


def test_the_slider_keeps_the_gap_and_follows_the_format(floats):
    floats.move("raise", 20)
    assert [floats.control(f"z-{i}").input_value() for i in (1, 2)] == ["20", "19"]
    floats.control("format").select_option("float16")
    slider = floats.control("raise")
    assert float(slider.get_attribute("min")) < np.log(2.0**-24) and 11.09 < float(slider.get_attribute("max")) < 14


def test_what_is_not_a_number_changes_nothing(floats):
    before = floats.stage.evaluate(TEXTS)
    for typed in ("", "5000", "1e"):
        floats.control("z-1").press("ControlOrMeta+a")
        floats.control("z-1").press_sequentially(typed) if typed else floats.control("z-1").press("Delete")
    assert floats.stage.evaluate(TEXTS)["exponent-2"] == before["exponent-2"]
    floats.control("reset").press("Enter")
    assert floats.stage.evaluate(TEXTS) == before


def test_the_beads_are_dragged(floats):
    start = floats.handles()
    floats.drag("logit-1", (-200, 0))
    z = [float(floats.control(f"z-{i}").input_value()) for i in (1, 2)]
    assert z[0] < 40 and z[1] == 88
    assert floats.handles()["logit-1"][0] == pytest.approx(start["logit-1"][0] - 200, abs=1)
    assert floats.shown()["truth-2"] == to_nine_digits(1 / (1 + np.exp(z[0] - 88)))
