"""The one style sheet of the site: small, with each rule that an element of a page needs, or one that scripts add."""

import zlib

import pytest
import tinycss2

from _ext import sheet as css
from tests.site.browser import Visitor

CHAPTER = "chapters/03-the-derivative.html"
OWN = {"site.css", "book.css", "notebook.css"}
# Return the selectors that an element of the page has, whatever its state.
MATCHING = r"""selectors => selectors.filter(selector => {
  const states = /::[\w-]+|:(?:hover|active|focus|visited|checked|disabled|invalid|before|after|target)[\w-]*/g;
  try { return document.querySelector(selector.replace(states, "") || "*"); } catch { return false; }
})"""


def selectors(rules):
    """Return the selectors of rules, within media, too."""
    found = set()
    for rule in rules:
        if rule.type == "qualified-rule":
            found |= {" ".join(tinycss2.serialize(one).split()) for one in css.alternatives(rule.prelude)}
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            found |= selectors(css.parsed(rule.content))
    return found


@pytest.fixture(scope="module")
def sheet(site):
    """The text of the sheet."""
    return (site / "_static" / "styles" / "site.css").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def dropped(site, sheet):
    """The selectors of the theme and of extensions that the sheet leaves out."""
    paths = [*(site / "_static").glob("*.css"), *(site / "_static" / "styles").glob("*.css")]
    whole = [css.parsed(path.read_text(encoding="utf-8")) for path in paths if path.name not in OWN]
    return sorted(set().union(*map(selectors, whole)) - selectors(css.parsed(sheet)))


def test_the_sheet_is_small_and_whole(sheet):
    assert len(sheet.encode()) <= 150_000
    assert not [rule for rule in css.parsed(sheet) if rule.type == "error"] and len(css.parsed(sheet)) > 1000


def test_pages_name_the_sheet_by_its_content(sheet, parsed):
    name = f"site.css?v={zlib.crc32(sheet.encode()):08x}"
    for tree in parsed.values():
        assert [link["href"].split("styles/")[-1] for link in tree.select("link[rel=stylesheet]")] == [name]


def test_tooltips_are_all_that_bootstrap_does(parsed):
    parts = {part["data-bs-toggle"] for tree in parsed.values() for part in tree.select("[data-bs-toggle]")}
    assert parts == {"tooltip"}


def test_no_element_lacks_a_rule(browser, origin, pages, dropped):
    assert len(dropped) > 3000
    visitor = Visitor(browser, origin)
    for page in pages:
        visitor.page.goto(origin + page)
        assert visitor.page.evaluate(MATCHING, dropped) == [], page
    visitor.context.close()


def test_no_element_of_a_script_lacks_a_rule(browser, origin, dropped):
    visitor = Visitor(browser, origin)
    page = visitor.page
    page.goto(origin + CHAPTER)
    page.locator("[data-bs-toggle=tooltip]:visible").first.hover()
    page.locator(".tooltip.show").wait_for()
    assert page.evaluate(MATCHING, dropped) == []
    page.locator("article p a.reference.internal[href*='#term-']").first.hover()
    page.locator("#preview:visible").wait_for()
    assert page.evaluate(MATCHING, dropped) == []
    page.locator(".copybtn").first.click()
    page.get_by_role("button", name="Edit").first.click()
    page.locator("form.practice:visible").last.get_by_role("button", name="Check").click()
    page.keyboard.press("Control+k")
    page.locator("#pst-search-dialog input").fill("softmax")
    page.locator(".search-suggestions li").first.wait_for()
    assert page.evaluate(MATCHING, dropped) == []
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator(".primary-toggle:visible").first.click()
    page.locator("#pst-primary-sidebar-modal[open]").wait_for()
    assert page.evaluate(MATCHING, dropped) == []
    visitor.context.close()
