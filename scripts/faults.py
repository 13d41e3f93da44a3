"""Plant one fault at a time in a copy of the book, and report which check catches it: make faults

python -m scripts.faults "some words" plants those only whose names have the words.

The checks are those of `make test`, the quick ones first, and a fault is caught by the first that fails. The command
fails if no check catches a fault.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import numpy as np
from tqdm import tqdm

from scripts import ROOT
from scripts.book import without_colors

PYTEST = ["-m", "pytest", "-q", "-x", "--no-header", "-o", "addopts="]
PLATEAU, DERIVATIVE, COST, BALANCE = "01-the-plateau", "03-the-derivative", "04-the-cost", "05-steep-times-flat"


# --- planting a fault in a file: each edit has to fit in exactly one place


def once(text, old, new, where):
    """Replace `old`, which has to occur once."""
    if text.count(old) != 1:
        raise SystemExit(f"The fault does not fit any more: {old!r} stands {text.count(old)} times in {where}")
    return text.replace(old, new)


def in_file(name, old, new):
    """Change the one place of a file that has `old`."""

    def plant(folder):
        path = folder / name
        path.write_text(once(path.read_text(encoding="utf-8"), old, new, name), encoding="utf-8")

    return plant


def in_cell(chapter, old, new):
    """Change the one cell whose source has `old`."""

    def plant(notebook):
        [cell] = [cell for cell in notebook.cells if old in cell.source]
        cell.source = once(cell.source, old, new, chapter)

    return in_notebook(chapter, plant)


def in_output(chapter, old, new):
    """Change the one stored output that has `old`."""

    def plant(notebook):
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        [output] = [output for output in outputs if old in output.get("text", "")]
        output.text = once(output.text, old, new, chapter)

    return in_notebook(chapter, plant)


def in_figure(chapter, change):
    """Change what the first figure's cell says of it."""

    def plant(notebook):
        change(next(cell.metadata.mystnb for cell in notebook.cells if "figure" in cell.metadata.get("mystnb", {})))

    return in_notebook(chapter, plant)


def in_notebook(chapter, change):
    """Change a notebook by a function."""

    def plant(folder):
        path = folder / "chapters" / f"{chapter}.ipynb"
        notebook = nbformat.read(path, 4)
        change(notebook)
        nbformat.write(notebook, path)

    return plant


def end_with(chapter, text):
    """Add a paragraph at the end of a chapter."""

    def plant(notebook):
        notebook.cells[-1].source += f"\n\n{text}"

    return in_notebook(chapter, plant)


def never_executed(notebook):
    """Make a cell look as if it had not been executed."""
    cell = [cell for cell in notebook.cells if cell.cell_type == "code"][2]
    cell.outputs, cell.execution_count = [], None


def warns(notebook):
    """Make a cell write a warning."""
    notebook.cells[1].source += "\nnp.log(0.0)"


def without_tag(tag):
    """Remove a tag from the cells of a notebook."""

    def change(notebook):
        for cell in notebook.cells:
            if tag in cell.metadata.get("tags", []):
                cell.metadata.tags.remove(tag)

    return change


def without_hashes(name):
    """Remove the hashes of a package from the lock."""

    def plant(folder):
        path = folder / "requirements.lock"
        text, count = re.subn(rf"(?m)^({name}==\S+).*(?:\n +--hash.*)+", r"\1", path.read_text(encoding="utf-8"))
        assert count == 1
        path.write_text(text, encoding="utf-8")

    return plant


def another_pixel(folder):
    """Change one pixel of the digits."""
    path = folder / "smlib" / "data" / "digits.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays["pixels"].flat[0] += 1
    np.savez_compressed(path, **arrays)


# --- the checks, and the faults that each list of checks has to catch


def pytest_of(*names):
    """Return the command that runs some tests, whatever their markers."""
    return [sys.executable, *PYTEST, *names]


def of_chapter(slug):
    """Return the checks of a chapter."""
    return {
        "notebook rules": pytest_of("tests/book/test_notebooks.py"),
        "nbval": pytest_of("--nbval", "--nbval-current-env", f"chapters/{slug}.ipynb"),
        **OF_SITE,
    }


