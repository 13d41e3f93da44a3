"""The Sphinx extensions: explorables, exercises that answer, folds, previews, addresses, JupyterLite, light pages."""

from _ext import explorables, layout, lite, practice, publish, reading, slim


def setup(app):
    """Register the extensions, `slim` last: it joins the scripts and style sheets that the others added."""
    for extension in (explorables, layout, practice, reading, publish, lite, slim):
        extension.setup(app)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
