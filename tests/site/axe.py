"""Run axe-core on an open page, in the light and in the dark mode, on a desktop and on a phone.

All rules run, best practices included. The mode changes only colors, so only the rules for colors run in both modes.
They took three quarters of the time. Their result for a text depends on its color and size, on its class and on the
backgrounds behind it. Texts that agree in all of these are of one kind, and only the first text of each kind is
examined, on any page, in any mode and at any width.

Nine in ten elements of a chapter draw formulas, in the color of the text around them, or color words of code. A formula
is examined as a box of its size, and code by the first word of each class. `test_formulas_are_spoken` examines formulas
with all their elements.
"""

from axe_playwright_python.base import AXE_SCRIPT

from tests.site.browser import DESKTOP, PHONE, WIDTH

COLORS = ["color-contrast", "link-in-text-block"]
# (mode, width): the rules to run, or None for all.
LOOKS = {
    ("light", "phone"): None,  # first, since Visitor.look leaves a page at this width
    ("dark", "phone"): COLORS,
    ("light", "desktop"): None,
    ("dark", "desktop"): COLORS,
}
SIZES = {"desktop": DESKTOP, "phone": PHONE}

RUN = """async ([where, rules]) => {
  const found = await axe.run(where ?? document, {
    resultTypes: ["violations"],
    ...(rules && {runOnly: {type: "rule", values: rules}}),
  });
  return found.violations.map(rule => `${rule.id}: ${rule.nodes.map(node => node.target.join(" ")).slice(0, 9)}`);
}"""

THIN_OUT = """() => {
  for (const formula of document.querySelectorAll("math")) {
    const {width, height} = formula.getBoundingClientRect();
    const box = document.createElement("span");
    box.style.cssText = `display: inline-block; width: ${width}px; height: ${height}px`;
    formula.replaceWith(box);
  }
  document.querySelectorAll("svg :is(path, rect, line, circle):not([role], [tabindex], [aria-label])")
    .forEach(shape => shape.remove());
  const seen = new Set();
  for (const word of document.querySelectorAll("pre span[class]")) {
    const around = [word, word.closest(".highlight"), word.closest(".cell_input, .cell_output")];
    const kind = around.map(element => element?.className).join();
    if (seen.has(kind)) word.replaceWith(...word.childNodes);
    seen.add(kind);
  }
  axe.configure({rules: [
    {id: "color-contrast", selector: "[data-new-kind]"},
    {id: "link-in-text-block", selector: "a[href][data-new-kind]"},
  ]});
}"""

# Mark the texts that are the first of their kind, and return the number of new kinds.
MARK = r"""() => {
  const painted = [], texts = [];
  const place = ({left, right, top, bottom}) => ({left, right, top, bottom});
  const ownText = element => [...element.childNodes].filter(node => node.nodeType === Node.TEXT_NODE)
    .map(node => node.data.trim()).join("");
  for (const element of document.querySelectorAll("body, body *")) {
    if (!element.checkVisibility({visibilityProperty: true})) continue;
    const style = getComputedStyle(element);
    const paint = [style.backgroundColor, style.backgroundImage, style.opacity, style.filter, style.mixBlendMode,
      style.position, style.zIndex].join();
    const box = place(element.getBoundingClientRect());
    const floats = style.position !== "static";
    if (paint !== "rgba(0, 0, 0, 0),none,1,none,normal,static,auto" || element.matches("img, svg, canvas"))
      painted.push({element, box, paint, floats});
    const text = ownText(element);
    if (text || element.matches("input, select, textarea")) {
      const range = document.createRange();
      range.selectNodeContents(element);
      const parent = element.parentElement;
      const own = [style.color, style.fontSize, style.fontWeight, style.textShadow, /\w\w/.test(text),
        element.localName, element.className, parent.localName, parent.className, getComputedStyle(parent).color,
        ownText(parent) !== ""].join();
      texts.push({element, own, at: text ? place(range.getBoundingClientRect()) : box});
    }
  }
  document.querySelectorAll("[data-new-kind]").forEach(element => element.removeAttribute("data-new-kind"));
  const kinds = new Set(JSON.parse(sessionStorage.kinds ?? "[]")), known = kinds.size;
  for (const {element, own, at} of texts) {
    const behind = new Set();
    for (const {element: other, box, paint, floats} of painted) {
      if (box.left < at.right && at.left < box.right && box.top < at.bottom && at.top < box.bottom
          && (floats || other === element || !element.contains(other))) behind.add(paint);
    }
    const kind = [own, ...behind].join(";");
    if (kinds.has(kind)) continue;
    element.dataset.newKind = "";
    if (!element.closest("label, [disabled], [aria-disabled=true]")) kinds.add(kind);   // axe may skip these
  }
  sessionStorage.kinds = JSON.stringify([...kinds]);
  return kinds.size - known;
}"""

STILL = "* { transition: none !important }"  # colors change at once


def examine(page):
    """Return {(mode, width): what axe-core finds on the page that is open in a tab}.

    The tab remembers the kinds of text that were examined in it.
    """
    page.evaluate(AXE_SCRIPT)
    page.evaluate(THIN_OUT)
    page.add_style_tag(content=STILL)
    return {look: findings(page, *look) for look in LOOKS}


def findings(page, mode, width):
    """Return what axe-core finds in one mode at one width."""
    page.set_viewport_size(SIZES[width])
    page.evaluate("mode => { Object.assign(document.documentElement.dataset, {theme: mode, mode}) }", mode)
    page.evaluate(WIDTH)
    page.evaluate("window.dispatchEvent(new Event('resize'))")  # the browser may send it later
    new_kinds, rules = page.evaluate(MARK), LOOKS[mode, width]
    if rules == COLORS and not new_kinds:
        return []
    return page.evaluate(RUN, [None, rules])
