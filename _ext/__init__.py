"""The Sphinx extensions: explorables, exercises that answer, folds, proofs, previews, JupyterLite, light pages."""

from _ext import explorables, lite, practice, proofs, publish, reading, slim


def setup(app):
    """Register the extensions, `slim` last: it joins the scripts and style sheets that the others added."""
    for extension in (explorables, practice, proofs, reading, publish, lite, slim):
        extension.setup(app)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
