"""Load the scripts of an explorable on the pages that show it, and print the types in docstrings as words."""

import re


def types_are_words(app, what, name, obj, options, lines):
    """Rename the field `:type:` of attributes, so that Sphinx does not look up each word of a type as a class."""
    lines[:] = [line.replace("   :type: ", "   :Type: ") for line in lines]


def load_explorables(app, pagename, templatename, context, doctree):
    """Add the scripts of an explorable to the pages that have its figure."""
    names = re.findall(r'id="fig-explore-(\w+)"', context.get("body", ""))
    for name in ["explore", *(f"explore-{name}" for name in names)] if names else []:
        app.add_js_file(f"{name}.js", defer="defer")


def setup(app):
    """Connect the functions to Sphinx's events."""
    app.connect("autodoc-process-docstring", types_are_words, priority=900)
    app.connect("html-page-context", load_explorables)
