"""The build without solutions, for a class."""

import html
import json
import os
import re
import subprocess
import sys
from copy import copy

import nbformat
import pytest
from pypdf import PdfReader

from scripts.pdf import settings
from tests.site.browser import ROOT
from tests.site.parsing import CHAPTERS, NOTEBOOKS, tree, words
from tests.site.test_pdf import lines_of, only_in_solutions

pytestmark = pytest.mark.rare


PDF = ROOT / "_build" / "exercises" / "_build" / "pdf" / "softmax.pdf"


@pytest.fixture(scope="module")
def exercises(browser):
    """The folder of the pages, built and printed."""
    command, environment = [sys.executable, "-m", "scripts.pdf", "exercises"], os.environ | {"BOOK_LITE": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"The book is printed: open {PDF}"
    return ROOT / "_build" / "exercises" / "_build" / "html"


def solution_lines(parsed):
    """Return the lines of code and the sentences that are in solutions and nowhere else in the book."""
    within, without = set(), []
    for slug in NOTEBOOKS:
        article = copy(parsed[f"chapters/{slug}.html"].article)
        for box in article.select("div.solution"):
            for part in box.select("div.solution details pre, details p"):
                lines = map(str.strip, re.split(r"\n|(?<=[.?!]) ", part.get_text()))
                within |= {line for line in lines if len(line) > 30}
            box.decompose()
        without += [article.get_text(), *(form.get("data-check", "") for form in article.select("form.practice"))]
    rest = " ".join(" ".join(without).split())
    return {line for line in within if " ".join(line.split()) not in rest}


def test_no_solution_is_left_without_solutions(parsed, exercises):
    lines = solution_lines(parsed)
    assert len(lines) > 300
    live = exercises.parent / "lite" / "files"  # the notebooks for JupyterLite
    built = [path for folder in (exercises, live) for path in folder.rglob("*")]
    pages = [path for path in built if path.suffix in (".html", ".ipynb", ".md", ".json", ".txt")]
    assert sum(path.suffix == ".ipynb" for path in pages) >= 2 * len(CHAPTERS) - 1  # to download, and for JupyterLite
    for path in pages:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            text = "\n".join(cell.source for cell in nbformat.reads(text, 4).cells)
        elif path.suffix == ".html":
            text = html.unescape(re.sub("<[^>]*>", "", text))
        text = " ".join(text.split())
        assert [line for line in lines if " ".join(line.split()) in text] == [], path
        assert "{solution-" not in text and "Solution to" not in text, path


def test_the_search_without_solutions_knows_no_word_of_theirs(parsed, exercises):
    within, rest = set(), set()
    for article in [copy(page.article) for page in parsed.values() if page.article]:
        for box in article.select("div.solution"):
            within |= set(re.findall(r"[a-z]{7,}", box.get_text().lower()))
            box.decompose()
        rest |= set(re.findall(r"[a-z]+", article.get_text().lower()))
    index = (exercises / "_static" / "search-index.js").read_text(encoding="utf-8")
    found = json.loads(index.removeprefix("window.bookIndex = ").removesuffix(";\n"))["places"]
    known = set(re.findall(r"[a-z]+", " ".join(text for place in found for text in place[3:]).lower()))
    assert not (exercises / "searchindex.js").exists()
    assert len(within - rest) > 10 and (within - rest) & known == set()
    assert len(known & rest) > 1000


def test_the_exercises_themselves_stay(parsed, exercises):
    for slug in CHAPTERS:
        page = tree(exercises / "chapters" / f"{slug}.html")
        tasks = [words(task) for task in page.select("div.exercise")]
        assert tasks == [words(task) for task in parsed[f"chapters/{slug}.html"].select("div.exercise")] != []
        assert page.select("div.solution") == []


def test_starters_and_checks_stay_and_tries_do_not(parsed, exercises):
    labels = []
    for slug in NOTEBOOKS:
        forms = tree(exercises / "chapters" / f"{slug}.html").select("form.practice")
        assert forms == parsed[f"chapters/{slug}.html"].select("form.practice")
        labels += [form["data-name"] for form in forms if "data-name" in form.attrs]
    assert labels
    for path in exercises.parent.rglob("*.ipynb"):
        cells = nbformat.read(path, 4).cells
        assert [cell.source for cell in cells if "tries" in cell.metadata.get("tags", [])] == [], path


def test_the_book_for_a_class_has_no_solutions(exercises, book):
    printed = {line for page in lines_of(PDF) for line in page}
    solved = only_in_solutions(*book.values())
    assert len(solved) > 300
    assert solved & printed == set()
    assert {"Answers", "Answer1"} <= printed and "Solutions" not in printed


def test_its_title_says_that_solutions_are_left_out(exercises):
    assert "Withoutsolutions" in lines_of(PDF)[0]
    assert PdfReader(PDF).metadata.title == f"{settings()['title']}, without solutions"
