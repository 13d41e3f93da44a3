"""JupyterLite inside the built site, under lite/: the chapters as notebooks that run in the reader's browser.

Each chapter's page links to its notebook. JupyterLite needs a server; without one, assets/book.js replaces the link by
the command that starts one. With `book_lite: false`, or BOOK_LITE=0 in the environment, a build is a third faster: it
writes the notebooks, but no JupyterLite for them.

Pyodide, the Python of the browser, comes from its CDN, or from the site itself after `make live` has filled BUNDLE.
smlib is a wheel built from the sources of this book. No other package index is used.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from base64 import b64encode
from importlib.metadata import distribution
from pathlib import Path

import nbformat
from sphinx.errors import ExtensionError

from _ext.lite_notebooks import beyond, write_contents
from scripts import ROOT

PYODIDE = "0.27.7"
BUNDLE = ROOT / "_build" / f"pyodide-{PYODIDE}"
LOCK = "pyodide-lock.json"
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
CDN = f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE}/full/"

# The packages of Pyodide that the kernel needs, then those that the chapters import.
PACKAGES = ["micropip", "ssl", "sqlite3", "jedi", "ipython", "numpy", "matplotlib", "sympy"]

POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-eval' {scripts}",  # JupyterLab generates the code that validates its settings
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
    ]
)

# The way back to the page of a chapter, in the notebooks of JupyterLite.
BAR = """<link rel="stylesheet" href="../../_static/notebook.css" />
    <script src="../../_static/notebook.js" defer></script>
  """
SOURCES = ["smlib", "pyproject.toml", "README.md", "LICENSE"]
LONG_AGO = "315532800"  # 1980: a fixed date, so that the same sources give the same wheel and the same site


# --- for Sphinx


def offer(app, pagename, templatename, context, doctree):
    """Add the link to JupyterLite below the title of a chapter."""
    folder, _, slug = pagename.rpartition("/")
    if app.config.book_lite and folder == "chapters" and app.env.doc2path(pagename).endswith(".ipynb"):
        page = context["pathto"]("lite/notebooks/index.html", 1)
        notebook = nbformat.read(app.env.doc2path(pagename), 4)
        whole = not any(map(beyond, notebook.cells))
        context["body"] = context["body"].replace("</h1>", "</h1>\n" + offered(slug, page, whole), 1)


def offered(slug, page, whole):
    """Return the link to a chapter in JupyterLite. `whole`: whether all of its cells run there."""
    way = f'href="{page}?path=chapters/{slug}.ipynb"'
    rest = "" if whole else "; not the cells that start processes"
    words = f'<span class="more">in your browser; loads </span>50 MB<span class="more">{rest}</span>'
    return f"""<p class="run"><a {way} aria-describedby="run-words">Run this chapter</a>
<span id="run-words">({words})</span></p>"""


def finish(app, error):
    """Build JupyterLite after the pages, or only write its notebooks."""
    if error is None and app.builder.name == "html":
        if app.config.book_lite:
            build(app.env, Path(app.outdir))
        else:
            write_contents(app.env, Path(app.outdir).with_name("lite") / "files")


def setup(app):
    """Register the setting and connect the functions to Sphinx's events."""
    app.add_config_value("book_lite", os.environ.get("BOOK_LITE") != "0", "html")
    app.connect("html-page-context", offer)
    app.connect("build-finished", finish)


# --- the site within the site


def build(env, site):
    """Build lite/ in the folder `site`, with the chapters that Sphinx has read."""
    work = site.with_name("lite")
    if not (site / "lite").exists():  # its cache would say that the files are there
        shutil.rmtree(work, ignore_errors=True)
    write_contents(env, work / "files")
    wheel = make_wheels(work / "pypi")
    write_json(work / "jupyter-lite.json", settings(wheel))
    write_json(
        work / "jupyter_lite_config.json",
        {
            "LiteBuildConfig": {
                "output_dir": str(site / "lite"),
                "contents": ["files"],
                "apps": ["notebooks", "tree"],
                "no_sourcemaps": True,
                "no_unused_shared_packages": True,
            }
        },
    )
    run([Path(sys.executable).with_name("jupyter-lite"), "build"], work)
    place_pyodide(site)
    for page in (site / "lite").rglob("*.html"):
        guard(page)


