"""The chapters' names, and the pages of the built site as trees, for tests that need no browser."""

from bs4 import BeautifulSoup

from tests.site.browser import ROOT

NOTEBOOKS = sorted(path.stem for path in (ROOT / "chapters").glob("*.ipynb"))
CHAPTERS = [slug for slug in NOTEBOOKS if slug != "intro"]


def tree(path):
    """Return the HTML in a file as a tree."""
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def words(element):
    """Return the text of an element, its white space made single spaces."""
    return " ".join(element.get_text().split())
