"""Rules for the chapters. A rule yields a message for each place that breaks it.

The rules of ``NOTEBOOK_RULES`` and ``exercises`` take one notebook. ``claims`` and ``figure_names`` take the book as a
dict of notebooks by slug. ``claims_linked`` takes the text of the ledger. ``numbers`` compares prose with outputs.
"""

import ast
import re
from collections import Counter

from scripts.notebooks import METADATA, SOLUTION, code_cells
from scripts.practice import LABEL, QUESTION, TAGS, kind

ALLOWED_IMPORTS = {"numpy", "sympy", "matplotlib", "smlib", "json", "pathlib"}  # json and pathlib read results
# Further imports, for the chapter that starts with the label. One runs Dask and kills a worker, one measures memory.
ALLOWED_BY_LABEL = {"(ch-many)=": {"dask", "distributed", "os"}, "(ch-attention)=": {"tracemalloc"}}
LONGEST_CELL, LONGEST_CHECK = 25, 40
SHORTEST_ALT = 20
EXERCISES = 3
CLAIMS = [f"claim-{number:02d}" for number in range(1, 19)]


def numbered(notebook):
    """Return [(number, code cell), ...], numbered from 1."""
    return list(enumerate(code_cells(notebook), 1))


def tags(cell):
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


def parsed(cell):
    """Return the syntax tree of a code cell, or None if it is not Python."""
    try:
        return ast.parse(cell.source)
    except SyntaxError:
        return None


def figures(cell):
    """Return the outputs of a code cell that hold an image."""
    return [output for output in cell.outputs if any(kind.startswith("image/") for kind in output.get("data", {}))]


# --- one notebook


def executed_in_order(notebook):
    """Report code cells that were not executed once each, from top to bottom."""
    for number, cell in numbered(notebook):
        if cell.execution_count != number:
            yield f"code cell {number} has execution count {cell.execution_count}: run `make notebooks`"


def no_stderr(notebook):
    """Report code cells that wrote to stderr."""
    for number, cell in numbered(notebook):
        if any(output.get("name") == "stderr" for output in cell.outputs):
            yield f"code cell {number} wrote to stderr: remove the cause of the warning"


def no_errors(notebook):
    """Report code cells that raised an exception without the tag `raises-exception`."""
    for number, cell in numbered(notebook):
        failed = any(output.output_type == "error" for output in cell.outputs)
        if failed and "raises-exception" not in tags(cell):
            yield f"code cell {number} raised an exception: correct it, or tag it raises-exception"


def no_addresses(notebook):
    """Report outputs with a memory address, which differs from run to run."""
    for number, cell in numbered(notebook):
        if re.search(r"\bat 0x[0-9a-f]+", output_text(cell)):
            yield f"code cell {number} prints a memory address: print something that is the same in each run"


def figures_described(notebook):
    """Report figures without alt text, caption or name, and figures that share a cell."""
    for number, cell in numbered(notebook):
        about = cell.metadata.get("mystnb", {})
        alt = about.get("image", {}).get("alt", "")
        figure = about.get("figure", {})
        if len(figures(cell)) > 1:
            yield f"code cell {number} draws {len(figures(cell))} figures: draw each in a cell of its own"
        if about and not figures(cell):
            yield f"code cell {number} has metadata of a figure but draws none: remove `mystnb`"
        if not figures(cell):
            continue
        if len(alt) < SHORTEST_ALT:
            yield f"code cell {number} has an alt text of {len(alt)} characters: write at least {SHORTEST_ALT}"
        if re.search(r"\.(png|svg|jpe?g)\b", alt):
            yield f"code cell {number} has a file name in its alt text: describe the figure instead"
        if not figure.get("caption", "").strip():
            yield f"code cell {number} draws a figure with no caption: add one to its metadata"
        if not figure.get("name", "").startswith("fig-"):
            yield f"code cell {number} draws a figure named {figure.get('name')!r}: begin its name with fig-"
        if cell.source.rstrip().splitlines()[-1] != "plt.show()":
            yield f"code cell {number} draws a figure: end it with plt.show()"


def short(notebook):
    """Report code cells with more than `LONGEST_CELL` lines, and checks and tries with more than `LONGEST_CHECK`."""
    for number, cell in numbered(notebook):
        lines, most = len(cell.source.splitlines()), LONGEST_CHECK if kind(cell) else LONGEST_CELL
        if lines > most:
            yield f"code cell {number} has {lines} lines: split it into cells of at most {most}"


def plain_python(notebook):
    """Report code cells that are empty, hold a magic or a shell command, or hide a value by a semicolon."""
    for number, cell in numbered(notebook):
        if parsed(cell) is None:
            yield f"code cell {number} is not plain Python: remove magics, shell commands and syntax errors"
        if not cell.source.strip():
            yield f"code cell {number} is empty: delete it"
        if cell.source.rstrip().endswith(";"):
            yield f"code cell {number} ends with a semicolon: remove it"


