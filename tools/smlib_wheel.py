"""`make wheel`: smlib's wheel, as it would be published, works by itself.

It is built from the sources beside this file, and what it holds and says of itself is compared with them. Then it is
installed in an empty environment, where the examples of its docstrings run: first with nothing but NumPy, then with
what each extra adds. All the rest comes from requirements.lock, by hash.
"""

import os
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path

from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from sphinx_lite import make_wheels

ROOT = Path(__file__).resolve().parents[1]
PIP = "install", "-qq", "--disable-pip-version-check"
EXTRA_OF = {"plotting": "book", "symbolic": "book", "sharded": "sharded"}     # the other modules need NumPy alone

DOCTESTS = """
import doctest, importlib, sys
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    assert module.__file__.startswith(sys.prefix), f"{name} comes from {module.__file__}"
    failed, tried = doctest.testmod(module)
    print(f"  {name}: {tried} examples")
    assert not failed, f"{failed} examples of {name} fail"
"""


def main():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    run(Path(sys.executable).with_name("validate-pyproject"), ROOT / "pyproject.toml")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        wheel = folder / "wheels" / make_wheels(folder / "wheels")
        check_files(wheel)
        check_metadata(wheel, project)
        environment = folder / "venv"
        venv.create(environment, with_pip=True)
        python = environment / "bin" / "python"
        needs = {"": project["dependencies"], **project["optional-dependencies"]}
        for extra, lines in needs.items():
            install(python, lines, folder)
            if not extra:
                run(python, "-m", "pip", *PIP, "--no-index", "--no-deps", wheel)
            run(python, "-m", "pip", "--disable-pip-version-check", "check")
            print(f"With {' and '.join(lines)}:", flush=True)
            run(python, "-I", "-W", "error", "-c", DOCTESTS, *modules(extra), cwd=folder)
    print(f"{wheel.name} is whole, and its examples run in an empty environment")


def check_files(wheel):
    """It holds what smlib/ does, no more and no less."""
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "smlib").rglob("*") if path.is_file()}
    sources = {name for name in sources if "__pycache__" not in name}
    if held != sources:
        sys.exit(f"{wheel.name} lacks {sorted(sources - held)} and should not hold {sorted(held - sources)}")
    print(f"{wheel.name} holds the {len(held)} files of smlib")


def check_metadata(wheel, project):
    """What it says of itself is valid, and what pyproject.toml says."""
    with zipfile.ZipFile(wheel) as files:
        [name] = [name for name in files.namelist() if name.endswith(".dist-info/METADATA")]
        told = Metadata.from_email(files.read(name), validate=True)
    version = re.search(r'^__version__ = "(.+)"', (ROOT / "smlib" / "__init__.py").read_text(), re.MULTILINE)[1]
    wanted = set(project["dependencies"])
    for extra, lines in project["optional-dependencies"].items():
        wanted |= {f"{line}; extra == '{extra}'" for line in lines}
    pairs = {
        "name": (told.name, project["name"]),
        "version": (str(told.version), version),
        "Python": (str(told.requires_python), project["requires-python"]),
        "license": (told.license_expression, project["license"]),
        "needs": (set(told.requires_dist), set(map(Requirement, wanted))),
        "description": (told.description.strip(), (ROOT / project["readme"]).read_text().strip()),
    }
    for what, (said, meant) in pairs.items():
        if said != meant:
            sys.exit(f"{wheel.name} gives as its {what} {said!r} instead of {meant!r}")
    print(f"{wheel.name} tells its {', '.join(pairs)}")


def install(python, lines, folder):
    """Install what some requirements need, as the lock has it."""
    wanted = {canonicalize_name(Requirement(line).name) for line in lines}
    entries = {}
    for entry in re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements.lock").read_text())[1:]:
        askers = {line.split("via")[-1].strip(" #") for line in entry.splitlines() if line.strip().startswith("#")}
        entries[entry] = canonicalize_name(re.match(r"[\w.-]+", entry)[0]), askers
    while more := {name for name, askers in entries.values() if askers & wanted} - wanted:
        wanted |= more
    (folder / "some.lock").write_text("\n".join(entry for entry, (name, _) in entries.items() if name in wanted))
    run(python, "-m", "pip", *PIP, "--require-hashes", "-r", folder / "some.lock")


def modules(extra):
    """The modules that an extra is for, or that need none."""
    names = sorted(path.stem for path in (ROOT / "smlib").glob("*.py"))
    names = [name for name in names if EXTRA_OF.get(name, "") == extra]
    return ["smlib" if name == "__init__" else f"smlib.{name}" for name in names]


def run(*command, cwd=None):
    """Run a command; a failure ends it all, and tells."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment)
    if done.returncode:
        sys.exit(f"{Path(command[0]).name} failed: {' '.join(map(str, command[1:4]))} ...")


if __name__ == "__main__":
    main()