def settings(wheel):
    """Return the content of jupyter-lite.json, given the name of smlib's wheel."""
    to_wheel = f"../../../../pypi/{wheel}"  # relative to the kernel's worker
    return {
        "jupyter-lite-schema-version": 0,
        "jupyter-config-data": {
            "appUrl": "./tree",
            "faviconUrl": "../_static/favicon.svg",
            "exposeAppInBrowser": True,  # the tests run the chapters through it
            "litePluginSettings": {
                KERNEL: {
                    "disablePyPIFallback": True,
                    "loadPyodideOptions": {"packages": [*PACKAGES, to_wheel]},
                }
            },
        },
    }


def place_pyodide(site):
    """Copy Pyodide from BUNDLE if it is there, also in packs, and set its address: in the site, or else at its CDN."""
    place = site / "lite" / "static" / "pyodide"
    shutil.rmtree(place, ignore_errors=True)
    if (BUNDLE / LOCK).exists():  # the file that `make live` writes last
        shutil.copytree(BUNDLE, place)
    path = site / "lite" / "jupyter-lite.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    kernel = content["jupyter-config-data"]["litePluginSettings"][KERNEL]
    kernel["pyodideUrl"] = "./static/pyodide/pyodide.js" if place.exists() else f"{CDN}pyodide.js"
    write_json(path, content)
    packs = site / "lite" / "static" / "packs"
    shutil.rmtree(packs, ignore_errors=True)
    if place.exists():
        packs.mkdir()
        worker = site / "_static" / "practice-worker.js"
        for file in [path, worker, *place.iterdir(), *(site / "lite" / "pypi").glob("smlib-*.whl")]:
            pack(file, packs)


def pack(file, folder):
    """Write a file as a script that hands it to assets/practice.js: from the file system a page cannot fetch it."""
    words = b64encode(file.read_bytes()).decode()
    (folder / f"{file.name}.js").write_text(f'practicePack("{words}")', encoding="ascii")


def guard(page):
    """Add BAR and a content security policy to a page of JupyterLite: it allows this site and the inline scripts."""
    text = re.sub(
        r"\n *<meta http-equiv=.Content-Security-Policy[^>]*>", "", page.read_text(encoding="utf-8")
    )  # of an earlier build
    inline = re.findall(r"<script[^>]*>(.*?)</script>", text, flags=re.S)
    digests = [b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in inline]
    policy = POLICY.format(scripts=" ".join(f"'sha256-{digest}'" for digest in digests))
    tag = f'<head>\n    <meta http-equiv="Content-Security-Policy" content="{policy}" />'
    if page.parent.name == "notebooks" and BAR not in text:
        text = text.replace("</head>", BAR + "</head>", 1)
    page.write_text(text.replace("<head>", tag, 1), encoding="utf-8")


# --- wheels


def make_wheels(folder):
    """Build smlib's wheel in the folder and return its name. Add a package that the kernel needs and Pyodide lacks."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pack_installed("comm", folder)
    with tempfile.TemporaryDirectory() as copy:  # setuptools writes next to the sources
        for name in SOURCES:
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, Path(copy) / name)
        build = f"from setuptools import build_meta; build_meta.build_wheel({str(folder)!r})"
        run([sys.executable, "-c", build], copy)
    [wheel] = folder.glob("smlib-*.whl")
    return wheel.name


def pack_installed(name, folder):
    """Write the wheel of a pure Python package from its installed files."""
    package = distribution(name)
    with zipfile.ZipFile(folder / f"{name}-{package.version}-py3-none-any.whl", "w") as wheel:
        for file in package.files:
            if file.suffix != ".pyc":
                wheel.writestr(zipfile.ZipInfo(file.as_posix()), file.read_binary())  # dated 1980


# --- utilities


def write_json(path, content):
    """Write a JSON file."""
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def run(command, folder):
    """Run a command in a folder. Raise an error with its output if it fails."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": LONG_AGO}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise ExtensionError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")
