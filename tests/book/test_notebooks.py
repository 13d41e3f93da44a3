"""The chapters follow the rules of notebook_lint, and each rule reports a notebook that breaks it."""

import ast
import base64
import builtins
import json
import re
from copy import deepcopy
from io import BytesIO
from itertools import combinations, takewhile

import matplotlib
import pytest
from fontTools.ttLib import TTFont
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from _ext.slim import DPI
from scripts.notebooks import CHAPTERS, METADATA, STORED_DPI, chapters, code_cells, read, small, without_solutions
from tests.book import notebook_lint as rules
from tests.site.browser import FIGURE_WIDTH
from tests.smlib.test_plotting import APART_IN_GRAY, PALETTE, difference_in_gray

SLUGS = list(chapters())
NUMBERED = [slug for slug in SLUGS if slug[0].isdigit()]
PAGES = [*sorted(CHAPTERS.glob("*.md")), CHAPTERS.parent / "index.md"]

MOST_BYTES = 250_000
STYLE = CHAPTERS.parent / "smlib" / "data" / "book.mplstyle"

# Decimal numbers that prose may use although no cell prints them: {(page, number): reason}.
REVIEWED = {
    ("intro", "3.11"): "a version of Python",
    ("intro", "3.14"): "a version of Python",
}


# --- the chapters


def none_of(complaints):
    """Fail with all messages in full. For `assert list == []` pytest would shorten them."""
    found = list(complaints)
    if found:
        pytest.fail("\n".join(found), pytrace=False)


