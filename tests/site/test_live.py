"""The chapters run in the reader's browser without other sites, and `make live` accepts only the real Pyodide."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell

from _ext.lite_notebooks import NOT_HERE, beyond, readable
from scripts.practice import kind as part_of_exercise
from tests.site.browser import ROOT, Visitor

SLUG = "02-a-distribution"  # it trains units; test_practice.py runs one with SymPy on its page

# Run the open notebook, and return the outputs of its code cells.
RUN_ALL = """async () => {
  const {context} = jupyterapp.shell.currentWidget;
  await context.ready;
  await context.sessionContext.ready;
  await jupyterapp.commands.execute("notebook:clear-all-cell-outputs");
  await jupyterapp.commands.execute("notebook:run-all-cells");
  return [...context.model.cells].filter(cell => cell.type === "code").map(cell => cell.outputs.toJSON());
}"""

# Replace the first cell of the open notebook by a heading, and save.
WRITE = """async heading => {
  const {context} = jupyterapp.shell.currentWidget;
  await context.ready;
  context.model.sharedModel.getCell(0).setSource("# " + heading);
  await context.save();
}"""

# Matplotlib prints this once in a new browser. The outputs may differ from the stored ones only there.
FONTS = ("stderr", "Matplotlib is building the font cache; this may take a moment.\n")


# --- in the browser


@pytest.mark.rare
def test_a_chapter_runs_in_the_browser(bundled, browser, origin, book):
    visitor = Visitor(browser, origin)
    visitor.page.set_default_timeout(600_000)
    visitor.page.goto(f"{origin}chapters/{SLUG}.html")
    visitor.page.get_by_role("link", name="Run this chapter").click()
    visitor.page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    ran = visitor.page.evaluate(RUN_ALL)
    visitor.context.close()
    assert visitor.left == []
    assert [said for said in visitor.complaints if "Security" in said] == []
    stored = [
        cell.outputs for cell in book[SLUG].cells if cell.cell_type == "code" and part_of_exercise(cell) != "tries"
    ]
    assert [texts(outputs, FONTS) for outputs in ran] == [texts(outputs) for outputs in stored]


@pytest.mark.rare
def test_a_notebook_can_be_taken_afresh_and_leads_back_to_its_page(bundled, visitor, origin):
    page = visitor.page
    page.goto(f"{origin}lite/notebooks/index.html?path=chapters/{SLUG}.ipynb")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
    page.evaluate(WRITE, "mine")
    page.reload()
    page.get_by_role("heading", name="mine").wait_for(timeout=60_000)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Start afresh").click()
    page.get_by_role("heading", name="A distribution").wait_for(timeout=60_000)
    assert page.get_by_role("heading", name="mine").count() == 0
    page.get_by_role("link", name="Back to the page").click()
    page.wait_for_url(f"{origin}chapters/{SLUG}.html")


def test_a_notebook_says_nothing_of_checkpoints_and_trust(visitor, origin):
    visitor.page.goto(f"{origin}lite/notebooks/index.html?path=chapters/{SLUG}.ipynb")
    for note in (".jp-NotebookCheckpoint", ".jp-NotebookTrustedStatus"):
        found = visitor.page.locator(note)
        found.wait_for(state="attached", timeout=60_000)
        assert found.evaluate("note => getComputedStyle(note).display") == "none", note


def texts(outputs, allowed=None):
    """Return the texts of a cell's outputs, errors included. Consecutive prints are joined."""
    found = []
    for kind, said in map(text, outputs):
        if found and kind == found[-1][0] != "shown":
            found[-1] = kind, found[-1][1] + said
        elif (kind, said) != allowed:
            found.append((kind, said))
    return found


def text(output):
    """Return the kind and the text of an output."""
    if output["output_type"] in ("stream", "error"):
        return output.get("name", "error"), "".join(output.get("text", output.get("traceback")))
    return "shown", "".join(output["data"].get("text/plain", ""))


def test_from_the_file_system_a_chapter_says_what_it_needs_to_run(browser, site):
    visitor = Visitor(browser, "file:")
    visitor.page.goto((site / "chapters" / f"{SLUG}.html").as_uri())
    assert "make serve" in visitor.page.locator(".run").inner_text()
    assert visitor.page.locator("a[href*='lite/']").count() == 0
    visitor.context.close()


# --- the site within the site


def test_every_chapter_runs_or_says_which_cells_do_not(site, book):
    offers = {
        slug: (site / "chapters" / f"{slug}.html")
        .read_text(encoding="utf-8")
        .split('<p class="run">')[1]
        .split("</p>")[0]
        for slug in book
    }
    there = {path.stem for path in (site / "lite" / "files" / "chapters").iterdir()}
    assert there == book.keys()
    for slug, notebook in book.items():
        assert f'href="../lite/notebooks/index.html?path=chapters/{slug}.ipynb"' in offers[slug]
        assert ("start processes" in offers[slug]) == any(map(beyond, notebook.cells))
    assert "start processes" in offers["10-many-classes"]


