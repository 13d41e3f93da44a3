"""Fixtures for the tests of the built site, and the marks of these tests."""

import gc
from pathlib import Path

import pytest

from _ext.slim import DPI
from scripts.browser import find_browser
from scripts.notebooks import STORED_DPI, chapters, read
from tests.site.browser import Visitor, built_site, served, started_browser
from tests.site.parsing import tree

NOT_RUN = pytest.StashKey()  # the tests that are left out because there is no browser


def pytest_collection_modifyitems(config, items):
    """Mark the tests of this folder. Without a browser, leave out those that need one: test_browser.py reports that."""
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.site)
    if find_browser() is None:
        config.stash[NOT_RUN] = {item for item in here if "browser" in getattr(item, "fixturenames", ())}
        items[:] = [item for item in items if item not in config.stash[NOT_RUN]]


@pytest.fixture(scope="session")
def site():
    """The folder of the built site."""
    return built_site()


@pytest.fixture(scope="session")
def bundled(site):
    """Skip tests that need Python in the browser if the site has none."""
    if not (site / "lite" / "static" / "pyodide").exists():
        pytest.skip("NOT RUN: the site holds no Pyodide; `make live` brings it, offline from the folder PYODIDE_MIRROR")


@pytest.fixture(scope="session")
def pages(site):
    """The paths of the pages within the site."""
    paths = [path.relative_to(site) for path in site.rglob("*.html")]
    return sorted(path.as_posix() for path in paths if not {"_static", "lite"} & set(path.parts))


@pytest.fixture(scope="session")
def parsed(site, pages):
    """{page: its HTML as a tree}

    These are a million objects, and Python does not look for garbage among them.
    """
    gc.disable()
    trees = {page: tree(site / page) for page in pages}
    gc.freeze()
    gc.enable()
    return trees


@pytest.fixture(scope="session")
def least(site):
    """The dots that a notebook's picture must have for each pixel of its width. A draft has the small stored ones."""
    kind = site.with_name("html.built").read_text(encoding="utf-8")
    return {"book": 1.99, "draft": 0.99 * STORED_DPI / DPI}[kind]


@pytest.fixture(scope="session")
def origin(site):
    """The address of the built site."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium, closed after each module: Playwright's event loop disturbs Jupyter's kernels."""
    with started_browser() as browser:
        yield browser


@pytest.fixture
def visitor(browser, origin):
    """A tab that can only reach the site."""
    visitor = Visitor(browser, origin)
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=origin)
    yield visitor
    visitor.context.close()


@pytest.fixture(scope="session")
def book():
    """The notebooks of the chapters by slug, in reading order."""
    return {slug: read(path) for slug, path in chapters().items()}
