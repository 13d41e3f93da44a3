"""The chapters as notebooks for JupyterLite: references are words, answers and solutions folded, prompts empty."""

import re
import shutil
from pathlib import Path

import nbformat
from docutils import nodes
from nbformat.v4 import new_markdown_cell
from pybtex.database import parse_file

from _ext.reading import ANSWERED as MARK
from _ext.reading import QUESTION, answer_to, until_next
from scripts import ROOT
from scripts.notebooks import SOLUTION

# The tag of code cells that do not run in a browser: there, text takes their place.
BEYOND = "starts-processes"
NOT_HERE = "*Not run in the browser: this cell starts processes, or needs what they computed.*"

NOT_RUN = "*All results below came with the book. Run the cells from here on, with Shift+Enter.*"

# JupyterLab hides what is below a heading with this metadata, up to the next heading.
FOLDED = {"jp-MarkdownHeadingCollapsed": True}
ANSWER, ANSWERED, SOLVED = "##### The answer", "##### After the answer", "##### The solution"
HEADING = re.compile(rf"^({ANSWER}|{ANSWERED}|{SOLVED})$", re.M)

ROLE = re.compile(r"\{(ref|numref|eq|term|cite)\}`(?:([^`<]*?)\s*<[^`>]*>|([^`]+))`")
INCLUDE = re.compile(r"```\{literalinclude\} (\S+)\n:language: (\w+)\n```")
EXERCISE = re.compile(r"^(`{3,})\{exercise\} (.*)\n:label: (\S+)\n(.*?)^\1$", re.M | re.S)


