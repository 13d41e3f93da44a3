"""The exercises and predictions of a chapter, as its notebook holds them.

Three code cells belong to an exercise. `answer` is where the reader begins, `check` holds a rule of smlib.practice,
and `tries` in the solution tries that rule. A prediction is in the metadata of the cell with the question.
"""

import ast
import re
from typing import NamedTuple

from scripts.notebooks import SOLUTION

TAGS = {"answer", "check", "tries"}
LABEL = re.compile(r"^`{3,}\{exercise\}.*\n:label: (\S+)", re.M)
QUESTION = re.compile(r"^(?:`{3,}|:{3,})\{admonition\} Predict first$", re.M)


class Exercise(NamedTuple):
    """An exercise that answers: its label, the sources of its cells, and those that it may use.

    `before` holds the code cells of the chapter before it, `solved` those of the solutions before its tries.
    """

    label: str
    before: list
    answer: str
    check: str = ""
    tries: str = ""
    solved: tuple = ()


def kind(cell):
    """Return answer, check or tries for a cell with that tag, or else None."""
    return next((tag for tag in cell.metadata.get("tags", []) if tag in TAGS), None)


def exercises(notebook):
    """Return the exercises of a notebook that have an answer to write. Without a solution, there are no tries."""
    found, before, solved, label, within = {}, [], [], None, False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            label = ([label] + LABEL.findall(cell.source))[-1]
            fences = [fence["which"] for fence in SOLUTION.finditer(cell.source)]
            within = fences[-1] == "start" if fences else within
        elif kind(cell) == "answer":
            found[label] = Exercise(label, list(before), cell.source)
        elif kind(cell) == "check":
            found[label] = found[label]._replace(check=rule(cell.source))
        elif kind(cell) == "tries":
            found[label] = found[label]._replace(tries=cell.source, solved=tuple(solved))
        else:
            (solved if within else before).append(cell.source)
    return list(found.values())


def rule(source):
    """Return the source of the function `check` in the cell of a check, without the call after it."""
    [node] = [node for node in ast.parse(source).body if getattr(node, "name", None) == "check"]
    return "\n".join(source.splitlines()[node.decorator_list[0].lineno - 1 : node.end_lineno])


def predictions(notebook):
    """Return for each "Predict first" of a notebook its questions, an empty list if it only asks in words."""
    return [
        cell.metadata.get("predict", [])
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for _ in QUESTION.findall(cell.source)
    ]
