"""Build the book: python -m scripts.book COMMAND

book               execute every chapter, then build the site in _build/html
draft              build the site from the outputs stored in chapters/
site               like draft, but only if _build/html is missing or older than its sources
exercises          like draft, without the solutions, in _build/exercises
notebooks [NN ...] execute every chapter, or those whose names begin with NN, and store the outputs in chapters/
"""

import asyncio
import base64
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from tqdm import tqdm

from scripts import ROOT
from scripts.notebooks import METADATA, chapters, code_cells, read, small, to_bytes, without_solutions

BUILD = ROOT / "_build"
STAGE = BUILD / "source"  # what Sphinx reads
SITE = BUILD / "html"
EXERCISES = BUILD / "exercises"
STAMP = BUILD / "html.built"  # as old as the last build that succeeded
AT_ONCE = 2
CELL_TIMEOUT = 600  # seconds

os.environ.setdefault("IPYTHONDIR", str(BUILD / "ipython"))  # not the profile of the user


class Failure(Exception):
    """An error whose message is printed without a traceback."""


class Stopped(Exception):
    """Raised to stop a chapter after another one failed, or after Ctrl+C."""


# --- the sources


def sources():
    """Return the paths of all files that Sphinx reads, except the modules of smlib."""
    single = [ROOT / name for name in ("_config.yml", "_toc.yml", "references.bib", "index.md")]
    chapters = [path for path in (ROOT / "chapters").iterdir() if path.suffix in (".ipynb", ".md")]
    assets = [path for path in (ROOT / "assets").rglob("*") if path.is_file()]
    printed = [*(ROOT / "studies").glob("rivals_*.py"), *(ROOT / "proofs").glob("*.v")]
    return sorted(path for path in single + chapters + assets + printed if path.exists())


def longest_first(paths):
    """Sort notebooks by their amount of code, so that no long one is left running alone at the end."""

    def code(path):
        return sum(len(cell.source) for cell in code_cells(read(path)))

    return sorted(paths, key=code, reverse=True)


def write(path, content):
    """Write a file unless it has this content already: Sphinx reads a file again when its time changes."""
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def stage(changed=(), folder=STAGE):
    """Copy the sources to a folder. `changed` ({path: notebook}) replaces stored notebooks."""
    staged = {folder / path.relative_to(ROOT): path for path in sources()}
    for target, path in staged.items():
        write(target, to_bytes(changed[path]) if path in changed else path.read_bytes())
    for old in folder.rglob("*"):
        if old.is_file() and old not in staged:
            old.unlink()


# --- executing the chapters


async def execute(path, turn, stop):
    """Return the notebook at `path` with new outputs, or None if `stop` is set before it is done."""
    notebook = read(path)
    started = []

    def start(cell, cell_index):
        interrupt_sets(stop)
        if stop.is_set():
            raise Stopped
        started.append(cell)

    async with turn:
        if stop.is_set():
            return None
        with progress(path, notebook) as bar:
            client = NotebookClient(
                notebook,
                timeout=CELL_TIMEOUT,
                kernel_name="python3",
                record_timing=False,
                coalesce_streams=True,  # otherwise the number of pieces of an output depends on timing
                resources={"metadata": {"path": str(path.parent)}},
                on_cell_execute=start,
                on_cell_executed=lambda **_: bar.update(),
            )
            try:
                await client.async_execute()
                check_stderr(path, notebook)
            except Stopped:
                return None
            except Exception as error:
                stop.set()
                raise explained(path, started, error) from None
    notebook.metadata = METADATA
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times, which some versions of Jupyter store
    return notebook


def interrupt_sets(stop):
    """Make Ctrl+C stop the run between two cells: nbclient would kill one kernel in the middle of a cell."""
    with contextlib.suppress(NotImplementedError):  # Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)


def progress(path, notebook):
    """Return a progress bar. In a log it is two lines: when the chapter starts and when it is done."""
    style = {} if sys.stderr.isatty() else {"mininterval": 1e9, "position": 0}
    return tqdm(total=len(code_cells(notebook)), desc=path.stem, unit="cell", **style)


def explained(path, started, error):
    """Return a Failure that names the chapter and the cell, and shows the source and the traceback."""
    what = None
    if isinstance(error, CellTimeoutError):
        what = f"ran longer than {CELL_TIMEOUT} s"
    elif isinstance(error, DeadKernelError):
        what = "ended the kernel"
    elif isinstance(error, CellExecutionError):
        what = f"raised {error.ename}: {error.evalue}"
    if what is None or not started:
        return error
    return Failure(about_cell(path, len(started), started[-1], what, traceback_of(started[-1])))


def about_cell(path, number, cell, what, details):
    """Return a message about a code cell, with its source."""
    source = "\n".join("    " + line for line in cell.source.splitlines())
    return f"{relative(path)}: code cell {number} {what}\n\n{source}\n\n{details}".rstrip()


def traceback_of(cell):
    """Return the traceback among the outputs of a cell."""
    lines = [line for output in cell.outputs for line in output.get("traceback", [])]
    return without_colors("\n".join(lines))


def check_stderr(path, notebook):
    """Raise a Failure if a cell wrote to stderr."""
    for number, cell in enumerate(code_cells(notebook), 1):
        for output in cell.outputs:
            if output.get("name") == "stderr":
                raise Failure(about_cell(path, number, cell, "wrote to stderr", output.text))


async def execute_all(paths):
    """Return {path: executed notebook}. After a failure no chapter starts another cell."""
    turn, stop = asyncio.Semaphore(AT_ONCE), asyncio.Event()
    tasks = [execute(path, turn, stop) for path in paths]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    if stop.is_set():
        raise KeyboardInterrupt
    return dict(zip(paths, results))