def write_contents(env, folder):
    """Write the notebooks, and the measurements that they read."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "chapters").mkdir(parents=True)
    for path in Path(env.srcdir, "chapters").glob("*.ipynb"):
        nbformat.write(converted(env, nbformat.read(path, 4), f"chapters/{path.stem}"), folder / "chapters" / path.name)
    shutil.copytree(ROOT / "studies" / "results", folder / "studies" / "results")


def converted(env, notebook, page):
    """Return the notebook of a page for JupyterLite."""
    words, headings = Words(env, page), dict(answers(env.get_doctree(page)))
    cells = [
        cell for cell in with_headings(notebook.cells, headings) if "remove-cell" not in cell.metadata.get("tags", [])
    ]
    parts = [part for cell in cells for part in readable(cell, words)]
    first = next((place for place, cell in enumerate(parts) if cell.cell_type == "code"), len(parts))
    notebook.cells = [*parts[:first], new_markdown_cell(NOT_RUN, id="not-run"), *parts[first:]]
    notebook.metadata.kernelspec = {"name": "python", "display_name": "Python (Pyodide)"}
    return notebook


def beyond(cell):
    """Return True for a cell that does not run in a browser."""
    return BEYOND in cell.metadata.get("tags", [])


# --- folds


def answers(doctree):
    """Yield ((cell, line), heading) where an answer begins, and where the text goes on after it."""
    for question in doctree.findall(nodes.admonition):
        answer = answer_to(question) if question[0].astext() == QUESTION else []
        if answer:
            yield place(answer[0]), ANSWER
            rest = list(until_next(question))[len(answer) :]
            if rest:
                yield place(rest[0]), ANSWERED


def place(node):
    """Return the numbers of the cell and of its line with a node, counted from 0, out of what MyST-NB notes."""
    cell, line = divmod(node.line, 10_000)
    return cell - 1, max(line - 2, 0)


def with_headings(cells, headings):
    """Yield the cells, with the headings of answers as lines of their own."""
    for number, cell in enumerate(cells):
        here = {line: heading for (where, line), heading in headings.items() if where == number}
        if cell.cell_type == "markdown":
            lines = cell.source.split("\n")
            for line, heading in sorted(here.items(), reverse=True):
                lines[line:line] = ["", heading, ""]
            cell.source = "\n".join(lines)
        else:
            yield from (new_markdown_cell(heading, id=f"{cell.id}-heading") for heading in here.values())
        yield cell


def split(cell):
    """Yield a cell of text in parts: each heading of HEADING is one of its own, and folded if it hides something."""
    parts = [part.strip() for part in HEADING.split(cell.source) if part.strip()]
    for number, source in enumerate(parts):
        folded = FOLDED if source in (ANSWER, SOLVED) else {}
        yield new_markdown_cell(source, id=f"{cell.id}-{number}" if number else cell.id, metadata=folded)


# --- words


def readable(cell, words):
    """Yield a cell with its references replaced by words, and after a figure a cell with its caption.

    JupyterLite shows one notebook at a time, so references to other pages would not resolve. A cell that does not run
    there becomes text.
    """
    if beyond(cell):
        yield new_markdown_cell(f"{NOT_HERE}\n\n```python\n{cell.source}\n```", id=cell.id)
        return
    if cell.cell_type == "markdown":
        source = EXERCISE.sub(words.exercise, SOLUTION.sub(headed, cell.source.replace(MARK, "")))
        cell.source = INCLUDE.sub(included, ROLE.sub(words, source))
        yield from split(cell)
        return
    cell.execution_count = None
    for output in cell.outputs:
        if "execution_count" in output:
            output.execution_count = None
    yield cell
    figure = cell.metadata.get("mystnb", {}).get("figure")
    if figure:
        caption = f"{{numref}}`{figure['name']}`. {figure['caption']}"
        yield new_markdown_cell(ROLE.sub(words, caption), id=figure["name"])  # the default is random


def headed(fence):
    """Return what stands for the fence of a solution: a heading, or nothing for its end."""
    return SOLVED if fence["which"] == "start" else ""


def included(match):
    """Return a fence with the text of the file that a directive includes into a chapter."""
    path, language = match.groups()
    return f"```{language}\n{(ROOT / 'chapters' / path).read_text(encoding='utf-8')}```"


class Words:
    """Replace references to other pages by the text that the book shows for them."""

    def __init__(self, env, page):
        self.env, self.page, self.std = env, page, env.get_domain("std")
        self.cited = parse_file(Path(env.srcdir, "references.bib")).entries

    def __call__(self, match):
        """Return the text for a match of ROLE, or the match itself if the reference is within the page."""
        role, title, target = match.groups()
        return title or getattr(self, role)(target) or match[0]

    def term(self, target):
        """Return a term of the glossary."""
        return target

    def cite(self, target):
        """Return a citation of one or more sources."""
        return "(" + "; ".join(self.author_year(key.strip()) for key in target.split(",")) + ")"

    def author_year(self, key):
        """Return the authors and the year of a source."""
        entry = self.cited[key]
        names = [" ".join(person.prelast_names + person.last_names) for person in entry.persons["author"]]
        who = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
        return f"{who}, {entry.fields['year']}"

    def ref(self, target):
        """Return the title of a section, the number of an exercise, or None if the target has neither."""
        if target in self.std.labels:
            page, anchor, title = self.std.labels[target]
            return f"Exercise {self.number(page, 'exercise', anchor)}" if title == "Exercise" else f"*{title}*"

    def numref(self, target):
        """Return the number of a figure."""
        page, anchor = self.std.anonlabels[target][:2]
        return f"Fig. {self.number(page, 'figure', anchor)}"

    def eq(self, target):
        """Return the number of an equation, or None if it is on this page."""
        page, _ = self.env.get_domain("math").equations[target]
        if page != self.page:  # JupyterLite numbers the equations of the page itself
            return f"({self.number(page, 'displaymath', f'equation-{target}')})"

    def exercise(self, match):
        """Return an exercise with a heading in place of its box."""
        _, title, label, text = match.groups()
        return f"#### {self.ref(label)}: {title}\n\n{text}"

    def number(self, page, kind, anchor):
        """Return the number that Sphinx gave to a figure or an equation."""
        return ".".join(map(str, self.env.toc_fignumbers[page][kind][anchor]))
