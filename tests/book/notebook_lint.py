"""What every chapter keeps to. A rule takes what it judges and yields its complaints.

The rules of ``NOTEBOOK_RULES`` judge one notebook; ``claims`` and ``figure_names`` judge the
whole book, as a dict of notebooks by slug; ``numbers`` compares prose with outputs.
"""

import ast
import re
from collections import Counter

from scripts.notebooks import METADATA, SOLUTION, code_cells

ALLOWED_IMPORTS = {"numpy", "sympy", "matplotlib", "smlib", "json", "pathlib"}  # the last two read results
# More for the chapter that starts with a label: workers on Dask, and one of them killed.
ALLOWED_BY_LABEL = {"(ch-many)=": {"dask", "distributed", "os"}}
LONGEST_CELL = 25
SHORTEST_ALT = 20
EXERCISES = 3
CLAIMS = [f"claim-{number:02d}" for number in range(1, 19)]


def numbered(notebook):
    """The code cells with their numbers, from 1."""
    return list(enumerate(code_cells(notebook), 1))


def tags(cell):
    return cell.metadata.get("tags", [])


def parsed(cell):
    try:
        return ast.parse(cell.source)
    except SyntaxError:
        return None


def figures(cell):
    return [output for output in cell.outputs if any(kind.startswith("image/") for kind in output.get("data", {}))]


# --- one notebook


def executed_in_order(notebook):
    for number, cell in numbered(notebook):
        if cell.execution_count != number:
            yield f"code cell {number} has execution count {cell.execution_count}"


def no_stderr(notebook):
    for number, cell in numbered(notebook):
        if any(output.get("name") == "stderr" for output in cell.outputs):
            yield f"code cell {number} wrote to stderr"


def no_errors(notebook):
    for number, cell in numbered(notebook):
        failed = any(output.output_type == "error" for output in cell.outputs)
        if failed and "raises-exception" not in tags(cell):
            yield f"code cell {number} raised an exception and is not tagged raises-exception"


def no_addresses(notebook):
    for number, cell in numbered(notebook):
        if re.search(r"\bat 0x[0-9a-f]+", output_text(cell)):
            yield f"code cell {number} prints a memory address"


def figures_described(notebook):
    """Every figure has alt text, a caption and a name, and stands alone in its cell."""
    for number, cell in numbered(notebook):
        about = cell.metadata.get("mystnb", {})
        alt = about.get("image", {}).get("alt", "")
        figure = about.get("figure", {})
        if len(figures(cell)) > 1:
            yield f"code cell {number} draws {len(figures(cell))} figures: one a cell"
        if about and not figures(cell):
            yield f"code cell {number} describes a figure and draws none"
        if not figures(cell):
            continue
        if len(alt) < SHORTEST_ALT:
            yield f"code cell {number}: alt text of {len(alt)} characters, fewer than {SHORTEST_ALT}"
        if re.search(r"\.(png|svg|jpe?g)\b", alt):
            yield f"code cell {number}: the alt text is a file name"
        if not figure.get("caption", "").strip():
            yield f"code cell {number}: no caption"
        if not figure.get("name", "").startswith("fig-"):
            yield f"code cell {number}: the figure's name {figure.get('name')!r} is not fig-…"
        if cell.source.rstrip().splitlines()[-1] != "plt.show()":
            yield f"code cell {number} draws a figure and does not end with plt.show()"


def short(notebook):
    for number, cell in numbered(notebook):
        lines = len(cell.source.splitlines())
        if lines > LONGEST_CELL:
            yield f"code cell {number} has {lines} lines, more than {LONGEST_CELL}"


def plain_python(notebook):
    """No magics, no shell commands, no semicolon that hides a value."""
    for number, cell in numbered(notebook):
        if parsed(cell) is None:
            yield f"code cell {number} is not plain Python"
        if not cell.source.strip():
            yield f"code cell {number} is empty"
        if cell.source.rstrip().endswith(";"):
            yield f"code cell {number} ends with a semicolon"


def imports_allowed(notebook):
    label = notebook.cells[0].source.split("\n", 1)[0] if notebook.cells else ""
    allowed = ALLOWED_IMPORTS | ALLOWED_BY_LABEL.get(label, set())
    for number, cell in numbered(notebook):
        for node in ast.walk(parsed(cell) or ast.Module([], [])):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or "."]
            for name in names:
                if name.split(".")[0] not in allowed:
                    yield f"code cell {number} imports {name}"