def imports_allowed(notebook):
    """Report imports of packages that chapters may not use."""
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
                    yield f"code cell {number} imports {name}: this chapter may import {', '.join(sorted(allowed))}"


def nothing_left_out(notebook):
    """Report tags and comments that exclude a cell from execution or its output from comparison."""
    for number, cell in numbered(notebook):
        for tag in tags(cell):
            if tag.startswith("nbval-") or tag == "skip-execution":
                yield f"code cell {number} has the tag {tag}: remove it, because every output is compared"
        if "NBVAL_" in cell.source:
            yield f"code cell {number} has an NBVAL_ comment: remove it, because every output is compared"


def no_clocks(notebook):
    """Report timings and progress bars: they differ from run to run."""
    for number, cell in numbered(notebook):
        found = re.search(r"\b(tqdm|timeit|perf_counter|datetime|import time|time\.\w+\()|%time", cell.source)
        if found:
            yield f"code cell {number} uses {found[0]}: remove it, or measure in studies/"


def seeded(notebook):
    """Report random numbers that do not come from a seeded generator."""
    for number, cell in numbered(notebook):
        if re.search(r"\brandom\.(?!default_rng\b|Generator\b)\w+|default_rng\(\s*\)", cell.source):
            yield f"code cell {number} draws random numbers without np.random.default_rng(seed): use that"


def plain_metadata(notebook):
    """Report metadata that changes from one execution to the next, and cells with the same id."""
    if notebook.metadata != METADATA:
        yield f"the notebook has the metadata {dict(notebook.metadata)} instead of {METADATA}: run `make notebooks`"
    if any("execution" in cell.metadata for cell in notebook.cells):
        yield "the metadata of a cell holds times of its execution: run `make notebooks`, which removes them"
    ids = Counter(cell.get("id") for cell in notebook.cells)
    for repeated in (name for name, times in ids.items() if times > 1):
        yield f"several cells have the id {repeated!r}: give each cell an id of its own"


def answers_checked(notebook):
    """Report exercises without one of the cells `answer`, `check` and `tries`, and what the page would show wrongly."""
    label, found = None, {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found |= {label: [] for label in LABEL.findall(cell.source)}
            label = ([label] + LABEL.findall(cell.source))[-1]
        elif kind(cell):
            found.setdefault(label, []).append(kind(cell))
            if cell.id != f"{label}-{kind(cell)}":
                yield f"the cell {cell.id} has the tag {kind(cell)}: name it {label}-{kind(cell)}"
    for label, kinds in found.items():
        if kinds != sorted(TAGS):
            there = ", ".join(kinds) or "none"
            yield f"of answer, check and tries, {label} has {there}: write all, in this order"
    for number, cell in numbered(notebook):
        if kind(cell) == "check" and not cell.metadata.get("jupyter", {}).get("source_hidden"):
            yield f"code cell {number} is a check in sight: set jupyter.source_hidden in its metadata"
        if kind(cell) == "check" and not output_text(cell).strip().startswith("Not yet"):
            yield f"code cell {number} is a check that does not ask for an answer: the starter has to be incomplete"
        if kind(cell) == "tries" and "remove-cell" not in tags(cell):
            yield f"code cell {number} has the tag tries: tag it remove-cell, too"
    for cell in notebook.cells:
        if "predict" in cell.metadata and len(QUESTION.findall(cell.source)) != 1:
            yield f"the cell {cell.get('id')} has predictions: it must have one *Predict first*"


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
    answers_checked,
]


