"""Build the book: python -m scripts.book COMMAND

book       execute every chapter afresh, then build the site in _build/html
draft      build the site from the outputs stored in chapters/ (seconds)
site       like draft, but only if _build/html is absent or older than its sources
exercises  like draft, without the solutions, in _build/exercises
notebooks  execute every chapter and store its outputs in chapters/
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

os.environ.setdefault("IPYTHONDIR", str(BUILD / "ipython"))  # nobody's own profile


class Failure(Exception):
    """What went wrong, ready to print."""


class Stopped(Exception):
    """Another chapter has failed, or the reader has had enough."""


# --- the sources


def sources():
    """Every file that Sphinx reads, but for smlib's docstrings."""
    single = [ROOT / name for name in ("_config.yml", "_toc.yml", "references.bib", "index.md")]
    chapters = [path for path in (ROOT / "chapters").iterdir() if path.suffix in (".ipynb", ".md")]
    assets = [path for path in (ROOT / "assets").rglob("*") if path.is_file()]
    return sorted(path for path in single + chapters + assets if path.exists())


def longest_first():
    """Return the notebooks, those with the most code first, so that none is left running alone at the end."""

    def code(path):
        return sum(len(cell.source) for cell in code_cells(read(path)))

    return sorted(chapters().values(), key=code, reverse=True)


def write(path, content):
    """Write only what is new: Sphinx reads a file again when its time changes."""
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def stage(changed=(), folder=STAGE):
    """Copy the sources to a folder, with `changed` (path: notebook) in place of what is stored."""
    staged = {folder / path.relative_to(ROOT): path for path in sources()}
    for target, path in staged.items():
        write(target, to_bytes(changed[path]) if path in changed else path.read_bytes())
    for old in folder.rglob("*"):
        if old.is_file() and old not in staged:
            old.unlink()


# --- executing the chapters


async def execute(path, turn, stop):
    """The notebook at `path` with fresh outputs; None if `stop` is set first."""
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
                coalesce_streams=True,  # else it is chance in how many pieces a cell's output is stored
                resources={"metadata": {"path": str(path.parent)}},
                on_cell_execute=start,
                on_cell_executed=lambda **_: bar.update(),
            )
            try:
                await client.async_execute()
                refuse_stderr(path, notebook)
            except Stopped:
                return None
            except Exception as error:
                stop.set()
                raise explained(path, started, error) from None
    notebook.metadata = METADATA
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # the times that some Jupyters leave there
    return notebook


def interrupt_sets(stop):
    """Let Ctrl+C end the run between two cells: nbclient would tear one kernel away in the middle of one."""
    with contextlib.suppress(NotImplementedError):  # Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)


def progress(path, notebook):
    """A moving bar on a terminal; in a log, a line when a chapter starts and one when it is done."""
    style = {} if sys.stderr.isatty() else {"mininterval": 1e9, "position": 0}
    return tqdm(total=len(code_cells(notebook)), desc=path.stem, unit="cell", **style)


def explained(path, started, error):
    """A Failure that names the chapter, the code cell and the error, then shows both."""
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
    source = "\n".join("    " + line for line in cell.source.splitlines())
    return f"{relative(path)}: code cell {number} {what}\n\n{source}\n\n{details}".rstrip()


def traceback_of(cell):
    lines = [line for output in cell.outputs for line in output.get("traceback", [])]
    return without_colors("\n".join(lines))


def refuse_stderr(path, notebook):
    for number, cell in enumerate(code_cells(notebook), 1):
        for output in cell.outputs:
            if output.get("name") == "stderr":
                raise Failure(about_cell(path, number, cell, "wrote to stderr", output.text))


async def execute_all(paths):
    """{path: executed notebook}; after a failure no chapter starts another cell."""
    turn, stop = asyncio.Semaphore(AT_ONCE), asyncio.Event()
    tasks = [execute(path, turn, stop) for path in paths]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    if stop.is_set():
        raise KeyboardInterrupt
    return dict(zip(paths, results))


def executed_chapters():
    BUILD.mkdir(exist_ok=True)
    return asyncio.run(execute_all(longest_first()))


# --- Sphinx


def build(kind):
    """Build the site from STAGE, and leave a stamp: "book" after an execution, "draft" from stored outputs."""
    STAMP.unlink(missing_ok=True)
    run_jupyter_book(STAGE, ROOT)
    STAMP.write_text(kind, encoding="utf-8")


