"""The search: its index, its first answers, its page and its dialog, over a server and from the file system."""

import json
import re

import pytest

from tests.site.browser import Visitor
from tests.site.parsing import words

# Ten searches, and where the first answer leads.
FIRST = {
    "cross entropy": "chapters/glossary.html#term-cross-entropy",
    "temperature": "chapters/glossary.html#term-temperature",
    "logit": "chapters/glossary.html#term-logit",
    "overflow": "chapters/glossary.html#term-overflow",
    "Jacobian": "chapters/glossary.html#term-Jacobian",
    "perplexity": "chapters/glossary.html#term-perplexity",
    "sigmoid": "chapters/glossary.html#term-logistic-function",
    "dead neuron": "chapters/glossary.html#term-saturation",
    "vanishing gradients": "chapters/glossary.html#term-vanishing-gradient",
    "label smoothing": "chapters/glossary.html#term-label-smoothing",
}
SECOND = {
    "cross entropy": "chapters/04-the-cost.html#cross-entropy",
    "overflow": "chapters/06-floating-point.html",
    "label smoothing": "chapters/04-the-cost.html#ex-cost-doubt",
}
CODE = 6  # what functions are in the index
LARGEST = 300_000  # bytes


@pytest.fixture(scope="module")
def index(site):
    """The search index."""
    text = (site / "_static" / "search-index.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("window.bookIndex = ").removesuffix(";\n"))


@pytest.fixture(params=["server", "file system"])
def tab(request, browser, site, origin):
    """A tab, with the address of the site in it."""
    visitor = Visitor(browser, origin if request.param == "server" else site.as_uri() + "/")
    yield visitor
    assert (visitor.complaints, visitor.left) == ([], [])
    visitor.context.close()


def search(tab, query):
    """Search, and return the links of the results."""
    tab.page.goto(f"{tab.origin}search.html?q={query.replace(' ', '+')}")
    tab.page.locator("#search-count:not(:empty)").wait_for()
    links = tab.page.locator("#search-results a").evaluate_all("links => links.map(link => link.href)")
    return [link.removeprefix(tab.origin) for link in links]


# --- the index


def test_every_place_of_the_index_exists_and_is_named(index, parsed):
    for _, page, anchor, title, *_ in index["places"]:
        address = index["pages"][page][0]
        assert title, (address, anchor)
        assert not anchor or parsed[address].find(id=anchor), f"{address} has no {anchor}"
    assert {kind for kind, *_ in index["places"]} == set(range(CODE + 1))
    assert {address for address, _ in index["pages"]} == {page for page in parsed if page.startswith(("ch", "index"))}


def test_every_section_and_exercise_is_in_the_index(index, parsed):
    found = {(index["pages"][page][0], anchor) for _, page, anchor, *_ in index["places"]}
    for name, page in parsed.items():
        if page.article and name.startswith("chapters/"):
            sections = page.article.select("section > section[id], div.exercise[id]")
            assert [part["id"] for part in sections if (name, part["id"]) not in found] == []


def test_the_index_is_small_and_holds_neither_tex_nor_code(index, site):
    assert (site / "_static" / "search-index.js").stat().st_size < LARGEST
    for place in index["places"]:
        for text in place[3:]:
            assert not re.search(r"\\[a-zA-Z({]|\$|np\.random|import numpy", text), place


def test_the_index_holds_no_solution_and_no_folded_answer(index, parsed):
    told = " ".join(text for place in index["places"] for text in place[3:5])
    folded = [
        words(paragraph)
        for page in parsed.values()
        for paragraph in page.select("details.fold > div > p")
        if len(words(paragraph)) > 80 and not paragraph.select(".math, .bibtex-citation")
    ]
    assert len(folded) > 15 and [text for text in folded if text in told] == []


def test_every_synonym_stands_for_words_of_the_book(index):
    said = " ".join(" ".join(place[3:]) for place in index["places"]).lower()
    assert [word for word, ours in index["synonyms"].items() if ours.lower() not in said] == []


# --- the page


@pytest.mark.parametrize("query", FIRST)
def test_the_first_answer(visitor, origin, query):
    found = search(visitor, query)
    assert found[0] == FIRST[query]
    assert SECOND.get(query, found[1]) == found[1]
    assert (visitor.complaints, visitor.left) == ([], [])


def test_functions_come_last(visitor, origin):
    search(visitor, "jacobian")
    kinds = visitor.page.locator("#search-results small").all_inner_texts()
    first = kinds.index("function")
    assert first > 5 and set(kinds[first:]) == {"function"}


def test_an_answer_leads_to_its_section(tab):
    links = search(tab, "temperature")
    section = next(place for place, link in enumerate(links) if "/08-" in link)
    tab.page.locator("#search-results a").nth(section).click()
    tab.page.wait_for_url("**#one-temperature-for-all-logits")
    heading = tab.page.locator("#one-temperature-for-all-logits > h2, #one-temperature-for-all-logits > h3").first
    tab.page.wait_for_function("scrollY > 1000")
    assert 0 <= heading.bounding_box()["y"] < 300


def test_an_excerpt_marks_the_words_and_asks_for_no_page(tab):
    search(tab, "cross entropy")
    marked = tab.page.locator("#search-results mark").all_inner_texts()
    assert {"cross", "entropy"} <= {word.lower() for word in marked}
    assert [url for url in tab.asked if "/chapters/" in url] == []


def test_the_results_follow_the_typing(tab):
    search(tab, "perplexity")
    field = tab.page.locator(".bd-search-container input")
    assert field.input_value() == "perplexity" and field.evaluate("field => field === document.activeElement")
    field.fill("sigm")
    assert tab.page.locator("#search-results a").first.inner_text() == "logistic function"
    field.fill("zebra")
    assert tab.page.locator("#search-count").inner_text() == "Nothing in the book has all of these words."
    assert tab.page.locator("#search-results li").count() == 0
    field.fill("")
    assert tab.page.locator("#search-count").inner_text() == ""


def test_a_search_leaves_no_mark_on_the_next_page(visitor, origin):
    search(visitor, "plateau")
    for page in ("404.html", "chapters/01-the-plateau.html"):
        visitor.page.goto(f"{origin}{page}?highlight=plateau+page")  # so Sphinx tells its script which words to mark
        visitor.page.wait_for_timeout(100)
        assert visitor.page.locator(".highlighted, .highlight-link, #search-results").count() == 0
    assert visitor.page.evaluate("localStorage.getItem('sphinx_highlight_terms')") is None


# --- the dialog


def test_the_dialog_suggests_while_the_reader_types(tab):
    page = tab.page
    page.goto(tab.origin + "chapters/04-the-cost.html")
    assert not any("/search" in url.removeprefix(tab.origin) for url in tab.asked)  # nothing is loaded before
    page.keyboard.press("Control+k")
    page.keyboard.type("sigm")
    links = page.locator("#pst-search-dialog ol a")
    links.first.wait_for()
    assert links.first.inner_text() == "logistic function" and links.count() == 8
    assert "Press Enter for more" in page.locator("#pst-search-dialog [role=status]").inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert links.first.evaluate("link => link === document.activeElement")
    page.keyboard.press("Enter")
    page.wait_for_url("**/chapters/glossary.html#term-logistic-function")
    page.keyboard.press("Control+k")
    page.keyboard.type("perplexity")
    links.first.click()
    page.wait_for_url("**/chapters/glossary.html#term-perplexity")
    assert page.locator("dialog[open]").count() == 0
