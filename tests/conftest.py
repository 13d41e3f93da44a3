"""Every test sees the same machine: one BLAS thread, no screen, this environment's kernel."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
os.environ.pop("MPLBACKEND", None)      # kernels inherit it, and would show no figure

import matplotlib
import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

matplotlib.use("Agg")

# The same examples in every run, and no time limit on a busy machine.
settings.register_profile("book", derandomize=True, deadline=None)
settings.load_profile("book")


# The files that take longest, in that order: begun first, they leave no worker waiting for another.
LONG = (
    "test_live", "test_accessibility", "test_explorables", "test_portable_outputs", "test_book",
    "test_site", "test_pdf", "07-learning-to-read-digits", "test_reading",
)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.fixture(scope="session")
def book():
    """The chapters' notebooks by slug, in reading order."""
    import notebook_rules
    paths = sorted((ROOT / "chapters").glob("*.ipynb"))
    return {path.stem: notebook_rules.read(path) for path in paths}


# --- the built site in a browser; imported where it is used, since most tests need
# neither. By module: Playwright's event loop would stand in the way of the notebooks' kernels.


@pytest.fixture(scope="module")
def site():
    """The folder of the built site."""
    from browsing import built_site
    return built_site()


@pytest.fixture(scope="module")
def pages(site):
    """The pages' paths within the site."""
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html")
                  if not {"_static", "lite"} & set(path.parts))


@pytest.fixture(scope="module")
def origin(site):
    """The address of the built site."""
    from browsing import served
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    from browsing import started_browser
    from chromium import find_browser
    if find_browser() is None:
        missing = "no Chromium found: install one, on Debian with `apt-get install chromium-headless-shell`"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with started_browser() as browser:
        yield browser


@pytest.fixture
def visitor(browser, origin):
    from browsing import Visitor
    visitor = Visitor(browser, origin)
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=origin)
    yield visitor
    visitor.context.close()
