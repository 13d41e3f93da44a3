"""Each chapter: its numbers, its neighbors, its notebook to download."""

import re
from urllib.parse import urljoin

import nbformat

from tests.site.browser import ROOT
from tests.site.parsing import CHAPTERS, NOTEBOOKS, words

PATTERNS = {
    ".caption-number": r"(?:Fig\.|Exercise) (\d+)\.(\d+)",
    "span.eqno": r"\((\d+)\.(\d+)\)#?",
}


def test_chapters_figures_equations_and_exercises_are_numbered_alike(parsed):
    for number, slug in enumerate(CHAPTERS, 1):
        page = parsed[f"chapters/{slug}.html"]
        assert words(page.article.h1).startswith(f"{number}. ")
        for name, pattern in PATTERNS.items():
            found = [re.fullmatch(pattern, words(place)).groups() for place in page.select("article " + name)]
            assert {chapter for chapter, _ in found} == {str(number)}, f"{slug}: {name}, at least one"
            for kind in ("Fig", "Exer", "("):
                counts = [
                    int(count)
                    for place, (_, count) in zip(page.select("article " + name), found)
                    if words(place).startswith(kind)
                ]
                assert counts == list(range(1, len(counts) + 1)), slug


def test_previous_and_next_say_where_they_lead(parsed):
    contents = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    order = re.findall(r"^(?:root:| *- file:) *(\S+)", contents, flags=re.M)
    for before, after in zip(order, order[1:]):
        for here, there, side in ((before, after, "next"), (after, before, "prev")):
            link = parsed[f"{here}.html"].select_one(f".prev-next-area a[class$={side}]")
            assert urljoin(f"{here}.html", link["href"]) == f"{there}.html"
            assert words(link.select_one(".prev-next-title")) == words(parsed[f"{there}.html"].article.h1).rstrip("#")


def test_each_chapter_gives_its_notebook_as_it_was_executed(parsed, site):
    for slug in NOTEBOOKS:
        [link] = [link for link in parsed[f"chapters/{slug}.html"].select("article a[download]")]
        notebook = nbformat.read(site / "chapters" / link["href"], 4)
        stored = nbformat.read(ROOT / "chapters" / f"{slug}.ipynb", 4)
        kept = [[(cell.source, bool(cell.get("outputs"))) for cell in book.cells] for book in (notebook, stored)]
        assert kept[0] == kept[1]
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
        assert words(link) == "Download this notebook"
