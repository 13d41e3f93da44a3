"""The Sphinx extensions: explorables, faces, formulas, exercises, folds, proofs, previews, JupyterLite, light pages."""

from _ext import explorables, faces, formulas, layout, lite, practice, proofs, publish, reading, slim


def setup(app):
    """Register the extensions, `slim` last: it joins the scripts and style sheets that the others added."""
    for extension in (explorables, faces, formulas, layout, practice, proofs, reading, publish, lite, slim):
        extension.setup(app)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
