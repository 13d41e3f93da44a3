"""What the pages of the book run in the browser: an answer with the check of its exercise, and cells of the chapter."""

import ast
import base64
import contextlib
import io
import json
import linecache
import logging
import sys
import traceback
import warnings

YOURS = "your "  # with this begin the names of the reader's code in tracebacks
ANSWER = YOURS + "answer"
LONGEST = 20_000  # characters of output that are shown
HINTS = {
    "NameError": "Neither you nor the chapter so far has defined it: is it misspelled?",
    "RecursionError": "A function calls itself without end.",
    "MemoryError": "The browser does not give so much memory.",
    "FileNotFoundError": "The page has no files: open the chapter as a notebook.",
}

# --- an answer and its check


def judge(cells, code, check):
    """Return what there is to say about the code of an answer, as JSON.

    `cells` holds the code cells of the chapter so far, `check` the source of a rule named check. The JSON has `right`,
    the words `says`, the `details` of an error, and the `output` that the answer printed.
    """
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        right, says, details = verdict(cells, code, check)
    said = {"right": right, "says": says, "details": details, "output": printed.getvalue()[:LONGEST]}
    return json.dumps(said)


def verdict(cells, code, check):
    """Return whether an answer is right, what to say about it, and the details of its error."""
    space = {"__name__": "__main__"}
    try:
        compile(code, ANSWER, "exec")
        run(program(cells, code, check), "the chapter", space)
        run(code, ANSWER, space)
        run(check, "the check", space)
        rule = space["check"]
        missing = [name for name in rule.names if name not in space]
        if missing:
            return False, f"The check needs {' and '.join(missing)}, and your code does not define it.", ""
        found = rule(*(space[name] for name in rule.names))
    except BaseException as error:  # SystemExit, too
        return False, in_words(error), details_of(error)
    if found.error:
        return False, in_words(found.error), details_of(found.error)
    return found.right, found.says, ""


def program(cells, code, check):
    """Return the statements of the chapter that an answer and its check need, or nothing if the answer is not Python.

    The page loads the packages that these statements import.
    """
    try:
        return needed(cells, f"{code}\n{check}")
    except SyntaxError:
        return ""


def run(source, name, space):
    """Run source in a namespace, under a name that tracebacks can quote. Return the value of a last expression."""
    linecache.cache[name] = len(source), None, source.splitlines(True), name
    tree = ast.parse(source, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), space)
    return eval(compile(ast.Expression(last.value), name, "eval"), space) if last else None


def in_words(error):
    """Return a sentence about an error in the reader's code."""
    if isinstance(error, SyntaxError):
        return f"Python cannot read line {error.lineno}: {error.msg}."
    text = str(error)
    hint = HINTS.get(type(error).__name__, "")
    if isinstance(error, TypeError) and "positional argument" in text:
        hint = "The check calls the function with the arguments of the first line as it was."
    elif "broadcast" in text or "matmul" in text:
        hint = "Two shapes do not fit: print the shape of both."
    return f"Your code stopped with {type(error).__name__}: {text.rstrip('.')}. {hint}".strip()


def details_of(error):
    """Return the lines of the reader's code that led to an error, and the error."""
    if isinstance(error, SyntaxError):
        return "".join(traceback.format_exception_only(error)).strip()
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(YOURS)]
    lines = [f"{frame.filename.removeprefix(YOURS)}, line {frame.lineno}: {frame.line}" for frame in frames[-4:]]
    return "\n".join([*lines, f"{type(error).__name__}: {error}"])


# --- cells of the chapter


class Session:
    """The names that the cells of a chapter have defined, run in their order."""

    def __init__(self):
        self.space, self.done = {"__name__": "__main__"}, []

    def run(self, cells):
        """Run the last of the cells after those before it, and return what it shows, as JSON.

        A cell before it that has run does not run again, unless one of them has changed, or later ones have run.
        """
        *before, last = cells
        if self.done[: len(before)] != before[: len(self.done)] or len(self.done) > len(cells):
            self.__init__()
        for number, cell in enumerate(before[len(self.done) :], len(self.done) + 1):
            shown = outcome(cell, number, self.space)
            if shown["details"]:
                return json.dumps(shown | {"says": f"Code cell {number} comes before, and failed. {shown['says']}"})
            self.done.append(cell)
        self.done[len(before) :] = [last]
        return json.dumps(outcome(last, len(cells), self.space))


session = Session()


