"""The explorables on the built site: each in the place of its picture, there and only there, as on its small page."""

import re

import pytest

from tests.site.browser import DESKTOP, PHONE, ROOT, Visitor
from tests.site.explorables.explorable import NAMES, Explorable

HEAVIEST = 60 * 1024
RESTS = """() => new Promise(done => {
  const before = scrollY;
  setTimeout(() => done(before > 0 && scrollY === before), 100);
})"""


@pytest.fixture(scope="module")
def homes(site):
    """{name of an explorable: the pages that hold its figure}"""
    pages = {
        page.relative_to(site).as_posix(): page.read_text(encoding="utf-8") for page in site.glob("chapters/*.html")
    }
    return {name: [page for page in pages if f'id="fig-explore-{name}"' in pages[page]] for name in NAMES}


@pytest.fixture(scope="module")
def tabs(browser, site, origin):
    """A tab for each way to the site."""
    tabs = {
        "server": Visitor(browser, origin),
        "without scripts": Visitor(browser, origin, java_script_enabled=False),
        "folder": Visitor(browser, f"{site.as_uri()}/"),
    }
    yield tabs
    for tab in tabs.values():
        tab.context.close()


@pytest.fixture
def visit(tabs, homes):
    """Open an explorable on the site. No page may complain or load anything from elsewhere."""

    def visit(name, way):
        page = tabs[way].page
        page.set_viewport_size(DESKTOP)
        page.emulate_media(media="null")
        page.goto(tabs[way].origin + homes[name][0])
        return Explorable(page, name)

    yield visit
    assert [(tab.complaints, tab.left) for tab in tabs.values()] == [([], [])] * len(tabs)


@pytest.mark.parametrize("name", NAMES)
def test_each_explorable_is_on_one_page_in_the_place_of_its_picture(visit, opened, homes, name):
    assert len(homes[name]) == 1
    on_site = visit(name, "server")
    assert on_site.stage.is_visible()
    assert not on_site.picture.is_visible()
    assert on_site.figure.locator("figcaption").is_visible()

    # The theme's search gives every field named q the words that were searched for.
    for slider in on_site.stage.locator("input[type=range]").all():
        assert float(slider.input_value()) == float(slider.get_attribute("value"))

    # What the other tests find on the small page holds on the site.
    alone = opened(name).unfold(False)
    for size in (DESKTOP, PHONE):
        assert extent(on_site, size) == pytest.approx(extent(alone, size), abs=1)

    on_site.page.emulate_media(media="print")
    assert on_site.picture.is_visible()
    assert not on_site.stage.is_visible()


def extent(explorable, size):
    """Return the width and the height of the stage in a window of that size."""
    explorable.resize(size)
    box = explorable.stage.bounding_box()
    return box["width"], box["height"]


@pytest.mark.parametrize("name", NAMES)
def test_without_scripts_the_picture_stands(visit, name):
    explorable = visit(name, "without scripts")
    assert explorable.picture.is_visible()
    assert len(explorable.picture.get_attribute("alt")) > 20
    assert explorable.stage.count() == 0


@pytest.mark.parametrize("name", NAMES)
def test_from_a_folder_the_controls_work(visit, name):
    explorable = visit(name, "folder")
    before = explorable.stage.inner_html()
    explorable.stage.locator("input").first.press("ArrowRight")
    assert explorable.stage.inner_html() != before


@pytest.mark.parametrize("way", ["server", "folder"])
@pytest.mark.parametrize("name", ["plateau", "simplex"])
def test_a_page_opened_at_a_link_scrolls_to_the_figure(tabs, homes, name, way):
    page = tabs[way].page
    page.goto("about:blank")
    page.goto(f"{tabs[way].origin}{homes[name][0]}#fig-explore-{name}?decades=-50&rate=0.5")
    page.wait_for_function(RESTS)
    top = Explorable(page, name).figure.bounding_box()["y"]
    assert 0 < top < 150


def test_scripts_are_loaded_where_they_are_needed_and_are_light(site):
    for page in [site / "index.html", *site.glob("chapters/*.html")]:
        html = page.read_text(encoding="utf-8")
        loaded = {path.name: path.stat().st_size for path in ROOT.glob("assets/*.js") if f"_static/{path.name}" in html}
        wanted = {f"explore-{name}.js" for name in re.findall(r'id="fig-explore-(\w+)"', html)}
        wanted |= {"explore.js"} if wanted else set()
        assert {script for script in loaded if script.startswith("explore")} == wanted, page.name
        assert sum(loaded.values()) <= HEAVIEST, page.name
