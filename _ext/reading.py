"""Aids for readers: folded answers, previews of links' targets, links to download the notebooks."""

import html
import posixpath

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import solution_node

from _ext.lookup import LEDGER

QUESTION = "Predict first"
ANSWERED = "<!-- answered -->"  # a line in a notebook that ends an answer that is longer than usual
FOLD, FOLD_END = '<details class="fold">', "</div></details>"


# --- answers and solutions, folded


class Fold(SphinxPostTransform):
    """Fold the answer after each "Predict first", and each solution, into a <details> element."""

    default_priority = 900
    builders = ("html",)

    def run(self):
        """Fold what the document has of both."""
        for question in list(self.document.findall(nodes.admonition)):
            if question[0].astext() == QUESTION:
                fold(answer_to(question), "The answer")
        for solution in self.document.findall(solution_node):
            fold(solution.children[1:], "The solution")


def fold(content, name):
    """Put sibling nodes into a <details> element with `name` as its summary."""
    if content:
        parent = content[0].parent
        start, end = parent.index(content[0]), parent.index(content[-1])
        parent.insert(end + 1, raw(FOLD_END))
        parent.insert(start, raw(f"{FOLD}<summary>{name}</summary><div>"))


def raw(markup):
    """Return a node of HTML."""
    return nodes.raw("", markup, format="html")


def answer_to(question):
    """Return the nodes of an answer.

    It ends before ANSWERED, or else with the first paragraph after the first output.
    """
    following = list(until_next(question))
    marks = [place for place, node in enumerate(following) if is_mark(node)]
    if marks:
        return following[: marks[0]]
    shown = False
    for place, node in enumerate(following):
        if is_output(node):
            shown = True
        elif shown and isinstance(node, nodes.paragraph):
            return following[: place + 1] + completion(following[place + 1 :])
    return following if shown else []


def until_next(question):
    """Yield the nodes after a question, up to the next section or question."""
    siblings = question.parent.children
    for node in siblings[siblings.index(question) + 1 :]:
        if isinstance(node, nodes.section) or isinstance(node, nodes.admonition) and node[0].astext() == QUESTION:
            return
        yield node


def is_mark(node):
    """Return True if the node is ANSWERED."""
    return isinstance(node, nodes.raw) and node.astext().strip() == ANSWERED


def is_output(node):
    """Return True if the node contains an output of a cell."""
    return any("cell_output" in part["classes"] for part in node.findall(nodes.container))


def completion(rest):
    """Return the formula or the list right after a paragraph, which completes its last sentence."""
    anchors = 1 if rest and isinstance(rest[0], nodes.target) else 0
    ends = rest[anchors : anchors + 1]
    return rest[:anchors] + ends if ends and isinstance(ends[0], (nodes.math_block, nodes.bullet_list)) else []


# --- previews of links' targets


def add_previews(app, pagename, templatename, context, doctree):
    """Add the previews of a page's links to the page, as templates that assets/book.js shows."""
    if doctree is None or app.builder.name != "html":
        return
    if not hasattr(app.builder, "book_previews"):
        app.builder.book_previews = dict(all_previews(app.env))
    found = {}
    for link in doctree.findall(nodes.reference):
        address = link.get("refuri") or "#" + link.get("refid", "")
        content = app.builder.book_previews.get(place_of(address, pagename))
        if content:
            found[address] = content
    context["body"] += "".join(template(app.builder, *item) for item in found.items())


def place_of(address, pagename):
    """Return the page and the id that an address leads to from a page."""
    page, _, anchor = address.partition("#")
    folder = posixpath.dirname(pagename)
    return posixpath.normpath(posixpath.join(folder, page)).removesuffix(".html") if page else pagename, anchor


def all_previews(env):
    """Yield ((page, id), nodes to show for it): definitions of terms, equations, figures, claims."""
    for page in env.found_docs:
        doctree = env.get_doctree(page)
        for term in doctree.findall(nodes.term):
            for anchor in term["ids"]:
                yield (page, anchor), term.parent[-1].children
        for equation in doctree.findall(nodes.math_block):
            for anchor in equation["ids"]:
                bare = nodes.math_block("", equation.astext(), nowrap=equation["nowrap"], number=None)
                yield (page, anchor), [bare]
        for figure in doctree.findall(nodes.figure):
            for anchor in figure["ids"]:
                caption = nodes.paragraph("", "", *figure[-1].deepcopy())
                yield (page, anchor), [next(figure.findall(nodes.image)), caption]
    places = env.get_domain("std").anonlabels
    for row in env.get_doctree(LEDGER).findall(nodes.row) if LEDGER in env.found_docs else []:
        for claim in row.findall(addnodes.pending_xref):
            if claim["reftarget"].startswith("claim-"):
                for place in (places[claim["reftarget"]][:2], (LEDGER, row["ids"][0])):
                    yield place, [*row[1], *row[2]]


def template(builder, address, content):
    """Return the preview of the target at an address as an HTML template, without ids and links."""
    part = nodes.container("", *(node.deepcopy() for node in content))
    for node in list(part.findall(nodes.Element)):
        node["ids"] = []
        if isinstance(node, addnodes.pending_xref):
            node.replace_self(node.children)
    shown = builder.render_partial(part)["fragment"]
    return f'<template class="preview" data-for="{html.escape(address)}">{shown}</template>\n'


# --- the links of a chapter


def chapter_links(app, pagename, templatename, context, doctree):
    """Add the link to download the notebook below the title of a chapter."""
    source = context.get("sourcename", "")
    if app.builder.name != "html" or not source.endswith(".ipynb"):
        return
    address = html.escape(context["pathto"](f"_sources/{source}", resource=True))
    links = [f'<a href="{address}" download>Download this notebook</a>']
    row = f'</h1>\n<p class="chapter-links">{" ".join(links)}</p>'
    context["body"] = context["body"].replace("</h1>", row, 1)


def setup(app):
    """Register the transform and connect the functions to Sphinx's events."""
    app.add_post_transform(Fold)
    app.connect("html-page-context", add_previews)
    app.connect("html-page-context", chapter_links)
