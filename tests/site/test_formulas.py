"""The formulas of the pages: MathML without TeX, on one line with their signs, in the color of the text, reachable."""

import re

import pytest

from tests.site.browser import PHONE, WIDTH
from tests.site.parsing import CHAPTERS

# Return the boxes with formulas that are wider than themselves, and whether the Tab key stops there.
BOXES = """() => [...document.querySelectorAll(".formula, span.math")]
  .filter(box => getComputedStyle(box).display !== "inline" && box.scrollWidth > box.clientWidth)
  .map(box => ({stops: box.tabIndex === 0, left: box.querySelector("math").getBoundingClientRect().left
    - box.getBoundingClientRect().left}))"""
# Return what lies outside the screen, without the formulas that scroll in a box.
OUTSIDE = """() => [...document.querySelectorAll("article math, article .eqno")]
  .filter(part => part.checkVisibility() && !part.closest("table, .formula, .wide"))
  .filter(part => part.getBoundingClientRect().right > innerWidth).map(part => part.textContent)"""


@pytest.mark.parametrize("slug", CHAPTERS)
def test_formulas_hold_no_tex_and_keep_the_sign_after_them(parsed, slug):
    page = parsed[f"chapters/{slug}.html"]
    formulas = page.select("article .math")
    assert [str(formula)[:200] for formula in formulas if re.search(r"[\\$]", formula.get_text())] == []
    loose = [formula for formula in page.select("article span.math") if formula.parent.get("class") != ["bound"]]
    after = [str(formula.next_sibling) for formula in loose if isinstance(formula.next_sibling, str)]
    assert [text for text in after if re.match(r"[.,;:!?)\]’”…]", text)] == []


@pytest.mark.parametrize("slug", ["02-a-distribution", "05-steep-times-flat"])
def test_on_a_phone_wide_formulas_scroll_and_the_keyboard_reaches_them(visitor, origin, slug):
    page = visitor.page
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(f"{origin}chapters/{slug}.html")
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    page.evaluate("document.fonts.ready.then(() => 0)")
    page.set_viewport_size({"width": 240, "height": 700})
    page.evaluate(WIDTH)
    page.evaluate("window.dispatchEvent(new Event('resize'))")  # the browser may send it later
    boxes = page.evaluate(BOXES)
    assert boxes and all(box["stops"] and box["left"] >= 0 for box in boxes)
    assert page.evaluate(OUTSIDE) == []


def test_braces_are_repainted_in_full(visitor, origin):
    """Chromium takes a stretched brace to be as wide as one letter, and repaints no more, unless it has a shadow."""
    visitor.page.goto(origin + "chapters/05-steep-times-flat.html")
    braces = visitor.page.locator(".formula munder > mo:text-is('⏟')").evaluate_all(
        "all => all.map(brace => [brace.previousElementSibling.getBoundingClientRect().width,"
        " parseFloat(getComputedStyle(brace).boxShadow.split(' 0px 0px 0px ')[1])])"
    )
    assert len(braces) > 1 and all(0 < width / 2 < shadow for width, shadow in braces)


def test_a_sign_between_braces_is_in_the_middle(visitor, origin):
    visitor.page.goto(origin + "chapters/05-steep-times-flat.html")
    visitor.page.evaluate("document.fonts.ready.then(() => 0)")
    left, sign, right = visitor.page.locator(".formula mrow:has(> mo + mrow munder)").first.evaluate(
        """row => {
          const sign = [...row.children].find(part => part.textContent === "×");
          return [sign.previousElementSibling, sign, sign.nextElementSibling].map(part => part.getBoundingClientRect());
        }"""
    )
    gaps = [sign["left"] - left["right"], right["left"] - sign["right"]]
    assert min(gaps) >= 3.5 and abs(gaps[0] - gaps[1]) < 1


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_formulas_have_the_color_of_the_text(visitor, origin, mode):
    page = visitor.page
    page.set_viewport_size(PHONE)
    page.goto(origin + "chapters/03-the-derivative.html")
    page.evaluate("mode => { document.documentElement.dataset.theme = mode }", mode)
    colors = page.evaluate(
        "['article p:has(math)', 'article p math mi', '.formula mfrac'].map(selector => "
        "getComputedStyle(document.querySelector(selector)).color)"
    )
    assert len(set(colors)) == 1
