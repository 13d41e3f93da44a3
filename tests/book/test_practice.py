"""Exercises and predictions that answer: the values behind the predictions, and what the tries of a check see."""

import ast
import contextlib
import io
import json

import numpy as np
import pytest

from scripts import practice
from scripts.notebooks import chapters, code_cells, read
from smlib._page import Session, needed

BOOK = {slug: read(path) for slug, path in chapters().items()}
EXERCISES = [exercise for notebook in BOOK.values() for exercise in practice.exercises(notebook)]
SEEN_AT_LEAST = 0.9


def values(statements, code):
    """Return the names after running code and what it needs of a chapter's statements."""
    space = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(needed(statements, code), space)
        exec(code, space)
    return space


# --- predictions


def asked():
    """Yield (id, statements up to the code cell after the questions, questions) for each cell with questions."""
    for slug, notebook in BOOK.items():
        plain = [c.cell_type == "code" and not practice.kind(c) for c in notebook.cells]
        for place, cell in enumerate(notebook.cells):
            if "predict" in cell.metadata:
                end = plain.index(True, place) + 1
                code = [c.source for c, is_plain in zip(notebook.cells[:end], plain) if is_plain]
                yield pytest.param(code, cell.metadata.predict, id=f"{slug}-{cell.id}")


@pytest.mark.slow
@pytest.mark.parametrize("statements, questions", list(asked()))
def test_predictions_are_judged_by_what_the_chapter_computes(statements, questions):
    expressions = ", ".join(f"({question['computed']})" for question in questions)
    for question, computed in zip(questions, values(statements, f"computed = [{expressions}]")["computed"]):
        if "choices" in question:
            assert computed, question["computed"]
            assert 0 <= question["right"] < len(question["choices"])
            assert all(len(choice) == 2 and all(choice) for choice in question["choices"])
        else:
            tolerance = question.get("tolerance", 1e-9)
            assert abs(computed - question["answer"]) <= tolerance
            assert all(abs(float(value) - question["answer"]) > tolerance for value in question["mistakes"])
            assert question["mistakes"] and question["otherwise"]


# --- cells on the page


@pytest.mark.slow
def test_the_cells_of_a_chapter_show_on_the_page_what_is_stored():
    session, ran = Session(), []
    for cell in code_cells(BOOK["03-the-derivative"]):
        if not practice.kind(cell):
            ran.append(cell.source)
            shown = json.loads(session.run(ran))
            assert (shown["output"], shown["formula"], len(shown["pictures"])) == stored(cell), cell.source


def stored(cell):
    """Return the text that a cell printed, its value as a formula, and the number of its figures."""
    data = [output.get("data", {}) for output in cell.outputs]
    words = "".join(output.get("text", "") for output in cell.outputs)
    formulas = [part["text/latex"] for part in data if "text/latex" in part]
    return (
        words,
        "".join(formulas).strip("$").removeprefix("\\displaystyle "),
        sum("image/png" in part for part in data),
    )


# --- checks


@pytest.mark.rare
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.label)
def test_the_tries_see_a_check_that_is_spoiled(exercise):
    space = values([*exercise.before, *exercise.solved], f"{exercise.check}\n{exercise.tries}")
    rules = list(spoiled(exercise.check))
    unseen = [what for what, rule in rules if passes(rule, exercise.tries, space)]
    print(f"{exercise.label}: {len(rules) - len(unseen)} of {len(rules)} seen")
    assert len(rules) > 5 and len(unseen) <= (1 - SEEN_AT_LEAST) * len(rules), unseen


def passes(rule, tries, space):
    """Return True if the tries accept a rule."""
    space = dict(space)
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        exec(compile(rule, "the check", "exec"), space)
        try:
            exec(tries, space)
        except AssertionError:
            return False
    return True


def spoiled(rule):
    """Yield (what, source): the rule without a mistake, without a point of a loop, with a comparison turned round."""
    turned = {ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt}
    tree = ast.parse(rule)
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for place, key in enumerate(node.keys):
                with without(node.keys, place), without(node.values, place):
                    yield f"without {ast.unparse(key)}", ast.unparse(tree)
        elif isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple):
            for place, point in enumerate(node.iter.elts):
                with without(node.iter.elts, place):
                    yield f"without {ast.unparse(point)}", ast.unparse(tree)
        elif isinstance(node, ast.If):
            test = node.test
            node.test = ast.Constant(False)
            yield f"never {ast.unparse(test)}", ast.unparse(tree)
            node.test = test
        if isinstance(node, ast.Compare) and type(node.ops[0]) in turned:
            operator = node.ops[0]
            node.ops[0] = turned[type(operator)]()
            yield f"{ast.unparse(node)} turned round", ast.unparse(tree)
            node.ops[0] = operator


@contextlib.contextmanager
def without(items, place):
    """Take an item out of a list for a while."""
    item = items.pop(place)
    yield
    items.insert(place, item)
