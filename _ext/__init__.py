"""The Sphinx extensions of this book: explorables, folds and previews, addresses, JupyterLite, light pages."""

from _ext import explorables, lite, publish, reading, slim


def setup(app):
    """Register the extensions, `slim` last: it joins the scripts and style sheets that the others added."""
    for extension in (explorables, reading, publish, lite, slim):
        extension.setup(app)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
