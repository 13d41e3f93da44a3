"""Every page of the built site: complete, self-contained, light, accessible, readable on a phone.

The book is built first if _build/html is missing or older than its sources. A browser that cannot
reach other sites visits every page once over http and records requests, errors, what is on the page
and what axe-core finds; most tests read that record. Links are checked in the HTML.
"""

import base64
import re
from colorsys import rgb_to_hsv
from html.parser import HTMLParser
from io import BytesIO
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from PIL import Image, ImageColor

from _ext.slim import ICONS
from tests.site.axe import LOOKS, examine
from tests.site.browser import DESKTOP, PHONE, ROOT, ZOOMED, Visitor, weight
from tests.smlib.test_plotting import PALETTE, linear

# Two thirds of the bytes, and no more requests, than a page of a stock Jupyter Book 1.0.4 with MathJax served
# locally: that was measured as 35 requests and 3554 KiB, uncompressed.
MOST_KIB, MOST_REQUESTS = 2369, 35


@pytest.fixture(scope="module")
def seen(browser, origin, pages, least):
    """{page: what Visitor.look finds there, and under "axe" what axe-core finds}"""
    visitor = Visitor(browser, origin)
    found = {page: visitor.look(origin + page, least) | {"axe": examine(visitor.page)} for page in pages}
    visitor.context.close()
    return found


def wrong(seen, what):
    """Return {page: found[what]} for the pages where that is not empty."""
    return {page: found[what] for page, found in seen.items() if found[what]}


# --- every page


def test_every_page_of_the_contents_is_built(pages):
    contents = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    files = re.findall(r"^(?:root:| *- file:) *(\S+)", contents, flags=re.M)
    assert len(files) >= 13
    assert {f"{file}.html" for file in files} <= set(pages)


def test_no_request_leaves_the_site(seen):
    assert wrong(seen, "left") == {}


def test_no_page_complains(seen):
    assert wrong(seen, "complaints") == {}


def test_every_formula_is_typeset(seen):
    assert wrong(seen, "untypeset") == {}
    assert wrong(seen, "raw") == {}
    assert sum(found["math"] for found in seen.values()) > 100


def test_every_image_is_there_and_described(seen):
    assert wrong(seen, "silent") == {}
    assert wrong(seen, "broken") == {}
    assert sum(found["images"] for found in seen.values()) > len(seen)


def test_every_image_is_sharp_at_twice_the_density(seen):
    """A draft shows the small pictures that are stored in the notebooks."""
    assert wrong(seen, "coarse") == {}


def test_the_small_font_has_the_icons_that_the_pages_show(seen):
    """A page that shows another icon loads the theme's font of 410 KiB."""
    assert set().union(*(found["icons"] for found in seen.values())) == set(ICONS)


def test_no_page_scrolls_sideways(seen):
    for screen, size in (("zoomed", ZOOMED), ("phone", PHONE), ("desktop", DESKTOP)):
        assert {page: found[screen] for page, found in seen.items() if found[screen] > size["width"]} == {}, screen


def test_no_code_scrolls_sideways_on_a_desktop(seen):
    """The API page prints docstrings as they stand in the source."""
    assert wrong({page: found for page, found in seen.items() if page != "chapters/api.html"}, "cut") == {}


def test_the_name_of_a_control_has_the_words_that_are_seen(seen):
    """Who speaks to a browser says what is seen. The axe-core of the tests does not look at this by itself."""
    assert wrong(seen, "misnamed") == {}


def test_a_figure_is_as_wide_as_the_text_on_a_phone(seen):
    """Then its smallest labels have 11 pixels: see tests/book/test_notebooks.py."""
    assert wrong(seen, "narrow") == {}


def test_every_reference_is_resolved(seen):
    assert wrong(seen, "unresolved") == {}


def test_every_page_is_light(site, origin, seen):
    """Images, fonts and scripts count. The browser has no cache."""
    found = {page: weight(site, origin, seen[page]["asked"]) for page in seen}
    assert {page: n for page, (n, _) in found.items() if n > MOST_REQUESTS} == {}
    assert {page: round(kib) for page, (_, kib) in found.items() if kib > MOST_KIB} == {}
    assert min(n for n, _ in found.values()) > 3


def test_every_page_has_a_title_and_a_heading(seen):
    assert [page for page, found in seen.items() if not found["title"] or not found["heading"]] == []


