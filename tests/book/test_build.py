"""scripts.book on a book of two pages: it builds a sound book, and names what is wrong in another."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

from scripts import ROOT
from scripts.notebooks import METADATA, STORED_COLORS, STORED_DPI

pytestmark = pytest.mark.slow
TOC = "format: jb-book\nroot: index\nparts:\n- caption: A part\n  chapters:\n  - file: chapters/one\n"


C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def run(folder, *command, **environment):
    """Run a command in a book, by default without JupyterLite, which takes half of the time."""
    return subprocess.run(
        [sys.executable, "-m", "scripts.book", *command],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"BOOK_LITE": "0"} | environment,
    )


def write_chapter(folder, *cells):
    """Write a chapter of some cells."""
    notebook = new_notebook(cells=list(cells), metadata=METADATA)
    (folder / "chapters" / "one.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def stored(folder):
    """Return the chapter as it is stored."""
    return json.loads((folder / "chapters" / "one.ipynb").read_text(encoding="utf-8"))


def files(folder):
    """Return {path: content} of all files in a folder."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def small_book(tmp_path_factory):
    """A copy of the tools and settings of this book, with other pages."""
    folder = tmp_path_factory.mktemp("book")
    for name in ("_ext", "scripts", "assets", "smlib", "studies"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("_config.yml", "references.bib", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    (folder / "_toc.yml").write_text(TOC, encoding="utf-8")
    (folder / "index.md").write_text("# A small book\n", encoding="utf-8")
    (folder / "chapters").mkdir()
    (folder / "_build" / "faces").mkdir(parents=True)
    for face in (ROOT / "_build" / "faces").glob("*.woff2"):  # making them takes seconds; the name is a checksum
        shutil.copy(face, folder / "_build" / "faces")
    return folder


@pytest.fixture
def book_of(small_book):
    """Return a function that writes the chapter from cells and returns the folder."""

    def write(*cells):
        write_chapter(small_book, new_markdown_cell("# One"), *cells)
        return small_book

    return write


FIGURE = new_code_cell(
    "import matplotlib.pyplot as plt\nplt.figure(dpi=224)\nplt.plot([1, 2])\nplt.show()",
    metadata={"mystnb": {"image": {"alt": "A line."}, "figure": {"caption": "A line.", "name": "fig-line"}}},
)


@pytest.mark.rare
def test_a_sound_chapter_is_executed_and_built_and_a_second_time_to_the_same_bytes(book_of, tmp_path):
    """The second time in another folder and under another hash seed. `make twins` compares the whole book."""
    book = book_of(new_markdown_cell("Words.\n\n$$ y = z $$ (eq-same)"), new_code_cell("print(6 * 7)"), FIGURE)
    other = shutil.copytree(book, tmp_path / "another place", ignore=shutil.ignore_patterns("_build"))
    for seed, folder in enumerate((book, other), 1):
        done = run(folder, "book", PYTHONHASHSEED=str(seed))
        assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"The book is built: open {other / '_build' / 'html' / 'index.html'}"
    assert re.search(r"^one: 100%", done.stderr.replace("\r", "\n"), flags=re.M)
    first, second = files(book / "_build" / "html"), files(other / "_build" / "html")
    assert first == second
    assert len(first) > 100
    assert b"42" in first[Path("chapters/one.html")]
    assert stored(book)["cells"][2]["outputs"] == []


def test_notebooks_stores_outputs_and_nothing_that_changes(book_of):
    timed = new_code_cell("6 * 7", metadata={"execution": {"iopub.status.busy": "2026-01-01T00:00:00Z"}})
    book = book_of(timed, FIGURE)
    assert run(book, "notebooks", "one").returncode == 0
    first = stored(book)
    code, figure = first["cells"][1:]
    assert code["execution_count"] == 1 and code["outputs"][0]["data"]["text/plain"] == ["42"]
    assert first["metadata"].keys() == {"kernelspec", "language_info"}
    assert code["metadata"] == {}
    with Image.open(BytesIO(base64.b64decode(figure["outputs"][0]["data"]["image/png"]))) as picture:
        assert [round(dpi) for dpi in picture.info["dpi"]] == [STORED_DPI, STORED_DPI]
        assert len(picture.getcolors()) <= STORED_COLORS
    before = files(book / "chapters")
    assert run(book, "notebooks").returncode == 0
    assert files(book / "chapters") == before


def test_a_chapter_that_does_not_exist_is_named(book_of):
    done = run(book_of(), "notebooks", "seven")
    assert done.returncode == 1
    assert "No chapter begins with seven: there are one" in done.stderr


def test_a_chapter_that_raises_stops_the_book(book_of):
    cells = [
        new_code_cell(source, execution_count=count)  # counts of an earlier run
        for count, source in enumerate(["print('fine')", "x = 0\n1 / x", "print('after')"], 1)
    ]
    book = book_of(*cells)
    other = book / "chapters" / "two.ipynb"
    (book / "_toc.yml").write_text(TOC + "  - file: chapters/two\n", encoding="utf-8")
    slow = [new_code_cell("import time\ntime.sleep(0.2)") for _ in range(50)]
    other.write_text(json.dumps(new_notebook(cells=slow, metadata=METADATA)), encoding="utf-8")
    done = run(book, "book")
    other.unlink()
    (book / "_toc.yml").write_text(TOC, encoding="utf-8")
    assert done.returncode == 1
    assert "\nchapters/one.ipynb: code cell 2 raised ZeroDivisionError: division by zero\n" in done.stderr
    assert "\n    x = 0\n    1 / x\n" in done.stderr
    # The traceback of the cell is printed once, and none of scripts.book. A stopped kernel may print further lines.
    assert done.stderr.count("Cell In[2], line 2") == 1
    assert "scripts/book.py" not in done.stderr
    assert "two: 100%" not in done.stderr


def test_a_chapter_that_warns_stops_the_book(book_of):
    done = run(book_of(new_code_cell("import warnings\nwarnings.warn('careful')")), "book")
    assert done.returncode == 1
    assert "chapters/one.ipynb: code cell 1 wrote to stderr" in done.stderr
    assert "careful" in done.stderr


def test_site_builds_a_draft_if_it_is_stale_even_in_the_c_locale_and_broken_pages_stop_it(book_of):
    book = book_of(new_markdown_cell("Σ y = 1 – always."))
    assert "is built" in run(book, "site", **C_LOCALE).stdout
    assert "Σ y = 1 – always." in (book / "_build" / "html" / "chapters" / "one.html").read_text(encoding="utf-8")
    assert (book / "_build" / "html.built").read_text(encoding="utf-8") == "draft"
    assert run(book, "site").stdout == ""
    book_of(
        new_markdown_cell("See {ref}`ch-nowhere`."),
        new_markdown_cell("Text.\n\n![a picture](gone.png)"),
        new_markdown_cell("By {cite}`nobody1900`."),
        new_markdown_cell(r"Then $\sofmax(z)$."),
        new_markdown_cell("Words.\n\n$$ \\frac{1 $$"),
    )
    for command in ("site", "draft"):  # Sphinx remembers pages: the second build must fail, too
        done = run(book, command)
        assert done.returncode == 1
        assert "chapters/one.ipynb: cell 2, line 1: WARNING: undefined label: 'ch-nowhere'" in done.stderr
        assert "chapters/one.ipynb: cell 3, line 3: WARNING: image file not readable: chapters/gone.png" in done.stderr
        assert "chapters/one.ipynb: cell 4, line 1: WARNING: could not find bibtex key" in done.stderr
        assert r"chapters/one.ipynb: cell 5, line 1: WARNING: no MathML for the formula $ \sofmax(z) $" in done.stderr
        assert r"chapters/one.ipynb: cell 6, line 3: WARNING: no MathML for the formula $ \frac{1 $" in done.stderr


def test_an_unknown_command_prints_the_commands(small_book):
    done = run(small_book, "bake")
    assert done.returncode == 1
    assert "notebooks [NN ...] execute every chapter" in done.stderr
