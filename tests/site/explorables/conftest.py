"""A small page for each explorable, apart from the book: the figure as Sphinx writes it, two scripts, two style sheets.

The pages need no built site. That an explorable stands on the site as it does here is tested in test_on_the_site.
"""

from importlib.resources import files
from pathlib import Path

import pytest

from tests.site.browser import DESKTOP, ROOT, WIDTH, Visitor, served, started_browser
from tests.site.explorables.explorable import NAMES, Explorable

HARNESS = Path(__file__).with_name("harness.html")
THEME = files("pydata_sphinx_theme") / "theme" / "pydata_sphinx_theme" / "static"


# For the whole package: it is left before any test that Playwright's event loop would stand in the way of.


@pytest.fixture(scope="package")
def browser():
    """A headless Chromium."""
    with started_browser() as browser:
        yield browser


@pytest.fixture(scope="package")
def harness(tmp_path_factory):
    """The address of the small pages, NAME.html for each explorable."""
    folder = tmp_path_factory.mktemp("explorables")
    (folder / "assets").symlink_to(ROOT / "assets")
    (folder / "theme").symlink_to(THEME)
    template = HARNESS.read_text(encoding="utf-8")
    for name in NAMES:
        (folder / f"{name}.html").write_text(template.replace("NAME", name), encoding="utf-8")
    with served(folder) as address:
        yield address


@pytest.fixture(scope="package")
def tab(browser, harness):
    """A tab for all tests."""
    visitor = Visitor(browser, harness)
    yield visitor
    visitor.context.close()


@pytest.fixture
def opened(tab, harness):
    """Open an explorable as it is at first. After the test nothing has complained, and nothing else was asked for."""
    tab.page.set_viewport_size(DESKTOP)
    tab.page.emulate_media(media="null", reduced_motion="null")
    tab.complaints, tab.left = [], []

    yield lambda name: at(tab.page, harness, name)
    assert (tab.complaints, tab.left) == ([], [])


@pytest.fixture
def opened_with(browser, harness):
    """Open an explorable in a tab of its own, with a browser context's options."""
    visitors = []

    def open_page(name, **options):
        visitors.append(Visitor(browser, harness, **options))
        return at(visitors[-1].page, harness, name)

    yield open_page
    for visitor in visitors:
        visitor.context.close()
        assert (visitor.complaints, visitor.left) == ([], [])


def at(page, harness, name):
    """Return the explorable on its small page, with its drawings: they are there with the second frame."""
    page.goto(f"{harness}{name}.html")
    page.evaluate(WIDTH)
    return Explorable(page, name)
