"""The built site for everyone: axe-core on every page, the keyboard, and words for what is only seen.

axe-core runs with all its rules, best practices included. In the dark and light modes, wide and narrow,
the page is the same; so what a mode cannot change is asked once, and its colors and sizes are asked again.
Nine in ten of a chapter's elements draw formulas, in the color of the text around them, or color words of code:
a formula is examined as a box of its size, and code by the first word of each kind. Formulas as they are drawn
are examined on one page.
"""

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from tests.site.browser import DESKTOP, PHONE, WIDTH, Visitor, weight

COLORS = ["color-contrast", "link-in-text-block"]
# (mode, width): the rules to run; None stands for all
LOOKS = {
    ("light", "desktop"): None,
    ("dark", "desktop"): COLORS,
    ("light", "phone"): None,
    ("dark", "phone"): COLORS,
}
SIZES = {"desktop": DESKTOP, "phone": PHONE}
TAB_STOPS = "a[href], button, input, select, textarea, summary, [tabindex]"

RUN = """async ([where, rules]) => {
  const found = await axe.run(where, {
    resultTypes: ["violations"],
    ...(rules && {runOnly: {type: "rule", values: rules}}),
  });
  return found.violations.map(rule => `${rule.id}: ${rule.nodes.map(node => node.target.join(" ")).slice(0, 3)}`);
}"""

THIN_OUT = """() => {
  for (const formula of document.querySelectorAll("mjx-container")) {
    const {width, height} = (formula.firstElementChild ?? formula).getBoundingClientRect();
    const box = document.createElement("span");
    box.style.cssText = `display: inline-block; width: ${width}px; height: ${height}px`;
    formula.replaceChildren(box);
  }
  const seen = new Set();
  for (const word of document.querySelectorAll("pre span[class]")) {
    const around = [word, word.closest(".highlight"), word.closest(".cell_input, .cell_output")];
    const kind = around.map(element => element?.className).join();
    if (seen.has(kind)) word.replaceWith(...word.childNodes);
    seen.add(kind);
  }
}"""

SETTLED = "Promise.all(document.getAnimations().map(animation => animation.finished.catch(() => 0))).then(() => 0)"