def run_jupyter_book(source, target):
    """Build from the folder `source` into `target`/_build/html; any warning is a failure."""
    # What Sphinx remembers of its settings has this folder's name in it, and is not for readers.
    site, memory = target / "_build" / "html", target / "_build" / ".buildinfo"
    if site.exists() and memory.exists():
        memory.replace(site / memory.name)
    command = [Path(sys.executable).with_name("jupyter-book"), "build", source, "--path-output", target]
    command += ["--config", ROOT / "_config.yml", "-W", "-n", "--keep-going", "-q"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    if done.returncode:
        # Sphinx would not repeat the warnings of pages that it remembers.
        shutil.rmtree(target / "_build" / ".doctrees", ignore_errors=True)
        raise Failure(messages(done.stdout.replace(f"{source}{os.sep}", "")))
    (site / memory.name).replace(memory)


def messages(text):
    """Sphinx's messages, about the sources instead of their copies."""
    text = without_colors(text).replace(f"{ROOT}{os.sep}", "")
    # myst-nb counts a line of a notebook as 10000 times the cell's number, plus the line's, plus 1
    text = re.sub(r"(\.ipynb):(\d+)(\d{4}):", lambda m: f"{m[1]}: cell {m[2]}, line {max(1, int(m[3]) - 1)}:", text)
    found = re.findall(r"^.*\b(?:WARNING|ERROR|CRITICAL): .*$", text, flags=re.M)
    return "\n".join(dict.fromkeys(found)) or text.strip()


def is_fresh():
    """Whether the site is newer than everything it is built from."""
    code = [path for room in ("smlib", "_ext", "scripts") for path in (ROOT / room).rglob("*") if path.is_file()]
    code = [path for path in code if path.suffix != ".pyc"]
    code += (ROOT / "studies" / "results").glob("*.json")
    if not STAMP.exists():
        return False
    return all(path.stat().st_mtime <= STAMP.stat().st_mtime for path in sources() + code)


# --- words


def relative(path):
    return path.relative_to(ROOT).as_posix()


def without_colors(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def where_it_is():
    print(f"The book is built: open {SITE / 'index.html'}")


# --- the commands


def book():
    executed = executed_chapters()
    stage(executed)
    for old in (SITE, BUILD / ".doctrees", BUILD / "jupyter_execute"):
        shutil.rmtree(old, ignore_errors=True)
    print("Building the pages ...", flush=True)
    build("book")
    where_it_is()


def draft():
    stage()
    build("draft")
    where_it_is()


def site():
    if not is_fresh():
        draft()


def exercises():
    shutil.rmtree(EXERCISES, ignore_errors=True)  # Sphinx's search remembers words of earlier builds
    stage({path: without_solutions(read(path)) for path in chapters().values()}, EXERCISES / "source")
    run_jupyter_book(EXERCISES / "source", EXERCISES)
    print(f"The book is built without its solutions: open {EXERCISES / '_build' / 'html' / 'index.html'}")


def notebooks():
    for path, notebook in executed_chapters().items():
        for cell in code_cells(notebook):
            store_pictures(cell)
        write(path, to_bytes(notebook))
    print(f"The outputs are stored in {ROOT / 'chapters'}")


def store_pictures(cell):
    """Make the cell's figure small. If it is tagged `asset-NAME`, store it whole as assets/NAME.png."""
    for output in cell.outputs:
        if picture := output.get("data", {}).get("image/png"):
            for tag in cell.metadata.get("tags", []):
                if tag.startswith("asset-"):
                    write(ROOT / "assets" / f"{tag.removeprefix('asset-')}.png", base64.b64decode(picture))
            output.data["image/png"] = small(picture)


def main(names):
    commands = {f.__name__: f for f in (book, draft, site, exercises, notebooks)}
    if len(names) != 1 or names[0] not in commands:
        raise SystemExit(__doc__)
    try:
        commands[names[0]]()
    except Failure as failure:
        raise SystemExit(f"\n{failure}\n\nStopped: nothing was built.") from None
    except KeyboardInterrupt:
        raise SystemExit("\nStopped.") from None


if __name__ == "__main__":
    main(sys.argv[1:])
