"""How all pages look and read: cells, folds, links, the sidebar, paper, landmarks, strong contrast."""

import re

import pytest

from tests.site.browser import DESKTOP, PHONE, Visitor
from tests.site.parsing import words

CHAPTER = "chapters/03-the-derivative.html"
LAST = "chapters/references.html"
BLOCKS = """() => [...document.querySelectorAll("article div.cell:not(details *)")].map(cell => {
  const output = cell.querySelector(":scope > .cell_output > :is(.stream, .text_plain)");
  const input = cell.querySelector(":scope > .cell_input");
  if (!input || !output) return null;
  const [a, b] = [input, output].map(part => part.getBoundingClientRect());
  const [s, t] = [input, output].map(getComputedStyle);
  return {gap: b.top - a.bottom, aside: b.left - a.left, rules: [s.borderLeft, t.borderLeft],
    round: [s.borderRadius, t.borderRadius]};
}).filter(Boolean)"""


@pytest.fixture
def visit(browser, origin):
    """Open a page in a tab with options of a browser context."""
    visitors = []

    def visit(page, **options):
        visitors.append(Visitor(browser, origin, **options))
        visitors[-1].page.goto(origin + page)
        return visitors[-1].page

    yield visit
    for visitor in visitors:
        visitor.context.close()


def color(page, name):
    """Return the color that a variable of the theme has on a page."""
    return page.evaluate(
        """name => {
          const probe = document.body.appendChild(document.createElement("i"));
          probe.style.color = `var(--pst-color-${name})`;
          return getComputedStyle(probe).color;
        }""",
        name,
    )


# --- cells and folds


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_cell_and_what_it_prints_are_one_block(visit, scheme):
    page = visit(CHAPTER, color_scheme=scheme)
    blocks = page.evaluate(BLOCKS)
    assert len(blocks) > 5
    rule = f"3px solid {color(page, 'border')}"
    for block in blocks:
        assert abs(block["gap"]) <= 1 and block["aside"] == 0
        assert block["rules"] == [rule, rule] and block["round"] == ["0px", "0px"]


def test_what_is_folded_looks_alike(visit):
    page = visit(CHAPTER)
    looks = page.locator("article summary:not(.explore *)").evaluate_all(
        """all => all.map(one => {
          const {color, fontSize, fontWeight, borderWidth, boxShadow, backgroundColor} = getComputedStyle(one);
          return [one.textContent, [color, fontSize, fontWeight, borderWidth, boxShadow, backgroundColor].join()];
        })"""
    )
    assert {text for text, _ in looks} == {"The answer", "The solution", "The code"}
    assert len({look for _, look in looks}) == 1


def test_a_solution_is_in_the_box_of_its_exercise(visit):
    page = visit(CHAPTER)
    places = page.evaluate(
        """() => [...document.querySelectorAll(".solution")].map(solution => {
          const boxes = [solution.previousElementSibling, solution];
          const [a, b] = boxes.map(box => box.getBoundingClientRect()), looks = boxes.map(getComputedStyle);
          return [b.top - a.bottom, b.left - a.left, looks[0].borderLeft === looks[1].borderLeft];
        })"""
    )
    assert len(places) > 2 and all(abs(gap) < 1 and aside == 0 and alike for gap, aside, alike in places)


# --- text and links


def test_no_link_begins_with_a_blank(parsed):
    links = [link for tree in parsed.values() for link in tree.select("article .solution .admonition-title a")]
    assert len(links) > 27
    assert [link.get_text() for link in links if link.get_text().startswith(" ")] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_links_have_one_color(visit, scheme):
    page = visit("chapters/the-lecture-claim-by-claim.html", color_scheme=scheme)
    links = page.locator("article p > a.reference, article td a.reference")
    colors = set(links.evaluate_all("all => all.map(link => getComputedStyle(link).color)"))
    links.first.hover()
    hovered = links.first.evaluate("link => getComputedStyle(link).color")
    assert colors | {hovered} == {color(page, "link")}