def nothing_left_out(notebook):
    """nbval compares every output, and runs every cell."""
    for number, cell in numbered(notebook):
        for tag in tags(cell):
            if tag.startswith("nbval-") or tag == "skip-execution":
                yield f"code cell {number} has the tag {tag}"
        if "NBVAL_" in cell.source:
            yield f"code cell {number} has an NBVAL_ comment"


def no_clocks(notebook):
    """No timings and no progress bars: they differ from run to run."""
    for number, cell in numbered(notebook):
        found = re.search(r"\b(tqdm|timeit|perf_counter|datetime|import time|time\.\w+\()|%time", cell.source)
        if found:
            yield f"code cell {number} uses {found[0]}"


def seeded(notebook):
    for number, cell in numbered(notebook):
        if re.search(r"\brandom\.(?!default_rng\b|Generator\b)\w+|default_rng\(\s*\)", cell.source):
            yield f"code cell {number} draws random numbers without np.random.default_rng(seed)"


def plain_metadata(notebook):
    """Nothing that changes from one execution to the next, and an id for each cell."""
    if notebook.metadata != METADATA:
        yield f"the notebook's metadata holds more than its kernel: {dict(notebook.metadata)}"
    if any("execution" in cell.metadata for cell in notebook.cells):
        yield "a cell's metadata holds the times of its execution: `make notebooks` takes them out"
    ids = Counter(cell.get("id") for cell in notebook.cells)
    for repeated in (name for name, times in ids.items() if times > 1):
        yield f"the cell id {repeated!r} is missing or repeated"


NOTEBOOK_RULES = [
    executed_in_order,
    no_stderr,
    no_errors,
    no_addresses,
    figures_described,
    short,
    plain_python,
    imports_allowed,
    nothing_left_out,
    no_clocks,
    seeded,
    plain_metadata,
]


def exercises(notebook):
    """At least three, each with a solution in which code has run."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    labels = re.findall(r"^`{3,}\{exercise\}.*\n:label: (\S+)", text, flags=re.M)
    if len(labels) < EXERCISES:
        yield f"{len(labels)} exercises, fewer than {EXERCISES}"
    solved = solutions(notebook)
    for label in labels:
        if label not in solved:
            yield f"the exercise {label} has no solution"
        elif not solved[label]:
            yield f"the solution of {label} holds no executed code cell"
    for label in solved.keys() - set(labels):
        yield f"the solution of {label} has no exercise"


def solutions(notebook):
    """{label: number of executed code cells} of every solution that starts and ends."""
    found, label, ran = {}, None, 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            ran += cell.execution_count is not None
            continue
        for fence in SOLUTION.finditer(cell.source):
            if fence["which"] == "start":
                label, ran = fence["label"], 0
            elif label:
                found[label], label = ran, None
    return found


# --- the whole book


def claims(book):
    """Each claim is labelled once, right before a cell with its tag, and asserted somewhere."""
    labelled, asserted = Counter(), Counter()
    for slug, notebook in book.items():
        for cell, following in zip(notebook.cells, [*notebook.cells[1:], None]):
            if cell.cell_type == "code":
                if has_assert(cell):
                    asserted.update(tag for tag in tags(cell) if tag.startswith("claim-"))
                continue
            for name in re.findall(r"^\((claim-\d\d)\)=$", cell.source, flags=re.M):
                labelled[name] += 1
                if not cell.source.rstrip().endswith(f"({name})="):
                    yield f"{slug}: ({name})= is not the end of its cell"
                if following is None or following.cell_type != "code" or name not in tags(following):
                    yield f"{slug}: the cell after ({name})= is not tagged {name}"
    for name in CLAIMS:
        if labelled[name] != 1:
            yield f"({name})= stands {labelled[name]} times in the book"
        if not asserted[name]:
            yield f"no cell tagged {name} asserts anything"
    for name in sorted((labelled.keys() | asserted.keys()) - set(CLAIMS)):
        yield f"{name} is not a claim of the lecture"


def has_assert(cell):
    """An assert statement, or one of NumPy's testing functions."""
    nodes = list(ast.walk(parsed(cell) or ast.Module([], [])))
    called = [node.func for node in nodes if isinstance(node, ast.Call)]
    names = [getattr(function, "attr", getattr(function, "id", "")) for function in called]
    return any(isinstance(node, ast.Assert) for node in nodes) or any(n.startswith("assert_") for n in names)