# What the Tab key should reach: all that can be used and is seen.
REACHABLE = """selector => [...document.querySelectorAll(selector)].filter(
  element => element.tabIndex >= 0 && !element.disabled && element.checkVisibility({visibilityProperty: true})
    && !element.closest("details:not([open]) > :not(summary)") && !element.closest("[inert]")
).length"""
FOCUSED = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  window.visited ??= new Set();
  const body = at === document.body, again = visited.has(at) && !body;
  visited.add(at);
  return {
    body, again, name: at.outerHTML.slice(0, 120),
    ring: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none"
      || getComputedStyle(at.parentElement).boxShadow !== "none",
  };
}"""


@pytest.fixture(scope="module")
def findings(browser, site, origin, pages):
    """{page: {"requests": …, "KiB": …, (mode, width): what axe-core finds}}"""
    visitor = Visitor(browser, origin)
    found = {page: examined(visitor, origin, page, site) for page in pages}
    visitor.context.close()
    return found


def examined(visitor, origin, page, site):
    seen = visitor.look(origin + page)
    number, kib = weight(site, origin, seen["asked"])
    visitor.page.evaluate(AXE_SCRIPT)
    visitor.page.evaluate(THIN_OUT)
    return {"requests": number, "KiB": kib, **{look: axe(visitor.page, *look) for look in LOOKS}}


def axe(page, mode, width):
    page.set_viewport_size(SIZES[width])
    page.evaluate("mode => { Object.assign(document.documentElement.dataset, {theme: mode, mode}) }", mode)
    page.evaluate(SETTLED)
    page.evaluate(WIDTH)
    page.evaluate("window.dispatchEvent(new Event('resize'))")  # the browser may not have told the page yet
    return page.evaluate(RUN, [{"exclude": ["mjx-container"]}, LOOKS[mode, width]])


@pytest.mark.parametrize("look", LOOKS, ids=" ".join)
def test_axe_finds_nothing(findings, look):
    assert {page: found[look] for page, found in findings.items() if found[look]} == {}


def test_the_table_for_a_report(findings):
    """Printed with -s."""
    print("\n| page | requests | KiB | " + " | ".join(map(" ".join, LOOKS)) + " |")
    print("| --- |" + " ---: |" * (2 + len(LOOKS)))
    for page, found in findings.items():
        counts = [len(found[look]) for look in LOOKS]
        print(f"| {page} | {found['requests']} | {found['KiB']:.0f} | " + " | ".join(map(str, counts)) + " |")
    assert len(findings) > 15


def test_axe_sees_faults(browser, origin):
    visitor = Visitor(browser, origin)
    visitor.page.goto(origin + "404.html")
    visitor.page.evaluate("""() => {
      document.querySelector("article, main").insertAdjacentHTML("beforeend",
        '<p style="color: #999; background: #fff">pale</p><img src="/_static/logo.svg"><button></button>' +
        '<pre><span class="x">word</span> <span class="x">word</span> <span class="pale">word</span></pre>' +
        '<style>pre { background: #fff } .x { color: #000 } .pale { color: #aaa }</style>');
    }""")
    visitor.page.evaluate(AXE_SCRIPT)
    visitor.page.evaluate(THIN_OUT)
    everything = axe(visitor.page, "light", "desktop")
    assert any(finding.startswith("color-contrast") and ".pale" in finding for finding in everything)
    everything = {finding.split(":")[0] for finding in everything}
    colors = {finding.split(":")[0] for finding in axe(visitor.page, "dark", "phone")}
    visitor.context.close()
    assert everything >= {"color-contrast", "image-alt", "button-name"}
    assert "color-contrast" in colors


# --- the keyboard


@pytest.mark.parametrize("page", ["index.html", "search.html", "chapters/01-the-plateau.html"])
def test_tab_reaches_all_with_a_ring_around_it_and_comes_out_again(visitor, origin, page):
    visitor.page.goto(origin + page)
    visitor.page.evaluate("window.MathJax?.startup?.promise.then(() => 0)")
    stops = visitor.page.evaluate(REACHABLE, TAB_STOPS)
    seen = []
    for _ in range(2 * stops):
        visitor.page.keyboard.press("Tab")
        at = visitor.page.evaluate(FOCUSED)
        if at["again"]:
            break
        if not at["body"]:  # between the last stop and the first
            seen.append(at)
    assert at["again"], "the Tab key does not come round"
    assert [at["name"] for at in seen if not at["ring"]] == []
    assert len(seen) >= stops > 20


def test_the_skip_link_leads_past_the_menus(visitor, origin):
    page = visitor.page
    page.goto(origin)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    page.evaluate(SETTLED)
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


@pytest.mark.parametrize("opened", ["Control+k", "button"])
def test_the_search_dialog_opens_and_closes_by_keyboard(visitor, origin, opened):
    page = visitor.page
    page.goto(origin)
    if opened == "button":
        page.locator("button.search-button-field").focus()
        page.keyboard.press("Enter")
    else:
        page.keyboard.press(opened)
    assert page.evaluate("document.activeElement.closest('dialog[open] form')") is not None
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    page.keyboard.press("Control+k")
    page.keyboard.type("plateau")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=plateau")


@pytest.mark.parametrize("side", ["primary", "secondary"])
def test_a_phone_s_menus_open_and_close_by_keyboard(visitor, origin, side):
    page = visitor.page
    page.set_viewport_size(PHONE)
    page.goto(origin + "chapters/01-the-plateau.html")
    page.locator(f"button.{side}-toggle").focus()
    page.keyboard.press("Enter")
    page.locator(f"dialog#pst-{side}-sidebar-modal[open] a").first.wait_for()
    page.keyboard.press("Escape")
    page.locator(f"dialog#pst-{side}-sidebar-modal[open]").wait_for(state="detached")


# --- words for what is only seen


def test_formulas_are_spoken(visitor, origin):
    """Each formula carries its MathML for screen readers, and the drawn one is hidden from them."""
    page = visitor.page
    page.goto(origin + "chapters/notation.html")
    page.evaluate("window.MathJax.startup.promise.then(() => 0)")
    page.evaluate(AXE_SCRIPT)
    assert page.evaluate(RUN, [{"include": ["mjx-container"]}, None]) == []
    drawn = page.locator("mjx-container").count()
    assert drawn > 20
    assert page.locator("mjx-container > mjx-assistive-mml > math").count() == drawn
    assert page.locator("mjx-container > mjx-math[aria-hidden=true]").count() == drawn
    assert page.locator("mjx-container[tabindex]:not([display])").count() == 0
