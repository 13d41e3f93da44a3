"""Names of the chapters, and parsed pages of the built site, for tests without a browser."""

from bs4 import BeautifulSoup

from tests.site.browser import ROOT

NOTEBOOKS = sorted(path.stem for path in (ROOT / "chapters").glob("*.ipynb"))
CHAPTERS = [slug for slug in NOTEBOOKS if slug[0].isdigit()]


def tree(path):
    """Return the parsed HTML of a file."""
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def words(element):
    """Return the text of an element, with single spaces."""
    return " ".join(element.get_text().split())