def of_tests(path):
    """Return one test module or folder as the checks."""
    return {path: pytest_of(f"tests/{path}")}


TESTS = {
    "outputs": "smlib/test_outputs.py",
    "costs": "smlib/test_costs.py",
    "datasets": "smlib/test_datasets.py",
    "locks": "book/test_locks.py",
}
OF_SITE = {
    "build": [sys.executable, "-m", "scripts.book", "draft"],
    "site tests": pytest_of("tests/site/test_pages.py"),
}


def faults_of_cells():
    """Yield mistakes in code: signs, terms, seeds, constants, limits, rates, warnings."""
    yield (
        DERIVATIVE,
        "a sign in a derivation",
        in_cell(
            DERIVATIVE,
            "jacobian_entry = y_i * (sp.KroneckerDelta(i, j) - y_j)",
            "jacobian_entry = y_i * (sp.KroneckerDelta(i, j) + y_j)",
        ),
    )
    yield (
        DERIVATIVE,
        "the normalizer's terms dropped",
        in_cell(DERIVATIVE, "    return np.diag(y) - np.outer(y, y)\n", "    return np.diag(y)\n"),
    )
    yield (
        DERIVATIVE,
        "another seed",
        in_cell(DERIVATIVE, "rng = np.random.default_rng(1)\n    c =", "rng = np.random.default_rng(7)\n    c ="),
    )
    yield BALANCE, "a sign in the sum over the roads", in_cell(BALANCE, "road = (-t[j] / y[j])", "road = (t[j] / y[j])")
    yield (
        BALANCE,
        "a wrong constant: ½ left out",
        in_cell(BALANCE, "C_squared = ((p_c - 1)**2 + p_r**2) / 2", "C_squared = (p_c - 1)**2 + p_r**2"),
    )
    yield (
        BALANCE,
        "a wrong limit of an integral",
        in_cell(BALANCE, "span = y, sp.Rational(1, 10**9)", "span = y, sp.Rational(1, 10**8)"),
    )
    yield BALANCE, "a wrong learning rate", in_cell(BALANCE, "rate=0.25, steps=2000", "rate=0.2, steps=2000")
    yield COST, "a cell that warns", in_notebook(COST, warns)


def faults_of_text():
    """Yield mistakes in outputs, prose, metadata and references."""
    yield DERIVATIVE, "a stale output", in_output(DERIVATIVE, "y_2: 0.2447 -> 0.2835", "y_2: 0.2447 -> 0.2836")
    yield COST, "a cell never executed", in_notebook(COST, never_executed)
    yield COST, "a number changed in the prose", in_cell(COST, "which is 6.907755", "which is 6.907756")
    yield BALANCE, "a claim without a check", in_notebook(BALANCE, without_tag("claim-15"))
    yield PLATEAU, "no alt text", in_figure(PLATEAU, lambda about: about.pop("image"))
    yield PLATEAU, "a file's name as alt text", in_figure(PLATEAU, lambda about: about.image.update(alt="race.png"))
    yield PLATEAU, "no caption", in_figure(PLATEAU, lambda about: about.figure.pop("caption"))
    yield COST, "a reference to no chapter", end_with(COST, "See {ref}`ch-nowhere`.")
    yield COST, "a reference to no equation", end_with(COST, "See {eq}`eq-nowhere`.")
    yield COST, "a citation of nothing", end_with(COST, "So says {cite}`nobody1999`.")
    yield COST, "a term that the glossary lacks", end_with(COST, "This is {term}`unheard of`.")
    yield COST, "a formula that does not parse", end_with(COST, "Here $\\frac{1}$ fails.")


def faults_of_pages():
    """Yield mistakes that only the built page shows."""
    yield COST, "a script from elsewhere", end_with(COST, '<script src="https://example.org/x.js"></script>')
    yield COST, "an inline script", end_with(COST, "<script>document.title = 'x'</script>")
    yield COST, "an inline handler", end_with(COST, '<button onclick="alert(1)">Do not</button>')
    yield COST, "a picture from elsewhere", end_with(COST, "![A gray square, empty.](https://example.org/x.png)")
    yield COST, "a dead link", end_with(COST, '<a href="no-such-page.html">here</a>')
    yield COST, "a page wider than a phone", end_with(COST, '<div style="width: 700px">wide</div>')


