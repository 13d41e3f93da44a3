"""The built site, a server for it and a browser, for the tests of this folder."""

import pytest

from scripts.browser import find_browser
from scripts.notebooks import chapters, read
from tests.site.browser import Visitor, built_site, served, started_browser

MISSING = "no Chromium found: install one, on Debian with `apt-get install chromium-headless-shell`"


def pytest_collection_modifyitems(items):
    """Without a browser, leave out the tests that need one, but for the one that says so."""
    for item in items:
        if __package__.replace(".", "/") in item.nodeid:
            item.add_marker(pytest.mark.site)
    if find_browser() is None:
        items[:] = [item for item in items if "browser" not in getattr(item, "fixturenames", ())]


# By module: Playwright's event loop would stand in the way of the notebooks' kernels.


@pytest.fixture(scope="module")
def site():
    """The folder of the built site."""
    return built_site()


@pytest.fixture(scope="module")
def pages(site):
    """The paths of the pages within the site."""
    return sorted(
        path.relative_to(site).as_posix() for path in site.rglob("*.html") if not {"_static", "lite"} & set(path.parts)
    )


@pytest.fixture(scope="module")
def origin(site):
    """The address of the built site."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium."""
    with started_browser() as browser:
        yield browser


@pytest.fixture
def visitor(browser, origin):
    """A tab that reaches the site alone."""
    visitor = Visitor(browser, origin)
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=origin)
    yield visitor
    visitor.context.close()


@pytest.fixture(scope="session")
def book():
    """The notebooks of the chapters by slug, in reading order."""
    return {slug: read(path) for slug, path in chapters().items()}