def claims_linked(page):
    """The ledger links to every claim."""
    for name in CLAIMS:
        if f"<{name}>" not in page and f"`{name}`" not in page and f"(#{name})" not in page:
            yield f"the ledger does not link to {name}"


def figure_names(book):
    names = Counter()
    for notebook in book.values():
        for cell in code_cells(notebook):
            names[cell.metadata.get("mystnb", {}).get("figure", {}).get("name")] += 1
    names.pop(None, None)
    for name, times in names.items():
        if times > 1:
            yield f"{times} figures are called {name}"


# --- numbers

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
NUMBER = re.compile(
    r"(?<![\d.])(\d+\.\d+)(?!\d|\.\d)"  # 1.0
    r"(?:\s*(?:\\times|\\cdot|[×·*])\s*10\s*(?:\*\*|\^)\s*\{?\s*([-+]?\d+)\s*\}?"  # · 10^{-9}
    r"|[eE]([-+]?\d+))?"  # e-09
)


def decimals(text):
    """The decimal numbers of a text, as {(digits, power of ten)}.

    A number counts as decimal if it has a decimal point. Two are the same if they have the
    same digits, point included, and the same power of ten: ``1.0·10⁹``, ``1.0 \\times 10^{9}``
    and ``1.0e+09`` are the same; ``0.25`` and ``0.250`` are not, nor are ``1.0·10⁹`` and
    ``1000000000.0``. The sign does not count (prose says "falls by 6.908" of −6.908), nor do
    separators of thousands (``1,234.5``, ``1{,}234.5``, a thin space). Something like
    2.4.6 is a version, not a number.
    """
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+", lambda m: "^{" + m[0].translate(SUPERSCRIPTS) + "}", text)
    text = text.replace("−", "-").replace("{,}", ",").replace(r"\,", "\u2009").replace("{.}", ".")
    text = re.sub(r"(?<![\d.])\d{1,3}(?:[,\u2009\u202f\xa0]\d{3})+(?!\d)", lambda m: re.sub(r"\D", "", m[0]), text)
    return {(digits, int(power or exponent or 0)) for digits, power, exponent in NUMBER.findall(text)}


def written(number):
    digits, power = number
    return f"{digits}e{power}" if power else digits


def output_text(cell):
    """What a cell printed, as text: its streams and its values, plain and in LaTeX."""
    parts = []
    for output in cell.outputs:
        parts.append(output.get("text", ""))
        parts += [output.get("data", {}).get(kind, "") for kind in ("text/plain", "text/latex")]
        parts.append(output.get("evalue", ""))
    return "\n".join("".join(part) for part in parts)


def printed(notebook):
    return set().union(*(decimals(output_text(cell)) for cell in code_cells(notebook)))


def prose(text):
    """Paragraphs of MyST text without code: formulas and directives' contents are prose."""
    text = re.sub(r"^(`{3,}|~{3,})(?!\{)(?:[^\n]*)\n.*?^\1`*\s*$", "", text, flags=re.M | re.S)
    text = re.sub(r"^(`{3,})\{(?:code-block|code-cell|code)\}.*?^\1\s*$", "", text, flags=re.M | re.S)
    text = re.sub(r"^:[\w-]+:.*$", "", text, flags=re.M)  # options of directives
    text = re.sub(r"(?<!\{cite\})(`+)(?!`)[^`\n]+\1", "", text)  # inline code
    text = re.sub(r"\]\([^)]*\)|<https?:[^>]*>", "]", text)  # targets of links
    return re.split(r"\n\s*\n", text)


def prose_of(notebook):
    captions = [cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "") for cell in code_cells(notebook)]
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return "\n\n".join(texts + captions)


def numbers(text, outputs):
    """The decimal numbers of `text` that no output shows and no citation stands beside."""
    missing = set()
    for paragraph in prose(text):
        if not re.search(r"\{cite(?::\w+)?\}", paragraph):
            missing |= decimals(paragraph) - outputs
    return missing