def executed_chapters(names=("",)):
    """Execute the chapters whose slugs begin with one of the names, two at a time; return {path: notebook}."""
    paths = [path for slug, path in chapters().items() if slug.startswith(tuple(names))]
    if not paths:
        raise Failure(f"No chapter begins with {' or '.join(names)}: there are {', '.join(chapters())}")
    BUILD.mkdir(exist_ok=True)
    return asyncio.run(execute_all(longest_first(paths)))


# --- Sphinx


def build(kind):
    """Build the site from STAGE, and leave a stamp: "book" after an execution, "draft" from stored outputs."""
    STAMP.unlink(missing_ok=True)
    run_jupyter_book(STAGE, ROOT)
    STAMP.write_text(kind, encoding="utf-8")


def run_jupyter_book(source, target):
    """Build from the folder `source` into `target`/_build/html. Raise Failure if Sphinx warns."""
    # .buildinfo holds the path of this folder: it is kept between builds, but not published.
    site, memory = target / "_build" / "html", target / "_build" / ".buildinfo"
    if site.exists() and memory.exists():
        memory.replace(site / memory.name)
    command = [Path(sys.executable).with_name("jupyter-book"), "build", source, "--path-output", target]
    command += ["--config", ROOT / "_config.yml", "-W", "-n", "--keep-going", "-q"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    if done.returncode:
        # The next build has to read every page again: Sphinx does not repeat the warnings of cached pages.
        shutil.rmtree(target / "_build" / ".doctrees", ignore_errors=True)
        raise Failure(messages(done.stdout.replace(f"{source}{os.sep}", "")))
    (site / memory.name).replace(memory)


def messages(text):
    """Return the warnings in Sphinx's output, with the paths of the sources instead of their copies."""
    text = without_colors(text).replace(f"{ROOT}{os.sep}", "")
    # myst-nb's line number is 10000 times the cell's number, plus the line in the cell, plus 1
    text = re.sub(r"(\.ipynb):(\d+)(\d{4}):", lambda m: f"{m[1]}: cell {m[2]}, line {max(1, int(m[3]) - 1)}:", text)
    found = re.findall(r"^.*\b(?:WARNING|ERROR|CRITICAL): .*$", text, flags=re.M)
    return "\n".join(dict.fromkeys(found)) or text.strip()


def is_fresh():
    """Return True if the site is newer than all files that it is built from."""
    code = [path for room in ("smlib", "_ext", "scripts") for path in (ROOT / room).rglob("*") if path.is_file()]
    code = [path for path in code if path.suffix != ".pyc"]
    code += (ROOT / "studies" / "results").glob("*.json")
    if not STAMP.exists():
        return False
    return all(path.stat().st_mtime <= STAMP.stat().st_mtime for path in sources() + code)


# --- words


def relative(path):
    """Return a path relative to the repository."""
    return path.relative_to(ROOT).as_posix()


def without_colors(text):
    """Remove the color codes of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def where_it_is():
    """Print the path of the first page."""
    print(f"The book is built: open {SITE / 'index.html'}")


# --- the commands


def book():
    """Execute every chapter and build the site from that."""
    executed = executed_chapters()
    stage(executed)
    for old in (SITE, BUILD / ".doctrees", BUILD / "jupyter_execute"):
        shutil.rmtree(old, ignore_errors=True)
    print("Building the pages ...", flush=True)
    build("book")
    where_it_is()


def draft():
    """Build the site from the stored outputs."""
    stage()
    build("draft")
    where_it_is()


def site():
    """Build a draft if the site is missing or older than its sources."""
    if not is_fresh():
        draft()


def exercises():
    """Build the book without its solutions."""
    shutil.rmtree(EXERCISES, ignore_errors=True)  # Sphinx's search remembers words of earlier builds
    for face in (BUILD / "faces").glob("*.woff2"):  # making them takes seconds; the name is a checksum
        write(EXERCISES / "_build" / "faces" / face.name, face.read_bytes())
    stage({path: without_solutions(read(path)) for path in chapters().values()}, EXERCISES / "source")
    run_jupyter_book(EXERCISES / "source", EXERCISES)
    print(f"The book is built without its solutions: open {EXERCISES / '_build' / 'html' / 'index.html'}")


def notebooks(*names):
    """Execute chapters and store their outputs, with small pictures."""
    for path, notebook in executed_chapters(names or ("",)).items():
        for cell in code_cells(notebook):
            store_pictures(cell)
        write(path, to_bytes(notebook))
    print(f"The outputs are stored in {ROOT / 'chapters'}")


def store_pictures(cell):
    """Make the figure of a cell small. If the cell is tagged `asset-NAME`, store it in full as assets/NAME.png."""
    for output in cell.outputs:
        if picture := output.get("data", {}).get("image/png"):
            for tag in cell.metadata.get("tags", []):
                if tag.startswith("asset-"):
                    write(ROOT / "assets" / f"{tag.removeprefix('asset-')}.png", base64.b64decode(picture))
            output.data["image/png"] = small(picture)


def main(command="", *names):
    """Run a command, and print its failure without a traceback."""
    commands = {f.__name__: f for f in (book, draft, site, exercises, notebooks)}
    if command not in commands or (names and command != "notebooks"):
        raise SystemExit(__doc__)
    try:
        commands[command](*names)
    except Failure as failure:
        raise SystemExit(f"\n{failure}\n\nStopped: nothing was built.") from None
    except KeyboardInterrupt:
        raise SystemExit("\nStopped.") from None


if __name__ == "__main__":
    main(*sys.argv[1:])
