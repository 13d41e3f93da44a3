"""What helps to read the pages: answers that wait, previews of what links lead to, notebooks to take along."""

import html
import posixpath

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import solution_node

QUESTION = "Predict first"
ANSWERED = "<!-- answered -->"  # a line of its own in a notebook, where an answer is longer than the rule says
LEDGER = "chapters/the-lecture-claim-by-claim"


# --- answers and solutions, folded


class Fold(SphinxPostTransform):
    """Fold the answer after each "Predict first", and each solution, into a <details> element."""

    default_priority = 900
    builders = ("html",)

    def run(self):
        for question in list(self.document.findall(nodes.admonition)):
            if question[0].astext() == QUESTION:
                fold(answer_to(question), "The answer")
        for solution in self.document.findall(solution_node):
            fold(solution.children[1:], "The solution")


def fold(content, name):
    if content:
        parent = content[0].parent
        start, end = parent.index(content[0]), parent.index(content[-1])
        parent.insert(end + 1, raw("</div></details>"))
        parent.insert(start, raw(f'<details class="fold"><summary>{name}</summary><div>'))


def raw(markup):
    return nodes.raw("", markup, format="html")


def answer_to(question):
    """What follows a question: up to the mark, or else to the end of the first paragraph after the first output."""
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
    siblings = question.parent.children
    for node in siblings[siblings.index(question) + 1 :]:
        if isinstance(node, nodes.section) or isinstance(node, nodes.admonition) and node[0].astext() == QUESTION:
            return
        yield node


def is_mark(node):
    return isinstance(node, nodes.raw) and node.astext().strip() == ANSWERED


def is_output(node):
    return any("cell_output" in part["classes"] for part in node.findall(nodes.container))


def completion(rest):
    """The formula or list that a paragraph leads up to."""
    anchors = 1 if rest and isinstance(rest[0], nodes.target) else 0
    ends = rest[anchors : anchors + 1]
    return rest[:anchors] + ends if ends and isinstance(ends[0], (nodes.math_block, nodes.bullet_list)) else []


# --- previews of what a link leads to


def add_previews(app, pagename, templatename, context, doctree):
    """Give a page the previews of its links' targets, as inert templates that assets/book.js shows."""
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
    """The page and the id that an address on a page stands for."""
    page, _, anchor = address.partition("#")
    folder = posixpath.dirname(pagename)
    return posixpath.normpath(posixpath.join(folder, page)).removesuffix(".html") if page else pagename, anchor


def all_previews(env):
    """(page, id), and the nodes to show for it: a term's definition, an equation, a figure, a claim."""
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
                yield places[claim["reftarget"]][:2], [*row[1], *row[2]]


def template(builder, address, content):
    part = nodes.container("", *(node.deepcopy() for node in content))
    for node in list(part.findall(nodes.Element)):
        node["ids"] = []
        if isinstance(node, addnodes.pending_xref):
            node.replace_self(node.children)
    shown = builder.render_partial(part)["fragment"]
    return f'<template class="preview" data-for="{html.escape(address)}">{shown}</template>\n'


# --- the links of a chapter


def chapter_links(app, pagename, templatename, context, doctree):
    """Under a chapter's title: what can be done with it."""
    source = context.get("sourcename", "")
    if app.builder.name != "html" or not source.endswith(".ipynb"):
        return
    address = html.escape(context["pathto"](f"_sources/{source}", resource=True))
    links = [f'<a href="{address}" download>Download this notebook</a>']
    row = f'</h1>\n<p class="chapter-links">{" ".join(links)}</p>'
    context["body"] = context["body"].replace("</h1>", row, 1)


def setup(app):
    app.add_post_transform(Fold)
    app.connect("html-page-context", add_previews)
    app.connect("html-page-context", chapter_links)
