"""Previews of links' targets, with a mouse, a keyboard or a touch screen."""

import re
from urllib.parse import urljoin

import pytest

from tests.site.browser import PHONE, Visitor
from tests.site.parsing import words

CHAPTER = "chapters/02-a-distribution.html"


def test_every_link_to_a_term_an_equation_a_figure_or_a_claim_has_a_preview_of_it(parsed):
    seen = 0
    for name, page in parsed.items():
        previews = {preview["data-for"]: preview for preview in page.select("template.preview")}
        for link in page.select("article a.reference.internal"):
            path, _, anchor = link["href"].partition("#")
            previewed = re.match("term-|equation-|fig-|claim-", anchor)
            if previewed and (target := parsed[urljoin(name, path)].find(id=anchor)):
                compare(previews[link["href"]], target, anchor, parsed)
                seen += 1
    assert seen > 200


def compare(preview, target, anchor, parsed):
    """Compare a preview with its target."""
    shown = words(preview)
    if anchor.startswith("term-"):
        assert shown == words(target.find_next("dd").p)
    elif anchor.startswith("equation-"):
        assert shown and shown in words(target)
    elif anchor.startswith("fig-"):
        images = [(image["src"].split("/")[-1], image["alt"]) for image in (preview.img, target.img)]
        assert images[0] == images[1]
        assert shown == words(target.select_one(".caption-text")).rstrip("#").strip()
    else:
        ledger = parsed["chapters/the-lecture-claim-by-claim.html"]
        [row] = [row for row in ledger.select("tr") if row.a and row.a["href"].endswith("#" + anchor)]
        assert shown == " ".join(words(cell) for cell in row.select("td")[1:])


def link_to(visitor, origin, start):
    """Return the first link to an anchor that begins with `start`, and the preview."""
    visitor.page.goto(origin + CHAPTER)
    link = visitor.page.locator(f"article p a.reference.internal[href*='#{start}']").first
    link.scroll_into_view_if_needed()
    return link, visitor.page.locator("#preview")


@pytest.mark.parametrize("start", ["term-", "equation-", "fig-"])
def test_a_preview_shows_under_the_pointer_and_lets_it_in(visitor, origin, start):
    link, preview = link_to(visitor, origin, start)
    assert preview.count() == 0
    link.hover()
    preview.wait_for(timeout=5000)
    assert visitor.page.locator("#preview math, #preview img, #preview p").count() > 0
    box = preview.bounding_box()
    visitor.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=8)
    visitor.page.wait_for_timeout(800)
    assert preview.is_visible()
    visitor.page.mouse.move(1, 1)
    preview.wait_for(state="detached", timeout=5000)
    assert (visitor.complaints, visitor.left) == ([], [])


def test_a_preview_follows_the_keyboard_and_leaves_at_escape(visitor, origin):
    link, preview = link_to(visitor, origin, "term-")
    visitor.page.keyboard.press("Tab")  # the browser shows the focus after a key
    link.focus()
    preview.wait_for(timeout=5000)
    assert link.get_attribute("aria-describedby") == "preview" and preview.get_attribute("role") == "tooltip"
    visitor.page.keyboard.press("Escape")
    assert preview.count() == 0 and link.get_attribute("aria-describedby") is None
    assert link.evaluate("link => link === document.activeElement")
    link.blur()
    link.focus()
    preview.wait_for(timeout=5000)
    link.blur()
    assert preview.count() == 0


def test_a_preview_stays_on_the_screen_of_a_phone(visitor, origin):
    visitor.page.set_viewport_size(PHONE)
    link, preview = link_to(visitor, origin, "fig-")
    visitor.page.keyboard.press("Tab")
    link.focus()
    preview.wait_for(timeout=5000)
    box = preview.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]
    assert visitor.page.evaluate("document.scrollingElement.scrollWidth") == PHONE["width"]


def test_a_touch_follows_the_link(browser, origin):
    visitor = Visitor(browser, origin, has_touch=True)
    link, preview = link_to(visitor, origin, "term-")
    link.tap()
    visitor.page.wait_for_url("**/glossary.html#term-*", timeout=5000)
    visitor.context.close()


def test_a_preview_of_a_term_asks_for_nothing(visitor, origin):
    link, preview = link_to(visitor, origin, "term-")
    asked = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    link.hover()
    preview.wait_for(timeout=5000)
    visitor.page.wait_for_timeout(300)
    assert asked == []
