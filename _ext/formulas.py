"""Formulas as MathML, which browsers draw without a script. Temml makes it from TeX when the book is built.

The folder temml holds version 0.13.5 of the program (npm's package temml), which runs in QuickJS.
"""

import json
import re
import shutil
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import quickjs
from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

TEMML = Path(__file__).parent / "temml" / "temml.min.js"
CONVERT = """(tex, displayMode) => {
  try { return JSON.stringify([temml.renderToString(tex, {displayMode, throwOnError: true}), ""]); }
  catch (error) { return JSON.stringify(["", error.message]); }
}"""
# A brace is as wide as two letters or wider, and a formula leaves no room for that: there is some on both sides of it.
BRACE = r"\let\brace\underbrace \def\underbrace#1{\brace{\,#1\,}}"
TIMES = "<mo>×</mo>", '<mo lspace="0.2222em" rspace="0.2222em">×</mo>'  # as in TeX: MathML has 0.1667em
SCRIPTS = "msub", "msup", "msubsup"  # their first part is what the others belong to
# Attributes that assets/book.css replaces or that say what is so without them.
NEEDLESS = re.compile(r' class="tml-display"| style="display:block math;"| style="math-depth:0;"')

logger = logging.getLogger(__name__)


@cache
def converter():
    """Return Temml's function from TeX to MathML."""
    context = quickjs.Context()
    context.eval(TEMML.read_text(encoding="utf-8"))
    return context.eval(CONVERT)


@cache
def mathml(tex, display=False):
    """Return the MathML of a formula. Raise a ValueError that names what Temml does not know."""
    spaced = BRACE + tex if r"\underbrace" in tex else tex
    made, complaint = json.loads(converter()(spaced.strip(), display))
    if complaint:
        reason = complaint.removeprefix("ParseError: ").splitlines()[0]
        raise ValueError(f"no MathML for the formula $ {' '.join(tex.split())} $: {reason.strip(': ')}")
    return close(NEEDLESS.sub("", made)).replace(*TIMES)


def close(made):
    """Return MathML without spaces around the operators in indices and exponents, as in TeX."""
    formula = ElementTree.fromstring(made)
    scripts = [part for tag in SCRIPTS for whole in formula.iter(tag) for part in whole[1:]]
    for operator in (operator for part in scripts for operator in part.iter("mo")):
        operator.attrib = {"lspace": "0em", "rspace": "0em", **operator.attrib}
    return ElementTree.tostring(formula, encoding="unicode", short_empty_elements=False)


def typeset(node, display):
    """Return the MathML of a node, or nothing after a warning, which fails the build."""
    try:
        return mathml(node.astext(), display)
    except ValueError as error:
        logger.warning(error, location=node)
        return ""


def visit_inline(translator, node):
    """Write a formula within text. The element around it scrolls if the formula is wider than the screen."""
    translator.body.append(f"{translator.starttag(node, 'span', '', CLASS='math')}{typeset(node, False)}</span>")
    raise nodes.SkipNode


def visit_block(translator, node):
    """Write a formula of its own, in a box that scrolls, and its number next to it."""
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    translator.body.append(f'<div class="formula">{typeset(node, True)}</div>')
    if node["number"]:
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def copy_temml(app, error):
    """Copy Temml into the site, for formulas that the reader's code shows: assets/practice.js loads it."""
    if error is None and app.builder.name == "html":
        shutil.copytree(TEMML.parent, Path(app.outdir, "_static", "temml"), dirs_exist_ok=True)


class Bind(SphinxPostTransform):
    """Keep a formula on one line with the signs around it: browsers would begin a line with the period after it."""

    default_priority = 900
    builders = ("html",)

    def run(self):
        """Put each formula that a sign touches into an element that does not break."""
        for formula in list(self.document.findall(nodes.math)):
            parent, place = formula.parent, formula.parent.index(formula)
            before, after = (neighbor(parent, place + step) for step in (-1, 1))
            opening, closing = re.search(r"[(\[“‘]*$", before)[0], re.match(r"[^\s–—/]*", after)[0]
            if opening or closing:
                if after:
                    parent[place + 1] = nodes.Text(after[len(closing) :])
                parent[place] = nodes.inline(
                    "", "", nodes.Text(opening), formula.deepcopy(), nodes.Text(closing), classes=["bound"]
                )
                if before:
                    parent[place - 1] = nodes.Text(before[: len(before) - len(opening)])


def neighbor(parent, place):
    """Return the text at a place among the children of a node, or "" if there is none."""
    node = parent[place] if 0 <= place < len(parent) else None
    return node.astext() if isinstance(node, nodes.Text) else ""


def setup(app):
    """Register the transform and the renderer."""
    app.add_post_transform(Bind)
    app.connect("build-finished", copy_temml)
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