@pytest.mark.parametrize("look", LOOKS, ids=" ".join)
def test_axe_finds_nothing(seen, look):
    assert {page: found["axe"][look] for page, found in seen.items() if found["axe"][look]} == {}


def test_the_table_for_a_report(seen, site, origin):
    """With -s, pytest shows the table that this prints."""
    print("\n| page | requests | KiB | " + " | ".join(map(" ".join, LOOKS)) + " |")
    print("| --- |" + " ---: |" * (2 + len(LOOKS)))
    for page, found in seen.items():
        number, kib = weight(site, origin, found["asked"])
        print(f"| {page} | {number} | {kib:.0f} | " + " | ".join(str(len(found["axe"][look])) for look in LOOKS) + " |")
    assert len(seen) > 15


def test_the_root_is_a_real_page(site, seen):
    assert 'http-equiv="refresh"' not in (site / "index.html").read_text(encoding="utf-8").lower()
    assert "Softmax" in seen["index.html"]["heading"]


# --- the content security policy


POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "worker-src": "'self' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
}
# Each tries to run or to load something that the policy forbids, and would then set `ran`.
ATTACKS = {
    "script-src-elem": "const s = document.createElement('script'); s.text = 'window.ran = 1'; document.body.append(s)",
    "script-src-attr": "const b = document.createElement('b'); b.setAttribute('onclick', 'window.ran = 1'); b.click()",
    "script-src": "setTimeout('window.ran = 1', 0)",
    "img-src": "const i = new Image(); i.onload = () => { window.ran = 1 }; i.src = 'https://example.org/x.png'",
    "connect-src": "fetch('https://example.org/x').then(() => { window.ran = 1 }).catch(() => 0)",
}


class Scripts(HTMLParser):
    """The content security policies of a page, and its inline scripts and handlers."""

    def __init__(self, text):
        super().__init__()
        self.policies, self.inline, self.first = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag in ("script", "link", "style"):
            self.first = self.first or tag
        if tag == "meta" and given.get("http-equiv", "").lower() == "content-security-policy":
            self.policies.append(given["content"])
            self.first = self.first or "policy"
        if tag == "script" and not given.get("src"):
            self.inline.append("script")
        self.inline += [
            f"{name}={value}"
            for name, value in given.items()
            if name.startswith("on") or (value or "").strip().lower().startswith("javascript:")
        ]


def test_every_page_has_the_policy_before_anything_it_governs(site, pages):
    for page in pages:
        found = Scripts((site / page).read_text(encoding="utf-8"))
        [policy] = found.policies
        assert dict(rule.strip().split(" ", 1) for rule in policy.split(";")) == POLICY, page
        assert found.first == "policy", page
        assert found.inline == [], page


def test_inline_scripts_are_seen():
    found = Scripts(
        '<link href="x"><meta http-equiv="content-security-policy" content="x"><script>1</script>'
        '<b onclick="2">3</b><a href="javascript:4">5</a><script src="6"></script>'
    )
    assert (found.first, found.policies) == ("link", ["x"])
    assert found.inline == ["script", "onclick=2", "href=javascript:4"]


@pytest.mark.parametrize("scheme", ["http", "file"])
@pytest.mark.parametrize("rule", ATTACKS)
def test_the_policy_refuses(browser, site, origin, rule, scheme):
    visitor = Visitor(browser, origin)
    visitor.page.goto(origin if scheme == "http" else (site / "index.html").as_uri())
    refused = visitor.page.evaluate(f"""() => new Promise(done => {{
      document.addEventListener("securitypolicyviolation", event => done(event.effectiveDirective));
      setTimeout(() => done(null), 2000);
      {ATTACKS[rule]};
    }})""")
    assert refused == rule
    assert visitor.page.evaluate("window.ran") is None
    visitor.context.close()


# --- links, in the HTML itself