@pytest.mark.parametrize("rule", rules.NOTEBOOK_RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("slug", SLUGS)
def test_chapter_keeps_to(slug, rule, book):
    none_of(rule(book[slug]))


@pytest.mark.parametrize("slug", NUMBERED)
def test_chapter_has_solved_exercises(slug, book):
    none_of(rules.exercises(book[slug]))


@pytest.mark.parametrize("slug", NUMBERED)
def test_the_chapter_stands_on_the_map(slug, book):
    label = re.match(r"\((ch-[a-z-]+)\)=\n", book[slug].cells[0].source)
    assert label, f"{slug} has no label (ch-name)= before its title"
    assert f"| {{ref}}`{label[1]}` |" in rules.prose_of(book["intro"]), f"{slug} is not on the map in intro.ipynb"


@pytest.mark.parametrize("slug", NUMBERED)
def test_the_minutes_follow_from_the_length(slug, book):
    """A minute for 200 words and 40 seconds for a code cell, before the exercises, rounded to five."""
    before = list(takewhile(lambda cell: "## Exercises" not in cell.source, book[slug].cells))
    text = "\n".join(cell.source for cell in before if cell.cell_type == "markdown")
    words = re.findall(r"[A-Za-z][A-Za-z'-]*", re.sub(r"\$[^$]*\$|`[^`]*`", "", text))
    minutes = len(words) / 200 + sum(cell.cell_type == "code" for cell in before) * 2 / 3
    assert f"**It takes** about {5 * round(minutes / 5)} minutes" in text, f"{slug} takes {minutes:.1f} minutes"


def test_every_notebook_stands_in_the_contents():
    assert {path.stem for path in CHAPTERS.glob("*.ipynb")} == set(SLUGS)


MAKERS = ast.FunctionDef, ast.ClassDef, ast.ExceptHandler


def test_later_cells_need_no_name_that_only_a_solution_makes(book):
    """The notebooks run without solutions: the other cells define all names that they use."""
    for slug, notebook in book.items():
        made = set(dir(builtins))
        for cell in without_solutions(deepcopy(notebook)).cells:
            if cell.cell_type == "code":
                tree = ast.parse(cell.source)
                made |= {node.name for node in ast.walk(tree) if isinstance(node, MAKERS)}
                made |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
                made |= {
                    (name.asname or name.name).split(".")[0]
                    for node in ast.walk(tree)
                    if isinstance(node, (ast.Import, ast.ImportFrom))
                    for name in node.names
                }
                names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
                made |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
                assert {name.id for name in names} - made == set(), f"only a solution makes these for {slug}"


def test_the_book_has_its_chapters():
    assert {slug[:2] for slug in NUMBERED} >= {f"{number:02}" for number in range(1, 13)}
    assert "intro" in SLUGS


def test_all_claims_are_asserted(book):
    none_of(rules.claims(book))


def test_the_ledger_links_to_every_claim():
    ledger = (CHAPTERS / "the-lecture-claim-by-claim.md").read_text(encoding="utf-8")
    none_of(rules.claims_linked(ledger))


def test_figure_names_are_unique(book):
    none_of(rules.figure_names(book))


def test_where_gray_confuses_two_colors_a_figure_tells_them_apart_otherwise(book):
    """Blue and vermilion have the same gray: line styles, markers or words must distinguish them, too."""
    alike = [{a, b} for a, b in combinations(PALETTE, 2) if difference_in_gray(PALETTE[a], PALETTE[b]) <= APART_IN_GRAY]
    assert {"BLUE", "VERMILION"} in alike
    figures = [
        (slug, cell.source)
        for slug, notebook in book.items()
        for cell in notebook.cells
        if cell.cell_type == "code" and "plt.show()" in cell.source
    ]
    confused = [(slug, code) for slug, code in figures if any(pair <= set(re.findall(r"\w+", code)) for pair in alike)]
    assert len(confused) > 10
    otherwise = re.compile(r"""["'][-.:]*[osD^]?(?:--|-\.|:|[osD^])-?-?["']|\bls=|hatch=|text\(|annotate\(|label\(""")
    none_of(
        f"{slug} uses two colors of the same gray: add line styles, markers or labels to\n{code}"
        for slug, code in confused
        if not otherwise.search(code)
    )


@pytest.mark.parametrize(("slug", "name"), [("intro", "cover"), ("measurements", "speed")])
def test_a_picture_outside_the_book_is_a_figure_of_the_book(slug, name, book):
    [cell] = [cell for cell in code_cells(book[slug]) if f"asset-{name}" in rules.tags(cell)]
    [figure] = rules.figures(cell)
    picture = base64.b64encode((CHAPTERS.parent / "assets" / f"{name}.png").read_bytes()).decode()
    assert small(picture) == figure["data"]["image/png"].strip() != picture


@pytest.mark.parametrize("slug", SLUGS)
def test_the_labels_of_figures_have_11_pixels_on_a_phone(slug, book):
    """Of the sizes in the style sheet and in the cell the smallest counts. Indices may be smaller."""
    style = matplotlib.rc_params_from_file(STYLE, use_default_template=False)
    points = [size for key, size in style.items() if key.endswith("size") and isinstance(size, float)]
    for cell in code_cells(book[slug]):
        assert not re.search(r"""\bfontsize=["']""", cell.source), f"give the size in points:\n{cell.source}"
        sizes = re.findall(r"""\b(?:font|label|title_font)?size=([\d.]+)\b""", cell.source)
        for output in rules.figures(cell):
            with Image.open(BytesIO(base64.b64decode(output["data"]["image/png"]))) as picture:
                inches = picture.width / STORED_DPI
            smallest = min([*points, *map(float, sizes)]) * min(FIGURE_WIDTH / inches, DPI) / 72
            assert smallest >= 11, f"{smallest:.1f} pixels at {inches:.1f} inches: draw it narrower\n{cell.source}"


def test_the_face_of_figures_has_the_characters_of_the_cells_that_draw(book):
    face = set(map(chr, TTFont(STYLE.with_name("book-text.ttf")).getBestCmap())) | {"\n"}
    cells = [cell.source for notebook in book.values() for cell in code_cells(notebook)]
    assert set().union(*(source for source in cells if "plt.show()" in source)) - face == set()


@pytest.mark.parametrize("slug", SLUGS)
def test_a_stored_notebook_is_small(slug):
    size = chapters()[slug].stat().st_size
    assert size <= MOST_BYTES, (
        f"{slug} has {size} bytes, more than {MOST_BYTES}: run `make notebooks`, which makes figures small"
    )


def not_printed(page, missing, by):
    """Yield a message for each missing number that is not in REVIEWED. `by`: where it should be printed."""
    reviewed = {number for at, number in REVIEWED if at == page}
    for number in sorted({rules.written(number) for number in missing} - reviewed):
        yield f"{page} has {number}, which no {by} prints: print it, add a citation, or give a reason in REVIEWED"


@pytest.mark.parametrize("slug", SLUGS)
def test_numbers_in_the_chapter_were_printed(slug, book):
    notebook = book[slug]
    missing = rules.numbers(rules.prose_of(notebook), rules.printed(notebook))
    none_of(not_printed(slug, missing, "cell of the chapter"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_numbers_in_the_page_were_printed_by_some_chapter(page, book):
    printed = set().union(*(rules.printed(notebook) for notebook in book.values()))
    none_of(not_printed(page.stem, rules.numbers(page.read_text(encoding="utf-8"), printed), "chapter"))


def test_reviewed_numbers_are_still_needed(book):
    needed = set()
    for slug, notebook in book.items():
        missing = rules.numbers(rules.prose_of(notebook), rules.printed(notebook))
        needed |= {(slug, rules.written(number)) for number in missing}
    assert set(REVIEWED) <= needed


# --- each rule reports a notebook that breaks it in one place


PNG = new_output("display_data", {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"})
FIGURE = {
    "image": {"alt": "A straight line from corner to corner."},
    "figure": {"caption": "A line.", "name": "fig-line"},
}


def text(*lines):
    """Return a Markdown cell."""
    return new_markdown_cell("\n".join(lines))


def code(source, *outputs, count=1, **metadata):
    """Return an executed code cell."""
    return new_code_cell(source, outputs=list(outputs), execution_count=count, metadata=metadata)


def stdout(words):
    """Return an output to stdout."""
    return new_output("stream", name="stdout", text=words)


def notebook_of(*cells):
    """Return a notebook of these cells."""
    notebook = new_notebook(metadata=METADATA)
    notebook.cells = list(cells)  # set after validation, because cells may be invalid
    return notebook


def reread(notebook, tmp_path):
    """Return the notebook after writing it to a file and reading it, as chapters are read."""
    path = tmp_path / "broken.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return read(path)


SOUND = [
    text("# Lines", "", "The slope is $0.50$."),
    code("import numpy as np\nprint('slope 0.50')", stdout("slope 0.50\n")),
    code("plt.show()", PNG, count=2, mystnb=FIGURE),
    code(
        "1 / 0",
        new_output("error", ename="ZeroDivisionError", evalue="", traceback=[]),
        count=3,
        tags=["raises-exception"],
    ),
]


def figure(alt=None, caption="A line.", name="fig-line", source="plt.show()", outputs=(PNG,)):
    """Return a code cell that draws a figure."""
    about = {
        "image": {"alt": FIGURE["image"]["alt"] if alt is None else alt},
        "figure": {"caption": caption, "name": name},
    }
    return code(source, *outputs, mystnb=about)


def repeated_ids():
    """Return two cells with the same id."""
    cells = [text("one"), text("two")]
    cells[1]["id"] = cells[0]["id"]
    return cells


BROKEN = [
    (rules.executed_in_order, [code("1", count=None)], "execution count None"),
    (rules.executed_in_order, [code("1", count=2), code("2", count=1)], "execution count 2"),
    (rules.no_stderr, [code("1", new_output("stream", name="stderr", text="!"))], "stderr"),
    (rules.no_errors, [code("1 / 0", new_output("error", ename="E", evalue="", traceback=[]))], "raised"),
    (rules.no_addresses, [code("f", stdout("<function f at 0x7f00aa>"))], "memory address"),
    (rules.figures_described, [code("plt.show()", PNG)], "alt text of 0 characters"),
    (rules.figures_described, [figure(alt="too short")], "alt text of 9 characters"),
    (rules.figures_described, [figure(alt="figures/the-plateau-of-the-cost.png")], "file name"),
    (rules.figures_described, [figure(caption="")], "no caption"),
    (rules.figures_described, [figure(name="line")], "named 'line'"),
    (rules.figures_described, [figure(outputs=(PNG, PNG))], "draws 2 figures"),
    (rules.figures_described, [figure(outputs=())], "draws none"),
    (rules.figures_described, [figure(source="fig")], "end it with plt.show()"),
    (rules.short, [code("x = 1\n" * 26)], "26 lines"),
    (rules.plain_python, [code("%matplotlib inline")], "not plain Python"),
    (rules.plain_python, [code("")], "empty"),
    (rules.plain_python, [code("ax.plot(x);")], "semicolon"),
    (rules.imports_allowed, [code("import pandas as pd")], "imports pandas"),
    (rules.imports_allowed, [text("(ch-few)="), code("import dask.array as da")], "imports dask"),
    (rules.imports_allowed, [text("(ch-many)="), code("import dask, pandas")], "imports pandas"),
    (rules.imports_allowed, [code("def f():\n    from scipy.special import softmax")], "scipy.special"),
    (rules.nothing_left_out, [code("1", tags=["nbval-ignore-output"])], "nbval-ignore-output"),
    (rules.nothing_left_out, [code("# NBVAL_SKIP\n1")], "NBVAL_ comment"),
    (rules.no_clocks, [code("from tqdm import tqdm")], "tqdm"),
    (rules.no_clocks, [code("import time")], "import time"),
    (rules.no_clocks, [code("%timeit f()")], "%time"),
    (rules.seeded, [code("np.random.normal(3)")], "without np.random.default_rng(seed)"),
    (rules.seeded, [code("rng = np.random.default_rng()")], "without np.random.default_rng(seed)"),
    (rules.plain_metadata, [code("1", execution={"iopub.status.busy": "…"})], "times of its execution"),
    (rules.plain_metadata, repeated_ids(), "several cells have the id"),
    (rules.answers_checked, [code("1", tags=["answer"])], "None has answer: write"),
    (rules.answers_checked, [code("1", tags=["answer"])], "name it None-answer"),
    (rules.answers_checked, [text("```{exercise} One\n:label: ex-one\nHow many?\n```")], "ex-one has none: write"),
    (rules.answers_checked, [code("1", tags=["check"])], "a check in sight"),
    (rules.answers_checked, [code("1", tags=["check"])], "does not ask for an answer"),
    (rules.answers_checked, [code("1", tags=["tries"])], "tag it remove-cell"),
    (rules.answers_checked, [code("1", predict=[])], "must have one *Predict first*"),
]


@pytest.mark.parametrize("rule", rules.NOTEBOOK_RULES, ids=lambda rule: rule.__name__)
def test_rule_accepts_a_sound_notebook(rule, tmp_path):
    assert list(rule(reread(notebook_of(*SOUND), tmp_path))) == []


@pytest.mark.parametrize(("rule", "cells", "complaint"), BROKEN, ids=[f"{r.__name__}-{c}" for r, _, c in BROKEN])
def test_rule_reports(rule, cells, complaint, tmp_path):
    found = list(rule(reread(notebook_of(*cells), tmp_path)))
    assert any(complaint in message for message in found), found


def test_the_chapter_on_many_classes_may_import_dask(tmp_path):
    imports = code("import os\nimport dask.array as da\nfrom distributed import Client")
    cells = [text("(ch-many)=", "# Many classes"), imports]
    assert list(rules.imports_allowed(reread(notebook_of(*cells), tmp_path))) == []


def test_the_chapter_on_attention_may_measure_memory(tmp_path):
    imports = code("import tracemalloc")
    found = list(rules.imports_allowed(reread(notebook_of(text("(ch-attention)=", "# Attention"), imports), tmp_path)))
    assert found == []


def test_every_rule_is_shown_to_fail():
    assert {rule for rule, *_ in BROKEN} == set(rules.NOTEBOOK_RULES)


def exercise(label, *, count=1, solution=True):
    """Return the cells of an exercise and its solution."""
    cells = [text("```{exercise} Title", f":label: {label}", "", "Do it.", "```")]
    if solution:
        cells += [
            text(f"```{{solution-start}} {label}", ":class: dropdown", "```"),
            code("1", count=count),
            text("```{solution-end}", "```"),
        ]
    return cells


def test_exercises_must_be_three_and_solved_in_code(tmp_path):
    solved = exercise("ex-a") + exercise("ex-b")
    assert list(rules.exercises(reread(notebook_of(*solved, *exercise("ex-c")), tmp_path))) == []
    for cells, complaint in [
        (solved, "2 exercises: write at least 3"),
        (solved + exercise("ex-c", solution=False), "ex-c has no solution"),
        (solved + exercise("ex-c", count=None), "ex-c holds no executed code cell"),
    ]:
        found = list(rules.exercises(reread(notebook_of(*cells), tmp_path)))
        assert any(complaint in message for message in found), found


def claim_cells(name, source="assert True", tag=None, tail=""):
    """Return the cell that labels a claim and the code cell after it."""
    return [text("It is so.", "", f"({name})={tail}"), code(source, tags=[tag or name])]


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ([], "(claim-07)= stands 0 times"),
        (claim_cells("claim-07") * 2, "(claim-07)= stands 2 times"),
        (claim_cells("claim-07", source="print(1)"), "no cell tagged claim-07 asserts"),
        (claim_cells("claim-07", tag="claim-06"), "not a code cell tagged claim-07"),
        (claim_cells("claim-07", tail="\n\nMore."), "not the end of its cell"),
        (claim_cells("claim-07") + claim_cells("claim-19"), "claim-19 is not a claim"),
    ],
)
def test_claims_are_reported(broken, complaint, tmp_path):
    whole = [cell for name in rules.CLAIMS for cell in claim_cells(name)]
    assert list(rules.claims({"whole": notebook_of(*whole)})) == []
    others = [cell for name in rules.CLAIMS if name != "claim-07" for cell in claim_cells(name)]
    found = list(rules.claims({"a": notebook_of(*others), "b": notebook_of(*broken)}))
    assert any(complaint in message for message in found), found


def test_a_ledger_without_a_claim_is_reported():
    ledger = "\n".join(f"{{ref}}`the cell <{name}>`" for name in rules.CLAIMS)
    assert list(rules.claims_linked(ledger)) == []
    assert list(rules.claims_linked(ledger.replace("<claim-09>", ""))) == [
        "the ledger does not link to claim-09: add a link"
    ]


def test_a_repeated_figure_name_is_reported():
    book = {"a": notebook_of(figure()), "b": notebook_of(figure())}
    assert list(rules.figure_names(book)) == ["2 figures are named fig-line: give each its own name"]


@pytest.mark.parametrize(
    ("words", "output"),
    [
        ("falls by 6.908", "change: -6.908"),
        ("about −0.25 of it", "[-0.25  0.5 ]"),
        ("takes $1.0 \\times 10^{9}$ units", "1.0e+09"),
        ("takes 1.0·10⁹ units", "1.0e+09"),
        ("$2.5\\cdot10^{-8}$", "2.5e-08"),
        ("is 1,234.5 or $1{,}234.5$", "1234.5"),
        ("is 1\u202f234.5", "1,234.5"),
        ("(0.75, 0.75)", "0.75"),
        ("NumPy 2.4.6", ""),
        ("run `softmax(0.123)`", ""),
        ("```python\nx = 0.123\n```", ""),
        ("as {cite}`kelly1956` has it, 0.123", ""),
    ],
)
def test_numbers_that_were_printed_are_found(words, output):
    assert rules.numbers(words, rules.decimals(output)) == set()


@pytest.mark.parametrize(
    ("words", "output"),
    [
        ("falls by 6.909", "6.908"),
        ("is 0.25", "0.250"),
        ("is 1.0·10⁹", "1.0e+08"),
        ("is 1.0·10⁻⁹", "1.0e+09"),
        ("is 1.0·10⁹", "1000000000.0"),
        ("is $0.123$", ""),
        ("```{exercise} Title\n:label: ex\n\nShow 0.123.\n```", ""),
        ("{cite}`kelly1956`.\n\nAnother paragraph has 0.123.", ""),
        ("| a | 0.123 |", "0.1234"),
    ],
)
def test_numbers_that_were_not_printed_are_reported(words, output):
    assert len(rules.numbers(words, rules.decimals(output))) == 1


def test_numbers_are_read_from_values_formulas_and_captions():
    value = new_output("execute_result", {"text/plain": "x", "text/latex": r"$0.11 \cdot 10^{3}$"}, execution_count=1)
    assert rules.printed(notebook_of(code("x", value))) == {("0.11", 3)}
    assert rules.numbers(rules.prose_of(notebook_of(figure(caption="At 0.77."))), set()) == {("0.77", 0)}
