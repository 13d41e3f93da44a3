"""What this book asks of Sphinx beyond its settings: explorables where they belong, and docstrings' types as words."""

import re


def types_are_words(app, what, name, obj, options, lines):
    """Print an attribute's type as it stands: `:type:` would look each word of it up as a class."""
    lines[:] = [line.replace("   :type: ", "   :Type: ") for line in lines]


def load_explorables(app, pagename, templatename, context, doctree):
    """Give the scripts of an explorable to the pages that hold its figure, and to no other."""
    names = re.findall(r'id="fig-explore-(\w+)"', context.get("body", ""))
    for name in ["explore", *(f"explore-{name}" for name in names)] if names else []:
        app.add_js_file(f"{name}.js", defer="defer")


def setup(app):
    app.connect("autodoc-process-docstring", types_are_words, priority=900)
    app.connect("html-page-context", load_explorables)