class Links(HTMLParser):
    """The ids of a page, and its targets: (address, True if the page loads it without a click)."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.targets = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids |= {given[key] for key in ("id", "name") if given.get(key)}
        for key in ("href", "src"):
            if given.get(key):
                self.targets.append((given[key], tag != "a"))


def dead_links(site, page, parsed):
    """Yield a message for each link of a page that leads nowhere and each file that it loads from elsewhere."""
    for target, loaded in parsed[page].targets:
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            if loaded and parts.scheme != "data":
                yield f"{page} loads {target}"
            continue
        path, anchor = urldefrag(urljoin("/" + page, target))
        path = unquote(urlsplit(path).path).lstrip("/")
        if not (site / path).is_file():
            yield f"{page} points to {target}, which is not there"
        elif anchor and path in parsed and unquote(anchor) not in parsed[path].ids:
            yield f"{page} points to {target}, which has no such place"


def test_every_link_and_anchor_resolves(site, pages):
    parsed = {page: Links((site / page).read_text(encoding="utf-8")) for page in pages}
    assert [dead for page in pages for dead in dead_links(site, page, parsed)] == []
    assert sum(len(links.targets) for links in parsed.values()) > 500


def test_a_dead_link_is_reported(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="#here">1</a><a href="#gone">2</a><a href="b.html">3</a>'
        '<script src="https://example.org/x.js"></script><a href="https://example.org">4</a>',
        encoding="utf-8",
    )
    parsed = {"a.html": Links((tmp_path / "a.html").read_text(encoding="utf-8"))}
    assert list(dead_links(tmp_path, "a.html", parsed)) == [
        "a.html points to #gone, which has no such place",
        "a.html points to b.html, which is not there",
        "a.html loads https://example.org/x.js",
    ]


def test_style_sheets_load_nothing_from_elsewhere(site):
    elsewhere = r"(?:@import|url\()\s*['\"]?(?:https?:)?//[^)'\"]*"
    found = {
        path.name: re.findall(elsewhere, path.read_text(errors="replace", encoding="utf-8"))
        for path in site.rglob("*.css")
    }
    assert {name: urls for name, urls in found.items() if urls} == {}


# --- what a reader does


CHAPTER = "chapters/03-the-derivative.html"


def test_code_copies(visitor, origin):
    visitor.page.goto(origin + CHAPTER)
    cell = visitor.page.locator("div.cell_input").first
    cell.hover()
    cell.locator("button.copybtn").click()
    copied = visitor.page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == cell.locator("pre").inner_text().strip() != ""


def put_into_mode(page, mode):
    """Press the button of the theme until a page is light or dark."""
    for _ in range(3):
        if page.evaluate("document.documentElement.dataset.theme") == mode:
            break
        page.locator("button.theme-switch-button").first.click()
    assert page.evaluate("document.documentElement.dataset.theme") == mode


def test_a_mode_lasts(visitor, origin):
    visitor.page.goto(origin + CHAPTER)
    put_into_mode(visitor.page, "dark")
    visitor.page.reload()
    assert visitor.page.evaluate("document.documentElement.dataset.theme") == "dark"


def as_shown(page, colors):
    """Return how stripes of colors look where the first figure of a page is: [(red, green, blue), ...]."""
    image, stored = Image.new("RGB", (10 * len(colors), 10)), BytesIO()
    for place, color in enumerate(colors):
        image.paste(color, (10 * place, 0, 10 * place + 10, 10))
    image.save(stored, "png")
    figure = page.locator("article figure img").first
    address = f"data:image/png;base64,{base64.b64encode(stored.getvalue()).decode()}"
    figure.evaluate("(image, url) => { image.src = url; return image.decode(); }", address)
    shown = Image.open(BytesIO(figure.screenshot())).convert("RGB")
    part = shown.width / len(colors)
    return [shown.getpixel((int((place + 0.5) * part), shown.height // 2)) for place in range(len(colors))]


def contrast(one, other):
    """Return the ratio of the luminances of two colors (WCAG 2.2)."""
    dark, light = sorted(linear(f"#{bytes(color).hex()}") @ (0.2126, 0.7152, 0.0722) for color in (one, other))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_figures_have_the_ground_of_the_page(visitor, origin, mode):
    visitor.page.goto(origin + CHAPTER)
    put_into_mode(visitor.page, mode)
    ground = visitor.page.evaluate("getComputedStyle(document.body).backgroundColor")
    [shown] = as_shown(visitor.page, ["white"])
    assert shown == tuple(map(int, re.findall(r"\d+", ground)[:3]))


def test_figures_have_their_colors_in_the_dark_and_can_be_read(visitor, origin):
    """Their words have the contrast of text in the dark, in all colors but YELLOW, which is for areas."""
    visitor.page.goto(origin + CHAPTER)
    put_into_mode(visitor.page, "dark")
    colors = {name: color for name, color in PALETTE.items() if name != "YELLOW"} | {"black": "#000000"}
    ground, *shown = as_shown(visitor.page, ["white", *colors.values()])
    assert {name: c for name, c in zip(colors, shown) if contrast(ground, c) < 4.5} == {}
    for (name, color), now in zip(colors.items(), shown):
        if name not in ("GREY", "black"):
            turned = 360 * (rgb_to_hsv(*now)[0] - rgb_to_hsv(*ImageColor.getrgb(color))[0])
            assert abs((turned + 180) % 360 - 180) < 15, name


def test_the_system_chooses_light_or_dark(browser, origin):
    for scheme in ("light", "dark"):
        visitor = Visitor(browser, origin, color_scheme=scheme)
        visitor.page.goto(origin)
        assert visitor.page.evaluate("document.documentElement.dataset.theme") == scheme
        visitor.context.close()


def test_a_solution_unfolds(visitor, origin):
    visitor.page.goto(origin + CHAPTER)
    solution = visitor.page.locator("div.solution").first
    code = solution.locator("pre").first
    assert not code.is_visible()
    solution.locator("summary").click()
    code.wait_for(state="visible")


def test_solutions_are_readable_without_scripts(browser, origin):
    visitor = Visitor(browser, origin, java_script_enabled=False)
    visitor.page.goto(origin + CHAPTER)
    visitor.page.locator("div.solution summary").first.click()
    assert visitor.page.locator("div.solution pre").first.is_visible()
    visitor.context.close()


def test_equations_and_figures_are_numbered_and_referred_to(visitor, origin):
    page = visitor.page
    page.goto(origin + CHAPTER)
    assert all(re.fullmatch(r"\(\d\.\d+\)#?", text) for text in page.locator("span.eqno").all_inner_texts())
    to_equations = page.locator("article a.reference[href*='#equation-']").all_text_contents()
    numbered = page.locator("article a.reference:has(span.std-numref)").all_text_contents()
    assert to_equations and all(re.fullmatch(r"\(\d\.\d+\)", text) for text in to_equations)
    assert numbered and all(re.fullmatch(r"(Fig\.|Exercise) \d\.\d+", text) for text in numbered)


# --- from the file system, without a server


def test_pages_open_from_the_file_system(browser, site, pages):
    visitor = Visitor(browser, "file:")
    found = {page: visitor.glance((site / page).as_uri()) for page in pages if page.startswith(("chapters/", "index"))}
    visitor.context.close()
    for what in ("left", "complaints", "broken", "untypeset", "raw"):
        assert wrong(found, what) == {}, what


# --- planted faults


FAULTS = """<!DOCTYPE html><html lang="en"><head><title>Faults</title>
</head><body><article>
<h1>Faults</h1><img src="/_static/favicon.svg"><img src="/gone.png" alt="gone">
<img src="/_static/cover.png" alt="coarse" width="1200">
<div class="cell_output"><img src="/_static/cover.png" alt="of a draft" width="1200"></div>
<div class="cell_output"><img src="/_static/cover.png" alt="too coarse" width="4000"></div>
<p style="width: 500px">wide</p><button aria-label="Toggle">Show it</button>
<button aria-label="Show it 2">Show it</button>
<span class="math"><math><mi>x</mi></math></span> <span class="math">plain</span>
<p>raw $$x$$ and fig-plateau-gone</p>
<script>console.error("oh"); fetch("https://example.org/x").catch(() => 0); undefinedName</script>
</article></body></html>"""


def test_faults_are_seen(browser, origin):
    visitor = Visitor(browser, origin)
    address = origin + "faults.html"
    visitor.page.route(address, lambda route: route.fulfill(body=FAULTS, content_type="text/html"))
    book, found = visitor.look(address), visitor.look(address, least=0.6)
    visitor.context.close()
    assert found["left"] == ["https://example.org/x"]
    heard = " ".join(found["complaints"])
    assert "oh" in heard and "undefinedName" in heard and "404" in heard
    assert found["untypeset"] == ["plain"]
    assert found["raw"] and found["unresolved"]
    assert found["misnamed"] == ["Show it"]
    assert len(found["silent"]) == 1 and found["broken"] == ["gone"]
    assert found["coarse"] == ["coarse", "too coarse"]
    assert book["coarse"] == ["coarse", "of a draft", "too coarse"]
    assert found["phone"] > PHONE["width"] and found["zoomed"] > ZOOMED["width"]