def faults_of_files():
    """Yield mistakes in smlib, its data and the locks."""
    kernels = "smlib/_kernels.py"
    yield (
        "outputs",
        "the normalizer's terms dropped from the Jacobian",
        in_file(kernels, 'np.multiply(-y[:, :, None], y[:, None, :], out=out, casting="same_kind")', "out[...] = 0.0"),
    )
    yield (
        "outputs",
        "the normalizer's term dropped from the product",
        in_file(kernels, "    v -= row_sums(y * v)[:, None]\n", ""),
    )
    yield (
        "costs",
        "a gradient off by a thousandth",
        in_file(kernels, "            e /= divisor\n", "            e /= 1.001 * divisor\n"),
    )
    yield (
        "costs",
        "a cost in bits",
        in_file(kernels, "    costs = np.log1p(rivals / own)\n", "    costs = np.log2(1 + rivals / own)\n"),
    )
    yield (
        "costs",
        "a mean not divided",
        in_file("smlib/costs.py", "costs.sum(dtype=np.float64) / divisor)", "costs.sum(dtype=np.float64))"),
    )
    yield (
        "costs",
        "an error that says less",
        in_file("smlib/_checks.py", 'f"is not a class index: {owner}', 'f"is wrong: {owner}'),
    )
    yield "datasets", "a pixel of the digits", another_pixel
    yield "locks", "a pin without its lock", in_file("requirements.txt", "sympy==1.14.0", "sympy==1.13.3")
    yield "locks", "a package without hashes", without_hashes("toolz")


def all_faults():
    """Yield (what is wrong, a function that plants it, the checks that look for it)."""
    for faults in (faults_of_cells, faults_of_text, faults_of_pages):
        for chapter, what, plant in faults():
            yield f"{chapter}: {what}", plant, of_chapter(chapter)
    for module, what, plant in faults_of_files():
        yield f"{module}: {what}", plant, of_tests(TESTS[module])
    dropped = in_file("assets/explore.js", "squaredErrorSlope: error * y * rest", "squaredErrorSlope: error * y")
    yield "explorables: a factor dropped from a slope", dropped, of_tests("site/explorables/test_formulas.py")
    yield "contents: a chapter missing", in_file("_toc.yml", "      - file: chapters/04-the-cost\n", ""), OF_SITE


# --- planting


def copy_to(folder):
    """Copy the files that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout.split("\0")
    for name in filter(None, names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)


def restore(folder):
    """Undo all changes in the copy."""
    for path in folder.rglob("*"):
        original = ROOT / path.relative_to(folder)
        if path.is_file() and original.is_file() and "_build" not in path.parts:
            if path.read_bytes() != original.read_bytes():
                shutil.copy(original, path)
                path.touch()


def caught_by(checks, folder):
    """Return the name and the message of the first check that fails, or ("", "")."""
    for name, command in checks:
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        if done.returncode:
            text = without_colors(done.stdout)
            said = re.findall(r"^(?:FAILED|ERROR) (.*)$|^(.*(?:WARNING|Error): .*)$", text, flags=re.M)
            return name, " ".join(said[-1]).strip() if said else text.strip()[-300:]
    return "", ""


def main(words=""):
    """Plant the faults whose names have the words, one after the other."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        copy_to(folder)
        faults = [fault for fault in all_faults() if words in fault[0]]
        unseen = []
        every = {str(command): (name, command) for *_, checks in faults for name, command in checks.items()}
        name, said = caught_by(every.values(), folder)
        if name:
            raise SystemExit(f"The book fails its checks before any fault is planted: {name}: {said}")
        for what, plant, checks in tqdm(faults, unit="fault"):
            plant(folder)
            name, said = caught_by(checks.items(), folder)
            restore(folder)
            tqdm.write(f"{what:60} {name or 'UNSEEN':15} {said[:160]}")
            if not name:
                unseen.append(what)
    print(f"{len(faults) - len(unseen)} of {len(faults)} faults were caught")
    if unseen:
        raise SystemExit("Unseen: " + ", ".join(unseen))


if __name__ == "__main__":
    main(*sys.argv[1:])
