"""An explorable on an open page: its parts, its controls, and the numbers that it shows."""

import re
from decimal import Decimal

import numpy as np
import pytest

from tests.site.browser import ROOT, WIDTH

NAMES = sorted(
    path.stem.removeprefix("explore-")
    for path in ROOT.glob("assets/explore-*.js")
    if "explore.figure(" in path.read_text(encoding="utf-8")
)
TALLEST = ((1366, 768, 640), (390, 844, 700))  # a window, and the height that an explorable may have there
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
HANDLES = """disks => disks.map(disk => {
  const box = disk.getBoundingClientRect();
  return [disk.dataset.name, [box.x + box.width / 2, box.y + box.height / 2]];
})"""


class Explorable:
    """The figure named fig-explore-NAME on a page that a browser shows."""

    def __init__(self, page, name):
        self.page = page
        self.figure = page.locator(f"#fig-explore-{name}")
        self.picture = self.figure.locator("img")
        self.stage = self.figure.locator(".explore")
        self.summary = self.stage.locator(".explore-summary")

    def unfold(self, more=True):
        """Open what is folded under More, or close it; return the explorable."""
        self.stage.locator("details").evaluate_all("(all, more) => all.forEach(one => { one.open = more; })", more)
        return self

    def control(self, name):
        """Return the slider, checkbox, choice or button of that name."""
        return self.stage.locator(f"[name='{name}']")

    def move(self, name, value):
        """Put a slider where the pointer would put it; return the value that it took."""
        slider = self.control(name)
        slider.fill(str(value))
        return float(slider.input_value())

    def handles(self):
        """Return where the disks that can be dragged are in the window, by name."""
        self.stage.scroll_into_view_if_needed()
        self.page.evaluate(WIDTH)
        return dict(self.stage.locator(".grip").evaluate_all(HANDLES))

    def drag(self, name, by):
        """Drag a handle with the mouse."""
        x, y = self.handles()[name]
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + by[0], y + by[1], steps=3)
        self.page.mouse.up()

    def shown(self):
        """Return the numbers that are shown, by name, with all their digits."""
        values = self.stage.locator("data").evaluate_all("all => all.map(data => [data.dataset.name, data.value])")
        assert len(dict(values)) == len(values), "two numbers have the same name"
        return {name: float(value) for name, value in values}

    def said(self):
        """Return the sentence that sums up what is shown."""
        return self.summary.inner_text()

    def resize(self, size):
        """Give the window another size; return the width of the page when everything is drawn again."""
        self.page.set_viewport_size(size)
        return self.page.evaluate(WIDTH)

    def stopped_clock(self):
        """Stop the page's time; return the clock that moves it on. The page needs a tab of its own."""
        self.page.clock.install(time=0)
        self.page.clock.pause_at(60)
        return self.page.clock


def finger(page, start, end):
    """Return how far the page scrolls as a finger goes from one place to another, on a page with touch."""
    touch, before = page.context.new_cdp_session(page), page.evaluate("scrollY")
    for k in range(6):
        x, y = np.array(start) + (np.array(end) - start) * k / 5
        kind = "touchMove" if k else "touchStart"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.evaluate(WIDTH)  # two frames
    return page.evaluate("scrollY") - before


def to_nine_digits(expected):
    """Return an object that equals a number, a dict or an array of numbers if nine digits agree."""
    if isinstance(expected, dict):
        expected = {name: float(value) for name, value in expected.items()}
    else:
        expected = np.asarray(expected, dtype=float)
    return pytest.approx(expected, rel=1e-9, abs=0)


def random_numbers(seed, count):
    """Return the numbers that Mulberry32 gives, between 0 and 1."""
    found, mask = [], 2**32 - 1
    for _ in range(count):
        seed = (seed + 0x6D2B79F5) & mask
        mixed = (seed ^ seed >> 15) * (seed | 1) & mask
        mixed ^= (mixed + (mixed ^ mixed >> 7) * (mixed | 61)) & mask
        found.append(((mixed ^ mixed >> 14) + 0.5) / 2**32)
    return np.array(found)


def printed(text):
    """Return the number in a text and half a unit of its last digit: for "−1.020·10⁻⁹", −1.02e-9 and 5e-13.

    A bare power of ten and a bare 0 are exact: the power gets nine digits. So are ∞ and nan.
    """
    plain = text.replace("−", "-").replace(",", "").replace("∞", "inf")
    power = re.fullmatch(r"(-?)(?:([\d.]+)·)?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", plain)
    if power:
        sign, mantissa, exponent = power.groups()
        plain = f"{sign}{mantissa or '1.00000000'}e{exponent.translate(SUPERSCRIPTS)}"
    if plain.lstrip("-") in ("0", "inf", "nan"):
        return float(plain), 0.0
    return float(plain), 10.0 ** Decimal(plain).as_tuple().exponent / 2
