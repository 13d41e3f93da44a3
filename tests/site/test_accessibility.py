"""Accessibility of the built site: axe-core finds planted faults, the keyboard reaches everything, formulas are spoken.

`test_pages.py` runs axe-core on every page.
"""

from collections import Counter

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from tests.site.axe import RUN, examine
from tests.site.browser import PHONE, Visitor

TAB_STOPS = "a[href], button, input, select, textarea, summary, [tabindex]"

# Return the number of elements that the Tab key must reach: those that are visible and can be used. Of the choices of
# a question it reaches one, and the arrow keys the others.
REACHABLE = """selector => [...document.querySelectorAll(selector)].filter(
  element => element.tabIndex >= 0 && !element.disabled && element.checkVisibility({visibilityProperty: true})
    && !element.closest("details:not([open]) > :not(summary)") && !element.closest("[inert]")
    && (element.type !== "radio" || element === element.form.elements[element.name][0])
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


# --- axe-core


FAULTS = """() => {
  document.querySelector("article").insertAdjacentHTML("beforeend", `
    <img id="silent" src="/_static/logo.svg"><button id="bare"></button>
    <p>plain words</p><p id="pale">pale words</p><p id="clear">clear words</p>
    <pre><span class="x">word</span> <span class="x">word</span> <span class="y" id="code">word</span></pre>
    <p>Some words with <a id="linked" href="#">a link</a> among them.</p>
    <p id="at-night">words</p><p id="on-phones">words</p><button id="on-phones-bare"></button>
    <div id="ground"></div><p id="over">words</p>
    <style>
      #pale, #code { color: #aaa; background: #fff }
      #clear { opacity: 0.4 }
      #linked { color: #444; text-decoration: none }
      [data-theme=dark] #linked { color: #bbb }
      #ground { height: 5em; margin-bottom: -5em; background: #555 }
      [data-theme=dark] #ground { background: #999 }
      [data-theme=dark] #at-night { color: #333 }
      #on-phones-bare { display: none }
      @media (max-width: 500px) {
        #on-phones { color: #888; background: #eee }
        #on-phones-bare { display: block }
      }
    </style>`);
  const [entry] = document.querySelectorAll("#pst-primary-sidebar li a");
  entry.id = "entry";
  entry.style.color = "#888";
}"""


def test_axe_sees_faults(browser, origin):
    """Faults are found although each kind of text is examined once, and although another page was examined before."""
    visitor = Visitor(browser, origin)
    visitor.page.goto(origin + "search.html")
    assert not any(examine(visitor.page).values())
    visitor.page.goto(origin + "404.html")
    visitor.page.evaluate(FAULTS)
    found = {look: " ".join(said) for look, said in examine(visitor.page).items()}
    visitor.context.close()
    phone, dark_phone, desktop, dark_desktop = found.values()
    light, dark = phone + desktop, dark_phone + dark_desktop
    colors = ["link-in-text-block: #linked", "#pale", "#clear", "#code", "#over"]
    for said, faults in (
        (phone, ["image-alt: #silent", "button-name: #bare", "#on-phones-bare", "#on-phones"]),
        (desktop, ["image-alt: #silent", "button-name: #bare", "#entry"]),
        (light, colors),
        (dark, [*colors, "#at-night"]),
    ):
        assert [fault for fault in faults if fault not in said] == []
    assert "#at-night" not in light and "#on-phones" not in desktop + dark_desktop


# --- the keyboard


@pytest.mark.parametrize("page", ["index.html", "search.html", "chapters/01-the-plateau.html"])
def test_tab_reaches_all_with_a_ring_around_it_and_comes_out_again(visitor, origin, page):
    visitor.page.goto(origin + page)
    visitor.page.evaluate("document.fonts.ready.then(() => 0)")
    stops = visitor.page.evaluate(REACHABLE, TAB_STOPS)
    seen = []
    for _ in range(2 * stops):
        visitor.page.keyboard.press("Tab")
        at = visitor.page.evaluate(FOCUSED)
        if at["again"]:
            break
        if not at["body"]:  # between the last stop and the first
            seen.append(at)
    assert at["again"], "the Tab key does not return to the start"
    assert [at["name"] for at in seen if not at["ring"]] == []
    assert len(seen) >= stops > 20


def test_the_skip_link_leads_past_the_menus(visitor, origin):
    page = visitor.page
    page.goto(origin)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    page.evaluate("Promise.all(document.getAnimations().map(animation => animation.finished)).then(() => 0)")
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


# --- formulas


def test_formulas_are_spoken(visitor, origin):
    """Formulas are MathML, which axe-core accepts and the browser hands to screen readers with all its parts."""
    page = visitor.page
    page.goto(origin + "chapters/03-the-derivative.html")
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    page.evaluate(AXE_SCRIPT)
    assert page.evaluate(RUN, [{"include": ["math"]}, None]) == []
    formulas = page.locator("article math").count()
    assert formulas == page.locator("article .math math").count() > 20
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    roles = Counter(node["role"]["value"] for node in tree if not node["ignored"])
    assert roles["MathMLMath"] == formulas
    assert roles["MathMLFraction"] == page.locator("article mfrac").count() > 0
    assert roles["MathMLOperator"] > formulas / 2