@pytest.mark.parametrize(("size", "words"), [(DESKTOP, "(in your browser; loads 50 MB)"), (PHONE, "(50 MB)")])
def test_the_links_of_a_chapter_share_a_line(visit, size, words):
    page = visit(CHAPTER)
    page.set_viewport_size(size)
    run, download = page.locator(".run").bounding_box(), page.locator(".chapter-links").bounding_box()
    assert run["y"] == download["y"] and run["height"] == download["height"] < 40
    assert page.locator(".run").inner_text() == f"Run this chapter {words}"


# --- the head of a page, landmarks


def test_a_page_has_one_title_and_one_viewport(parsed):
    for page, tree in parsed.items():
        assert len(tree.select("meta[name=viewport]")) == 1, page
        title = words(tree.title)
        assert title.lower().count("the softmax output function") == 1, page
    assert words(parsed["index.html"].title) == "The Softmax Output Function"


def test_landmarks_are_named_and_the_first_heading_is_the_title(visit):
    page = visit(CHAPTER)
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    nodes = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node["ignored"]]
    assert [name for role, name in nodes if role == "navigation"] == ["Book", "Contents"]
    assert next(name for role, name in nodes if role == "heading").startswith("3. The derivative")


def test_each_copy_button_has_a_name_of_its_own(visit):
    names = visit(CHAPTER).locator("button.copybtn").evaluate_all("all => all.map(button => button.ariaLabel)")
    assert len(names) == len(set(names)) > 40
    assert all(re.fullmatch(r"Copy code \d+", name) for name in names)


def test_the_sidebar_fits_a_small_desktop(visit):
    page = visit(LAST)
    page.set_viewport_size({"width": 1280, "height": 768})
    page.reload()
    sidebar = page.locator("#pst-primary-sidebar")
    assert sidebar.evaluate("bar => bar.scrollHeight - bar.clientHeight") == 0
    assert sidebar.locator(".navbar-brand").bounding_box()["height"] <= 48
    heights = sidebar.locator("li a").evaluate_all("all => all.map(link => link.getBoundingClientRect().height)")
    assert min(heights) >= 24


# --- paper, strong contrast, forced colors


def test_paper_is_light_and_begins_with_the_number_of_the_chapter(visit):
    light, dark = (visit(CHAPTER, color_scheme=scheme) for scheme in ("light", "dark"))
    looks = []
    for page in (light, dark):
        page.emulate_media(media="print")
        page.locator("html[data-theme=light]").wait_for()
        looks.append(
            page.evaluate("""() => ["pre .k", "pre", ".admonition", "h2"].map(kind => {
              const style = getComputedStyle(document.querySelector("article " + kind));
              return [style.color, style.backgroundColor];
            })""")
        )
        titles = page.locator("h1:visible").all_inner_texts()
        assert [title.rstrip("#") for title in titles] == ["3. The derivative"]
        assert page.get_by_text("Contents", exact=True).locator("visible=true").count() == 0
    assert looks[0] == looks[1]
    dark.emulate_media(media="screen")
    dark.locator("html[data-theme=dark]").wait_for()
    dark.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert dark.evaluate("document.documentElement.dataset.theme") == "light"
    dark.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert dark.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_who_wants_contrast_gets_it(visit, scheme):
    page = visit(CHAPTER, color_scheme=scheme, contrast="more")
    assert color(page, "text-muted") == color(page, "border") == color(page, "text-base")
    assert color(page, "link") != color(visit(CHAPTER, color_scheme=scheme), "link")


def test_boxes_are_seen_with_forced_colors(visit):
    page = visit(CHAPTER, forced_colors="active")
    for box in ("div.cell_input", "form.practice", "div.exercise"):
        widths = page.locator(f"article {box}").first.evaluate("box => getComputedStyle(box).borderWidth")
        assert widths == "1px", box
    assert page.locator("article summary").first.is_visible()
