"""Exercises and predictions that answer on the pages, and code cells that run: forms that assets/practice.js shows.

Code runs in the Python of the browser, which `make live` puts into the site. A prediction needs no Python. Without
scripts the forms stay hidden.
"""

import html
import json

import nbformat
from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from _ext.reading import QUESTION, raw
from scripts.practice import exercises, predictions


class Practice(SphinxPostTransform):
    """Replace the cells of exercises by forms, and add a form to each "Predict first" that can be judged."""

    default_priority = 890
    builders = ("html",)

    def run(self):
        """Read the notebook of the page, which has what the document has not: the metadata and the rules."""
        path = self.env.doc2path(self.env.docname)
        if path.endswith(".ipynb"):
            notebook = nbformat.read(path, 4)
            self.add_exercises(exercises(notebook))
            self.add_predictions(predictions(notebook))

    def add_exercises(self, found):
        """Put a form in the place of each cell `answer`. The script reads the chapter's code from the page itself."""
        for cell in tagged(self.document, "check"):
            cell.parent.remove(cell)
        for cell, exercise in zip(tagged(self.document, "answer"), found, strict=True):
            cell.parent[cell.parent.index(cell)] = raw(exercise_form(exercise))

    def add_predictions(self, found):
        """Add a form at the end of each question."""
        boxes = [box for box in self.document.findall(nodes.admonition) if box[0].astext() == QUESTION]
        for number, (box, questions) in enumerate(zip(boxes, found, strict=True), 1):
            if questions:
                box += raw(prediction_form(f"predict-{number}", questions))


def tagged(document, tag):
    """Return the code cells of a document with a tag."""
    return [node for node in document.findall(nodes.container) if f"tag_{tag}" in node["classes"]]


def exercise_form(exercise):
    """Return the form of an exercise."""
    data = f' data-check="{html.escape(exercise.check)}"'
    return code_form(f"{exercise.label}-code", "Your answer, in Python", exercise.answer, "Check", "Start afresh", data)


def code_form(name, label, code, run, afresh, data=""):
    """Return a form with code that can be edited and run."""
    return f"""<form class="practice"{data} autocomplete="off" hidden>
<label for="{name}">{label}</label>
<textarea id="{name}" name="code" rows="{code.count(chr(10)) + 4}" spellcheck="false" autocapitalize="off">
{html.escape(code)}</textarea>
<p class="practice-buttons"><button type="submit">{run}</button>
<button type="button" name="stop" disabled>Stop</button>
<button type="button" name="afresh">{afresh}</button> <span>Or press Ctrl+Enter.</span></p>
<p class="practice-verdict" role="status"></p>
<div class="practice-details"></div>
</form>"""


def prediction_form(name, questions):
    """Return the form of a prediction, with one field for each question."""
    fields = "\n".join(field(f"{name}-{number}", question) for number, question in enumerate(questions, 1))
    judged = [{key: value for key, value in question.items() if key != "computed"} for question in questions]
    data = html.escape(json.dumps(judged))
    return f"""<form class="practice predict" data-name="{name}" data-questions="{data}" autocomplete="off" hidden>
{fields}
<p class="practice-buttons"><button type="submit">Compare</button></p>
<p class="practice-verdict" role="status"></p>
</form>"""


def field(name, question):
    """Return the field of a question: a number, or one of several choices; and a place for the reply."""
    ask = html.escape(question["ask"])
    reply = f'<p class="practice-verdict" id="{name}-reply" role="status"></p>'
    if "choices" not in question:
        entry = f'<input id="{name}" name="{name}" size="8" aria-describedby="{name}-reply">'
        return f'<p><label for="{name}">{ask}</label> {entry}</p>\n{reply}'
    choices = "\n".join(
        f'<label><input type="radio" name="{name}" value="{place}"> {html.escape(words)}</label>'
        for place, (words, _) in enumerate(question["choices"])
    )
    return f"<fieldset><legend>{ask}</legend>\n{choices}</fieldset>\n{reply}"


def load_script(app, pagename, templatename, context, doctree):
    """Add the script to the pages with code cells, and the form in which a cell is edited."""
    if 'class="cell_input' in context.get("body", ""):
        app.add_js_file("practice.js", defer="defer")
        form = code_form("cell-code", "Your version of this cell", "", "Run", "Put back")
        context["body"] += f'<template id="cell-editor">{form}</template>'


def setup(app):
    """Register the transform, and connect the function to Sphinx's event."""
    app.add_post_transform(Practice)
    app.connect("html-page-context", load_script)
