"""A small page for each explorable: the figure as Sphinx writes it, two scripts and two style sheets.

These pages do not need the built site. test_on_the_site checks that an explorable is as large on the site as here.
"""

from importlib.resources import files
from pathlib import Path

import pytest

from _ext.faces import FOLDER, copy_faces
from scripts.notebooks import chapters, code_cells, read
from tests.site.browser import DESKTOP, ROOT, WIDTH, Visitor, served, started_browser
from tests.site.explorables.explorable import NAMES, Explorable

HARNESS = Path(__file__).with_name("harness.html")
THEME = files("pydata_sphinx_theme") / "theme" / "pydata_sphinx_theme" / "static"


# One browser for the package. It is closed before any other test runs: Playwright's event loop disturbs kernels.


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
    copy_faces(ROOT / "_build" / FOLDER, folder / FOLDER)
    template = HARNESS.read_text(encoding="utf-8")
    for name in NAMES:
        page = template.replace("NAME", name).replace("DATA", data_of(name))
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    with served(folder) as address:
        yield address


def data_of(name):
    """Return what a cell of a chapter writes into the page for the explorable, or an empty text."""
    outputs = [
        "".join(output.get("data", {}).get("text/html", ""))
        for path in chapters().values()
        for cell in code_cells(read(path))
        for output in cell.outputs
    ]
    return "".join(output for output in outputs if f"id='explore-{name}-data'" in output)


@pytest.fixture(scope="package")
def tab(browser, harness):
    """A tab for all tests."""
    visitor = Visitor(browser, harness)
    yield visitor
    visitor.context.close()


@pytest.fixture
def opened(tab, harness):
    """Open an explorable in the shared tab, as it is at first. The page must not complain, nor load from elsewhere."""
    tab.page.set_viewport_size(DESKTOP)
    tab.page.emulate_media(media="null", reduced_motion="null", forced_colors="null")
    tab.complaints, tab.left = [], []

    yield lambda name: at(tab.page, harness, name)
    assert (tab.complaints, tab.left) == ([], [])


@pytest.fixture
def opened_with(browser, harness):
    """Open an explorable in a tab of its own, with options of a browser context."""
    visitors = []

    def open_page(name, **options):
        visitors.append(Visitor(browser, harness, **options))
        return at(visitors[-1].page, harness, name)

    yield open_page
    for visitor in visitors:
        visitor.context.close()
        assert (visitor.complaints, visitor.left) == ([], [])


def at(page, harness, name):
    """Return the explorable on its small page, all unfolded, after two frames: then its drawings are painted."""
    page.goto(f"{harness}{name}.html")
    page.evaluate("document.fonts.ready.then(() => 0)")
    explorable = Explorable(page, name).unfold()
    page.evaluate(WIDTH)
    return explorable