def outcome(cell, number, space):
    """Return what a cell shows: words, the details of an error, printed text, a formula, and pictures."""
    printed, value = io.StringIO(), None
    shown = {"right": None, "says": "This is what your version shows.", "details": "", "formula": "", "pictures": []}
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")
        try:
            value = run(cell, f"{YOURS}cell {number}", space)
            shown["pictures"] = pictures()
        except BaseException as error:  # SystemExit, too
            shown |= {"says": in_words(error), "details": details_of(error)}
    formula = getattr(value, "_repr_latex_", lambda: None)()
    if formula:
        shown["formula"] = formula.strip("$").removeprefix("\\displaystyle ")
    elif value is not None:
        printed.write(repr(value))
    return shown | {"output": printed.getvalue()[:LONGEST]}


def pictures():
    """Return the open figures of Matplotlib as PNG, in base64, and close them."""
    pyplot, found = sys.modules.get("matplotlib.pyplot"), []
    figures = [pyplot.figure(number) for number in pyplot.get_fignums()] if pyplot else []
    for figure in figures:
        pyplot.close(figure)  # first, so that one that cannot be drawn is not tried again
    for figure in figures:
        picture = io.BytesIO()
        figure.savefig(picture, format="png", bbox_inches="tight")
        found.append(base64.b64encode(picture.getvalue()).decode())
    return found


# --- the part of a chapter that some code needs


def needed(cells, code):
    """Return the source of the statements at the top level of cells that code needs, in their order."""
    statements = [(cell, node) for cell in cells for node in ast.parse(cell).body]
    modules = {bound(alias) for _, node in statements if is_import(node) for alias in node.names}
    wanted, kept = set(), []
    for node in reversed(ast.parse(code).body):
        reads, writes = names(node, modules)
        wanted = wanted - writes | reads
    for cell, node in reversed(statements):
        reads, writes = names(node, modules)
        if writes & wanted:
            kept.append(part_of(node, wanted, cell))
            wanted = wanted - writes | reads
    return "\n".join(reversed(kept))


def is_import(node):
    """Return True for a statement that imports."""
    return isinstance(node, (ast.Import, ast.ImportFrom))


def bound(alias):
    """Return the name that an import binds."""
    return alias.asname or alias.name.split(".")[0]


def part_of(node, wanted, cell):
    """Return the source of a statement; of an import only the names that are wanted."""
    if is_import(node):
        node.names = [alias for alias in node.names if bound(alias) in wanted]
        return ast.unparse(node)
    first = min([node.lineno, *(part.lineno for part in getattr(node, "decorator_list", []))])
    return "\n".join(cell.splitlines()[first - 1 : node.end_lineno])


def names(node, modules):
    """Return the names that a statement reads, and those that it binds or changes."""
    reads, writes = used(node)
    changed = altered(node) - {None} - modules
    return reads | changed, writes | changed


COMPREHENSIONS = ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp
FUNCTIONS = ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda


def used(node):
    """Return the names that a piece of code loads and stores, without the local ones of its functions."""
    loads, stores = set(), set()
    for part in ast.iter_child_nodes(node):
        inner_loads, inner_stores = used(part)
        loads |= inner_loads
        stores |= inner_stores
    if isinstance(node, ast.Name):
        (loads if isinstance(node.ctx, ast.Load) else stores).add(node.id)
    elif isinstance(node, ast.alias):
        stores.add(bound(node))
    elif isinstance(node, ast.arg):
        stores.add(node.arg)
    elif isinstance(node, ast.ExceptHandler) and node.name:
        stores.add(node.name)
    elif isinstance(node, (*COMPREHENSIONS, *FUNCTIONS, ast.ClassDef)):
        loads, stores = loads - stores, {node.name} if hasattr(node, "name") else set()
    return loads, stores


def altered(node):
    """Return the roots of what a piece of code changes, without the local names of its functions."""
    found = {root(target) for target in changes(node)}.union(*map(altered, ast.iter_child_nodes(node)))
    if isinstance(node, (*COMPREHENSIONS, *FUNCTIONS, ast.ClassDef)):
        found = found.difference(*(used(part)[1] for part in ast.iter_child_nodes(node)))
    return found


def changes(node):
    """Return what a piece of code changes without binding it: x in ``x[0] = 1``, ``x += 1``, ``x.append(1)`` and
    ``train(x)``, the one function in the book that changes its argument.
    """
    if isinstance(node, ast.Assign):
        return [target for target in node.targets if isinstance(target, (ast.Subscript, ast.Attribute))]
    if isinstance(node, ast.AugAssign):
        return [node.target]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        return [node.value.func]
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "train":
        return node.args[:1]
    return []


def root(node):
    """Return the name at the start of an expression such as ``x.y[0]``, or None."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
