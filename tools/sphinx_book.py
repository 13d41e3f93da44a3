"""What this book asks of Sphinx beyond its settings: its own MathJax, and docstrings' types as words."""

import shutil
from importlib.util import find_spec
from pathlib import Path

PARTS = ["input/tex/extensions", "output/chtml/fonts", "tex-chtml.js"]


def copy_mathjax(app):
    """Put the part of MathJax that the pages use (2 MB of 15) into the built site."""
    package = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "vendor" / "mathjax"
    if (target / PARTS[-1]).exists():
        return
    for part in PARTS[:-1]:
        ignore = shutil.ignore_patterns("all-packages.js")
        shutil.copytree(package / part, target / part, ignore=ignore, dirs_exist_ok=True)
    shutil.copy(package / PARTS[-1], target)


def types_are_words(app, what, name, obj, options, lines):
    """Print an attribute's type as it stands: `:type:` would look each word of it up as a class."""
    lines[:] = [line.replace("   :type: ", "   :Type: ") for line in lines]


def setup(app):
    app.connect("autodoc-process-docstring", types_are_words, priority=900)
    app.connect("builder-inited", copy_mathjax)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
