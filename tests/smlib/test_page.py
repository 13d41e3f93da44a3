"""smlib._page: what a page says about an answer, and which statements of a chapter it runs for it."""

import base64
import json

import pytest

from smlib._page import Session, judge, needed, program

CHAPTER = [
    "import math\nimport matplotlib.pyplot as plt\nfrom math import exp, log",
    "def double(x):\n    return 2 * x",
    "total = 0\nfor n in range(3):\n    total += n\nplt.plot([total])",
    "numbers = []\nnumbers.append(double(total))",
]
CHECK = '''@practice.check
def check(answer):
    """It is six."""
    if answer() != 6:
        yield "It is not six."
'''
IMPORT = "from smlib import practice"


def said(code, cells=CHAPTER):
    """Return what is said about an answer."""
    return json.loads(judge([IMPORT, *cells], code, CHECK))


# an answer


def test_a_right_and_a_wrong_answer_get_what_the_check_says():
    right = said("def answer():\n    print('called')\n    return numbers[0]")
    assert right == {"right": True, "says": "It is six.", "details": "", "output": "called\n"}
    assert said("answer = lambda: 7") == {"right": False, "says": "It is not six.", "details": "", "output": ""}


@pytest.mark.parametrize(
    "code, says, details",
    [
        ("def answer()", "Python cannot read line 1: expected ':'.", "SyntaxError: expected ':'"),
        ("answer = 1 / 0", "Your code stopped with ZeroDivisionError: division by zero.", "line 1: answer = 1 / 0"),
        ("def answer():\n    return six", "Neither you nor the chapter so far has defined it", "line 2: return six"),
        ("def answer(x):\n    return x", "with the arguments of the first line as it was", "TypeError: "),
        ("import numpy as np\nnp.ones(2) + np.ones(3)", "Two shapes do not fit", "line 2: np.ones(2) + np.ones(3)"),
        ("answer = exit", "SystemExit", ""),
        ("raise SystemExit", "Your code stopped with SystemExit", "line 1: raise SystemExit"),
        ("other = 1", "The check needs answer, and your code does not define it.", ""),
    ],
)
def test_an_error_is_said_in_words_with_the_line_of_the_answer(code, says, details):
    found = said(code)
    assert not found["right"] and says in found["says"] and details in found["details"]
    assert "smlib" not in found["details"]


def test_an_answer_sees_the_chapter_and_not_the_answer_before():
    assert said("def answer():\n    return double(3)")["right"]
    assert "NameError" in said("answer = lambda: left_over")["says"]


# cells


CELLS = ["x = [1]", "x.append(2)\nprint('two')", "x"]


def shown(session, *cells):
    """Return what the last of the cells shows."""
    return json.loads(session.run(list(cells)))


def test_a_cell_shows_what_it_prints_and_its_last_value():
    assert shown(Session(), *CELLS[:2])["output"] == "two\n"
    found = shown(Session(), *CELLS)
    assert (found["output"], found["details"], found["formula"], found["pictures"]) == ("[1, 2]", "", "", [])


def test_cells_before_run_once_unless_one_of_them_changed_or_later_ones_ran():
    session = Session()
    for cells, output in [
        (CELLS, "[1, 2]"),
        (CELLS, "[1, 2]"),
        ([*CELLS[:2], "x + x"], "[1, 2, 1, 2]"),
        (["x = [5]", *CELLS[1:]], "[5, 2]"),
        (["x = [5]", "x.append(3)", "x"], "[5, 3]"),
        (["x = [5]"], ""),
        (["x = [5]", "x"], "[5]"),
    ]:
        assert shown(session, *cells)["output"] == output


def test_an_error_names_the_cell_before_in_which_it_was():
    session = Session()
    found = shown(session, "1 / 0", "x = 1")
    assert found["says"].startswith("Code cell 1 comes before, and failed. Your code stopped with ZeroDivisionError")
    assert found["details"].startswith("cell 1, line 1: 1 / 0")
    assert shown(session, "y = 1", "y")["output"] == "1"
    assert "NameError" in shown(session, "y = 1", "z")["says"]
    found = shown(session, "def f(x):\n    return 1 / x", "# nothing", "f(0)")
    assert found["details"].startswith("cell 3, line 1: f(0)\ncell 1, line 2: return 1 / x\n")


def test_a_formula_and_a_figure_are_shown():
    session = Session()
    assert shown(session, "import sympy", "sympy.Symbol('a') ** 2")["formula"] == "a^{2}"
    draw = "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()"
    found = shown(session, "import sympy", draw)
    [picture] = found["pictures"]
    assert base64.b64decode(picture).startswith(b"\x89PNG") and found["output"] == ""


# the statements that code needs


def test_only_what_is_needed_runs():
    assert needed(CHAPTER, "double(1)") == "def double(x):\n    return 2 * x"
    assert needed(CHAPTER, "log(2)") == "from math import log"
    assert needed(CHAPTER, "1 + 1") == ""


def test_changes_of_what_is_needed_run_in_their_order():
    assert needed(CHAPTER, "numbers").split("\n") == [
        "def double(x):",
        "    return 2 * x",
        "total = 0",
        "for n in range(3):",
        "    total += n",
        "numbers = []",
        "numbers.append(double(total))",
    ]


def test_training_changes_a_network():
    cells = ["net = make()", "seen = [train(net, x) for _ in range(2)]", "train(other)"]
    assert needed(cells, "net") == "net = make()\nseen = [train(net, x) for _ in range(2)]"


@pytest.mark.parametrize(
    "code",
    [
        "def f(double):\n    return double",
        "[double for double in ()]",
        "double = 3\ndouble",
        "def f(total, numbers):\n    total *= 2\n    numbers[0] -= 1\n    numbers.append(total)",
        "lambda total: [total := 1]",
    ],
)
def test_a_name_of_its_own_is_not_looked_for(code):
    assert needed(CHAPTER, code) == ""


def test_code_that_is_not_python_needs_nothing():
    assert program(CHAPTER, "double(", CHECK) == ""
