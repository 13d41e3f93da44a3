"""List the verdicts in notebooks that a class has handed in: python -m scripts.verdicts NOTEBOOK ...

Each line has the notebook, the exercise, and what its check said, with tabs between them. A check that was not run
again, or is not the book's, is named as such: run the notebook afresh before you count it.
"""

import sys
from pathlib import Path

import nbformat

from scripts.notebooks import chapters, code_cells, read
from scripts.practice import kind

NOT_THE_BOOKS = "This check is not the book's."
NO_VERDICT = "There is no verdict: the check has not run."


def checks(notebook):
    """Return {exercise: its check} of a notebook. The ids of the cells name the exercises, also in JupyterLite."""
    return {cell.id.removesuffix("-check"): cell for cell in code_cells(notebook) if kind(cell) == "check"}


def verdicts(notebook, book):
    """Yield (exercise, what its check said) for each check of a notebook. `book` has those of the book."""
    for label, cell in checks(notebook).items():
        said = [output.data["text/plain"] for output in cell.outputs if output.output_type == "execute_result"]
        if label not in book or cell.source != book[label].source:
            yield label, NOT_THE_BOOKS
        else:
            yield label, "".join(said[-1]) if said else NO_VERDICT


def main(*paths):
    """Print the verdicts of notebooks."""
    if not paths:
        raise SystemExit(__doc__)
    book = {label: cell for path in chapters().values() for label, cell in checks(read(path)).items()}
    for path in map(Path, paths):
        for label, said in verdicts(nbformat.read(path, 4), book):
            print(path.name, label, said, sep="\t")


if __name__ == "__main__":
    main(*sys.argv[1:])