def exercises(notebook):
    """Report exercises without a solution that holds executed code, and chapters with too few exercises."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    labels = LABEL.findall(text)
    if len(labels) < EXERCISES:
        yield f"the chapter has {len(labels)} exercises: write at least {EXERCISES}"
    solved = solutions(notebook)
    for label in labels:
        if label not in solved:
            yield f"the exercise {label} has no solution: add one between solution-start and solution-end"
        elif not solved[label]:
            yield f"the solution of {label} holds no executed code cell: add one, or run `make notebooks`"
    for label in solved.keys() - set(labels):
        yield f"the solution of {label} has no exercise: correct one of the labels"


def solutions(notebook):
    """Return {label: number of executed code cells} for every solution that starts and ends."""
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
    """Report claims that are not labeled once, right before a code cell with their tag, or not asserted."""
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
                    yield f"{slug}: ({name})= is not the end of its cell: move it there"
                if following is None or following.cell_type != "code" or name not in tags(following):
                    yield f"{slug}: the cell after ({name})= is not a code cell tagged {name}: tag it"
    for name in CLAIMS:
        if labelled[name] != 1:
            yield f"({name})= stands {labelled[name]} times in the book: label each claim once"
        if not asserted[name]:
            yield f"no cell tagged {name} asserts anything: add an assert"
    for name in sorted((labelled.keys() | asserted.keys()) - set(CLAIMS)):
        yield f"{name} is not a claim of the lecture: use {CLAIMS[0]} to {CLAIMS[-1]}"


def has_assert(cell):
    """Return True if a cell has an assert statement or calls a function named assert_…."""
    nodes = list(ast.walk(parsed(cell) or ast.Module([], [])))
    called = [node.func for node in nodes if isinstance(node, ast.Call)]
    names = [getattr(function, "attr", getattr(function, "id", "")) for function in called]
    return any(isinstance(node, ast.Assert) for node in nodes) or any(n.startswith("assert_") for n in names)


def claims_linked(page):
    """Report claims to which the text of the ledger does not link."""
    for name in CLAIMS:
        if f"<{name}>" not in page and f"`{name}`" not in page and f"(#{name})" not in page:
            yield f"the ledger does not link to {name}: add a link"


def figure_names(book):
    """Report names that several figures have."""
    names = Counter()
    for notebook in book.values():
        for cell in code_cells(notebook):
            names[cell.metadata.get("mystnb", {}).get("figure", {}).get("name")] += 1
    names.pop(None, None)
    for name, times in names.items():
        if times > 1:
            yield f"{times} figures are named {name}: give each its own name"


# --- numbers

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
NUMBER = re.compile(
    r"(?<![\d.])(\d+\.\d+)(?!\d|\.\d)"  # 1.0
    r"(?:\s*(?:\\times|\\cdot|[×·*])\s*10\s*(?:\*\*|\^)\s*\{?\s*([-+]?\d+)\s*\}?"  # · 10^{-9}
    r"|[eE]([-+]?\d+))?"  # e-09
)


def decimals(text):
    """Return the decimal numbers of a text, as {(digits, power of ten)}.

    A number is decimal if it has a decimal point. Two numbers are equal if they have the same digits, point included,
    and the same power of ten: ``1.0·10⁹``, ``1.0 \\times 10^{9}`` and ``1.0e+09`` are equal. ``0.25`` and ``0.250``
    are different, and so are ``1.0·10⁹`` and ``1000000000.0``. The sign is ignored: prose says "falls by 6.908" of
    −6.908. Separators of thousands are ignored: ``1,234.5``, ``1{,}234.5`` and a thin space. 2.4.6 is a version, not a
    number.
    """
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+", lambda m: "^{" + m[0].translate(SUPERSCRIPTS) + "}", text)
    text = text.replace("−", "-").replace("{,}", ",").replace(r"\,", "\u2009").replace("{.}", ".")
    text = re.sub(r"(?<![\d.])\d{1,3}(?:[,\u2009\u202f\xa0]\d{3})+(?!\d)", lambda m: re.sub(r"\D", "", m[0]), text)
    return {(digits, int(power or exponent or 0)) for digits, power, exponent in NUMBER.findall(text)}


def written(number):
    """Return a number of `decimals` as text."""
    digits, power = number
    return f"{digits}e{power}" if power else digits


def output_text(cell):
    """Return the text that a cell printed: streams, values (plain and in LaTeX) and messages of exceptions."""
    parts = []
    for output in cell.outputs:
        parts.append(output.get("text", ""))
        parts += [output.get("data", {}).get(kind, "") for kind in ("text/plain", "text/latex")]
        parts.append(output.get("evalue", ""))
    return "\n".join("".join(part) for part in parts)


def printed(notebook):
    """Return the decimal numbers in all outputs of a notebook."""
    return set().union(*(decimals(output_text(cell)) for cell in code_cells(notebook)))


def prose(text):
    """Return the paragraphs of MyST text without code. Formulas and the contents of directives are kept."""
    text = re.sub(r"^(`{3,}|~{3,})(?!\{)(?:[^\n]*)\n.*?^\1`*\s*$", "", text, flags=re.M | re.S)
    text = re.sub(r"^(`{3,})\{(?:code-block|code-cell|code)\}.*?^\1\s*$", "", text, flags=re.M | re.S)
    text = re.sub(r"^:[\w-]+:.*$", "", text, flags=re.M)  # options of directives
    text = re.sub(r"(?<!\{cite\})(`+)(?!`)[^`\n]+\1", "", text)  # inline code
    text = re.sub(r"\]\([^)]*\)|<https?:[^>]*>", "]", text)  # targets of links
    return re.split(r"\n\s*\n", text)


def prose_of(notebook):
    """Return the Markdown cells and captions of a notebook as one text."""
    captions = [cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "") for cell in code_cells(notebook)]
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return "\n\n".join(texts + captions)


def numbers(text, outputs):
    """Return the decimal numbers of `text` that are not in `outputs`, except in paragraphs with a citation."""
    missing = set()
    for paragraph in prose(text):
        if not re.search(r"\{cite(?::\w+)?\}", paragraph):
            missing |= decimals(paragraph) - outputs
    return missing
