"""The notebooks of the chapters: their order, their form in the files, and where their solutions are."""

import base64
import re
from io import BytesIO

import nbformat
import yaml
from PIL import Image

from scripts import ROOT

CHAPTERS = ROOT / "chapters"
STORED_DPI, STORED_COLORS = 72, 24  # enough to see a figure in a viewer of notebooks; the book draws them again
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# The directive that opens a solution, with the label of its exercise, or closes it.
SOLUTION = re.compile(
    r"^(?P<fence>`{3,})\{solution-(?P<which>start|end)\}(?: (?P<label>\S+))?.*?^(?P=fence)$", re.M | re.S
)


def contents():
    """Return [(title of a part, [page, ...]), ...] in reading order, without the first page."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    return [(part["caption"], [chapter["file"] for chapter in part["chapters"]]) for part in parts]


def chapters():
    """Return {slug: path} of the notebooks in reading order."""
    paths = [ROOT / f"{page}.ipynb" for _, pages in contents() for page in pages]
    return {path.stem: path for path in paths if path.exists()}


def read(path):
    """Return a notebook as it is in the file: nbformat.read would correct what it can."""
    return nbformat.v4.reads(path.read_text(encoding="utf-8"))


def to_bytes(notebook):
    """Return the content of a notebook's file."""
    return (nbformat.writes(notebook).rstrip("\n") + "\n").encode()


def code_cells(notebook):
    """Return the code cells of a notebook."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def without_solutions(notebook):
    """Return the notebook without the cells between `solution-start` and `solution-end`.

    sphinx-exercise can hide solutions on the pages, but not in the notebooks that readers download.
    """
    kept, within = [], False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            shown, end = "", 0
            for fence in SOLUTION.finditer(cell.source):
                shown += "" if within else cell.source[end : fence.start()]
                within, end = fence["which"] == "start", fence.end()
            cell.source = (shown + ("" if within else cell.source[end:])).strip()
        if cell.source if cell.cell_type == "markdown" else not within:
            kept.append(cell)
    notebook.cells = kept
    return notebook


def small(picture):
    """Return a PNG, base64 as notebooks hold it, at the size and in the few colors that notebooks are stored with."""
    with Image.open(BytesIO(base64.b64decode(picture))) as image:
        share = STORED_DPI / image.info["dpi"][0]
        if share >= 1:
            return picture
        size = [round(share * side) for side in image.size]
        reduced = (
            image.convert("RGB")
            .resize(size, Image.Resampling.LANCZOS)
            .quantize(STORED_COLORS, Image.Quantize.MAXCOVERAGE)
        )
    stored = BytesIO()
    reduced.save(stored, "png", optimize=True, dpi=(STORED_DPI, STORED_DPI))
    return base64.b64encode(stored.getvalue()).decode()
