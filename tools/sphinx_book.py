"""A small Sphinx extension: everything that a page loads comes from the site itself."""

import shutil
from importlib.util import find_spec
from pathlib import Path

MATHJAX = ["tex-chtml.js", "input/tex/extensions", "output/chtml/fonts"]


def copy_mathjax(app, exception):
    """Put the part of MathJax that the pages use (2 MB of 15) into the built site."""
    if exception is not None or app.builder.format != "html":
        return
    package = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "vendor" / "mathjax"
    if target.exists():
        return
    for part in MATHJAX:
        if (package / part).is_dir():
            ignore = shutil.ignore_patterns("all-packages.js")
            shutil.copytree(package / part, target / part, ignore=ignore)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(package / part, target / part)


def local_once(files):
    """The scripts or style sheets of a page, each once, and none from another site."""
    kept = {}
    for file in files:
        name = str(getattr(file, "filename", file) or "")
        if "://" not in name:
            kept.setdefault(name or id(file), file)
    return list(kept.values())


def keep_the_page_local(app, pagename, templatename, context, doctree):
    for kind in ("script_files", "css_files"):
        context[kind] = local_once(context.get(kind, []))


def types_are_words(app, what, name, obj, options, lines):
    """Print an attribute's type as it stands: `:type:` would look each word of it up as a class."""
    lines[:] = [line.replace("   :type: ", "   :Type: ") for line in lines]


def setup(app):
    app.connect("autodoc-process-docstring", types_are_words, priority=900)
    app.connect("html-page-context", keep_the_page_local, priority=999)
    app.connect("build-finished", copy_mathjax)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
