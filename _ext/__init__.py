"""The Sphinx extensions: explorables, formulas, exercises, proofs, folds, aids, search, JupyterLite, light pages."""

from _ext import explorables, faces, formulas, layout, lite, lookup, practice, proofs, publish, reading, search, slim

IN_ORDER = explorables, faces, formulas, layout, practice, proofs, reading, lookup, publish, search, lite, slim


def setup(app):
    """Register the extensions, `slim` last: it joins the scripts and style sheets that the others added."""
    for extension in IN_ORDER:
        extension.setup(app)
    # Sphinx reads all pages again when `env_version` changes: raise it when a handler of "doctree-read" changes.
    return {"version": "2", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