def test_the_notebooks_are_the_chapters_without_the_tries_of_their_checks(site, book):
    for path in (site / "lite" / "files" / "chapters").iterdir():
        live, chapter = (
            [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
            for notebook in (json.loads(path.read_text(encoding="utf-8")), book[path.stem])
        )
        shown = [cell for cell in chapter if not beyond(cell) and part_of_exercise(cell) != "tries"]
        assert ["".join(cell["source"]) for cell in live] == [cell.source for cell in shown]


def test_a_cell_that_starts_processes_is_text_there():
    cell = new_code_cell("import distributed", metadata={"tags": ["starts-processes"]})
    [text] = readable(cell, lambda reference: reference[0])
    assert text.cell_type == "markdown" and text.id == cell.id
    assert text.source == f"{NOT_HERE}\n\n```python\nimport distributed\n```"
    assert "\n" not in NOT_HERE


def test_answers_and_solutions_are_folded_there_and_no_cell_seems_to_have_run(site, parsed, book):
    for slug in book:
        path = site / "lite" / "files" / "chapters" / f"{slug}.ipynb"
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        folded = ["".join(cell["source"]) for cell in cells if "jp-MarkdownHeadingCollapsed" in cell["metadata"]]
        on_page = [f"##### {fold.string}" for fold in parsed[f"chapters/{slug}.html"].select("details.fold > summary")]
        assert folded == [name for name in on_page if name != "##### The code"]
        assert not any(cell.get("execution_count") for cell in cells)
        assert not any(output.get("execution_count") for cell in cells for output in cell.get("outputs", []))


def test_the_text_after_an_answer_is_not_folded_there(site):
    cells = json.loads((site / "lite/files/chapters/03-the-derivative.ipynb").read_text(encoding="utf-8"))["cells"]
    text = ["".join(cell["source"]) for cell in cells]
    answer = text.index("##### The answer")
    assert text[answer + 1].startswith("The next cell makes the nudge")
    assert text[answer + 3].startswith("All three move.") and text[answer + 4] == "##### After the answer"
    assert text[answer + 5].startswith("The other units are the rivals of unit 2.")
    assert any(part.startswith("#### Exercise 3.2: The Jacobian of the logarithm\n\nBy ") for part in text)


def test_references_to_other_pages_are_words_there(site):
    text = (site / "lite" / "files" / "chapters" / "02-a-distribution.ipynb").read_text(encoding="utf-8")
    assert "the logistic unit of *The plateau*" in text  # {ref}
    assert "with it (Hinton, 2012)" in text  # {cite}
    assert "as in (1.4)" in text  # {eq}
    assert "arrow in Fig. 2.1 is" in text  # {numref}
    assert "Fig. 2.1. Two logistic units" in text  # the caption
    assert "{term}" not in text


def test_included_files_are_in_the_notebooks(site):
    text = (site / "lite" / "files" / "chapters" / "pytorch-and-jax.ipynb").read_text(encoding="utf-8")
    assert "literalinclude" not in text
    cells = ["".join(cell["source"]) for cell in json.loads(text)["cells"]]
    for name in ("torch", "jax"):
        code = (ROOT / "studies" / f"rivals_{name}.py").read_text(encoding="utf-8")
        assert any(f"```python\n{code}```" in cell for cell in cells)


def test_the_kernel_asks_no_index_of_packages(site):
    settings = json.loads((site / "lite" / "jupyter-lite.json").read_text(encoding="utf-8"))["jupyter-config-data"]
    kernel = settings["litePluginSettings"]["@jupyterlite/pyodide-kernel-extension:kernel"]
    assert kernel["disablePyPIFallback"]
    bundled = (site / "lite" / "static" / "pyodide" / "pyodide.js").exists()
    assert kernel["pyodideUrl"].startswith("./static/" if bundled else "https://cdn.jsdelivr.net/pyodide/v0.27.7/")


def test_its_pages_have_a_policy(site):
    pages = {path: path.read_text(encoding="utf-8") for path in (site / "lite").rglob("*.html")}
    assert len(pages) >= 3
    for page in pages.values():
        policy = page.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
        assert policy.startswith("default-src 'self'; script-src 'self' 'unsafe-eval' 'sha256-")


@pytest.mark.rare
def test_a_site_built_afresh_has_its_settings(live, monkeypatch, tmp_path):
    """JupyterLite caches what it has written, even if the site has been deleted since, as `make book` does."""
    monkeypatch.setattr(live.lite, "write_contents", lambda env, folder: folder.mkdir(parents=True, exist_ok=True))
    settings = tmp_path / "html" / "lite" / "jupyter-lite.json"
    live.lite.build(None, tmp_path / "html")
    first = json.loads(settings.read_text(encoding="utf-8"))
    shutil.rmtree(tmp_path / "html")
    live.lite.build(None, tmp_path / "html")
    assert json.loads(settings.read_text(encoding="utf-8")) == first
    assert "disablePyPIFallback" in settings.read_text(encoding="utf-8")


# --- make live


@pytest.fixture
def live(monkeypatch, tmp_path):
    """scripts.live with a mirror of three packages, of which one is not needed."""
    from scripts import live

    mirror = tmp_path / "mirror"
    mirror.mkdir()
    packages = {
        name: {"file_name": f"{name}.whl", "sha256": put(mirror / f"{name}.whl"), "depends": depends}
        for name, depends in {"needed": ["its_part"], "its-part": [], "other": []}.items()
    }
    (mirror / "pyodide-lock.json").write_text(json.dumps({"info": {}, "packages": packages}), encoding="utf-8")
    monkeypatch.setattr(live, "CORE", {"pyodide.js": put(mirror / "pyodide.js")})
    monkeypatch.setattr(live, "LOCK_SHA256", sha256(mirror / "pyodide-lock.json"))
    monkeypatch.setattr(live, "MIRROR", str(mirror))
    monkeypatch.setattr(live.lite, "PACKAGES", ["needed"])
    monkeypatch.setattr(live.lite, "BUNDLE", tmp_path / "bundle")
    return live


def put(path):
    """Write a file and return its hash."""
    path.write_text(f"the content of {path.name}", encoding="utf-8")
    return sha256(path)


def sha256(path):
    """Return the hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_bundle_holds_what_is_needed_and_a_lock_of_that(live):
    live.bundle()
    bundle = live.lite.BUNDLE
    assert {path.name for path in bundle.iterdir()} == {"pyodide.js", "needed.whl", "its-part.whl", "pyodide-lock.json"}
    lock = json.loads((bundle / "pyodide-lock.json").read_text(encoding="utf-8"))
    assert {name: package["sha256"] for name, package in lock["packages"].items()} == {
        name: sha256(bundle / f"{name}.whl") for name in ("needed", "its-part")
    }


@pytest.mark.parametrize("name", ["pyodide-lock.json", "pyodide.js", "needed.whl"])
def test_a_file_with_a_wrong_hash_is_refused(name, live):
    path = Path(live.MIRROR) / name
    right = sha256(path)
    path.write_text("something else", encoding="utf-8")
    with pytest.raises(live.Failure) as refused:
        live.bundle()
    message = str(refused.value)
    assert str(path) in message and right in message and sha256(path) in message
    assert "PYODIDE_MIRROR" in message
    assert not (live.lite.BUNDLE / name).exists()
    assert not (live.lite.BUNDLE / "pyodide-lock.json").exists()


def test_a_missing_file_is_named(live):
    path = Path(live.MIRROR) / "its-part.whl"
    path.unlink()
    with pytest.raises(live.Failure, match="its-part.whl cannot be read: .*\n.*PYODIDE_MIRROR"):
        live.bundle()


def test_a_second_build_of_a_package_is_taken_if_its_hash_is_pinned(live, monkeypatch):
    path = Path(live.MIRROR) / "needed.whl"
    path.write_text("the same, built by another", encoding="utf-8")
    monkeypatch.setattr(live, "ALSO", {"needed.whl": [sha256(path)]})
    live.bundle()
    lock = json.loads((live.lite.BUNDLE / "pyodide-lock.json").read_text(encoding="utf-8"))
    assert lock["packages"]["needed"]["sha256"] == sha256(path)


def test_what_is_there_is_not_fetched_again_unless_it_is_damaged(live):
    live.bundle()
    (Path(live.MIRROR) / "needed.whl").unlink()
    live.bundle()
    (live.lite.BUNDLE / "needed.whl").write_text("damaged", encoding="utf-8")
    with pytest.raises(live.Failure, match="needed.whl cannot be read"):
        live.bundle()


def test_without_a_mirror_the_official_release_is_asked(live, monkeypatch):
    mirror, asked = Path(live.MIRROR), []

    def read(place):
        """Read from the mirror instead of the web."""
        asked.append(place)
        return (mirror / place.rpartition("/")[2]).read_bytes()

    monkeypatch.setattr(live, "MIRROR", None)
    monkeypatch.setattr(live, "read", read)
    live.bundle()
    core, packages = "https://cdn.jsdelivr.net/npm/pyodide@0.27.7/", "https://cdn.jsdelivr.net/pyodide/v0.27.7/full/"
    assert set(asked) == {
        f"{core}pyodide-lock.json",
        f"{core}pyodide.js",
        f"{packages}needed.whl",
        f"{packages}its-part.whl",
    }


# --- the wheels


def test_the_wheel_of_smlib_holds_smlib(live, tmp_path):
    folders = tmp_path / "first", tmp_path / "second"
    [name] = {live.lite.make_wheels(folder) for folder in folders}
    with zipfile.ZipFile(folders[0] / name) as wheel:
        held = {file: wheel.read(file) for file in wheel.namelist() if file.startswith("smlib/")}
    here = {path for path in (ROOT / "smlib").rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert held == {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in here}
    assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_the_repacked_wheel_of_comm_can_be_imported(live, tmp_path):
    live.lite.pack_installed("comm", tmp_path)
    [wheel] = tmp_path.glob("comm-*.whl")
    code = "import comm, importlib.metadata as m; print(comm.__file__, m.version('comm'))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(wheel)!r}); {code}"],
        capture_output=True,
        encoding="utf-8",
    )
    file, version = done.stdout.split()
    assert file.startswith(str(wheel)) and wheel.name == f"comm-{version}-py3-none-any.whl"
