"""Put Pyodide into the built site, so that its notebooks run without the network: python -m scripts.live

Each file comes from the official release, or from the folder that PYODIDE_MIRROR names, and its sha256 is checked
in both cases. The files stay in _build/pyodide-VERSION, and every later build of the site includes them.
"""

import hashlib
import json
import os
import urllib.request
from pathlib import Path

from _ext import lite
from scripts.book import SITE, Failure, site

MIRROR = os.environ.get("PYODIDE_MIRROR")

# The core, as in the npm package `pyodide`. The lock holds the sha256 of all other files.
CORE_URL = f"https://cdn.jsdelivr.net/npm/pyodide@{lite.PYODIDE}/"
LOCK_SHA256 = "9c45b916001a750f4102fc287494f3eab215909c7535c626a20db80fd6333e2c"
CORE = {
    "pyodide.js": "b4cb23a53aba19c221659b9fb40a2f18281d685691dc06647fb0afd0681baf98",
    "pyodide.mjs": "04c052c815abb0bf2981fa38c2dfa58e3120ee5288c956df2b2a15e301782c5f",
    "pyodide.asm.js": "6b4c90de5b7172873f04f21884d0e9d2274e305fe32116558fe3e4fbe3618d51",
    "pyodide.asm.wasm": "a50dd1843f805a0b7c45b61037ee0d7b26dfe85efe0e18ef95a34ad24e401f5f",
    "python_stdlib.zip": "16611534726e5d8ac2bd8f926410b2dcb8d6f49aa24913463533b457a2115c16",
}

# Pure Python packages: the build of the same version on PyPI is accepted in place of Pyodide's own.
ALSO = {
    "mpmath-1.3.0-py3-none-any.whl": ["a0b2b9fe80bbcd81a6647ff13108738cfb482d481d826cc0e02f5b35e5c88d2c"],
    "sympy-1.13.3-py3-none-any.whl": ["54612cf55a62755ee71824ce692986f23c88ffa77207b30c1368eda4a7060f73"],
}


def bundle():
    """Fill lite.BUNDLE with Pyodide and the packages that the chapters need. The lock of these comes last."""
    lite.BUNDLE.mkdir(parents=True, exist_ok=True)
    lock = json.loads(checked(lite.LOCK, CORE_URL, [LOCK_SHA256]))
    for name, sha256 in CORE.items():
        put(name, CORE_URL, [sha256])
    lock["packages"] = needed(lock["packages"])
    for package in lock["packages"].values():
        name = package["file_name"]
        package["sha256"] = put(name, lite.CDN, [package["sha256"], *ALSO.get(name, [])])
    lite.write_json(lite.BUNDLE / lite.LOCK, lock)


def needed(packages):
    """Return the packages that the chapters need and their dependencies, out of all packages."""
    found, todo = {}, list(lite.PACKAGES)
    while todo:
        name = todo.pop().lower().replace("_", "-")
        if name not in found:
            found[name] = packages[name]
            todo += packages[name]["depends"]
    return dict(sorted(found.items()))


def put(name, url, accepted):
    """Copy one file into lite.BUNDLE unless it is there already, and return its sha256."""
    target = lite.BUNDLE / name
    if not target.exists() or sha256_of(target.read_bytes()) not in accepted:
        target.write_bytes(checked(name, url, accepted))
    return sha256_of(target.read_bytes())


def checked(name, url, accepted):
    """Return the content of a file. Raise Failure if its sha256 is not among the accepted ones."""
    place = Path(MIRROR) / name if MIRROR else url + name
    content = read(place)
    found = sha256_of(content)
    if found not in accepted:
        raise Failure(f"""{place} is not a file of Pyodide {lite.PYODIDE}.
    sha256 expected: {" or ".join(accepted)}
    sha256 found:    {found}
{cure(name)}""")
    return content


def sha256_of(content):
    """Return the sha256 of bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def read(place):
    """Return the content of a path or URL."""
    try:
        if isinstance(place, Path):
            return place.read_bytes()
        with urllib.request.urlopen(place, timeout=60) as answer:
            return answer.read()
    except OSError as error:
        raise Failure(f"{place} cannot be read: {error}\n{cure(Path(str(place)).name)}") from None


def cure(name):
    """Return what to do about a file that is missing or wrong."""
    if MIRROR:
        return (
            f"Put the right {name} into that folder, which PYODIDE_MIRROR names, or unset PYODIDE_MIRROR: "
            "then it comes from the official release."
        )
    return f"Try again, or let PYODIDE_MIRROR name a folder that holds the right {name}."


def main():
    """Fill the bundle and copy it into the site, which is built first if necessary."""
    print(f"Checking Pyodide {lite.PYODIDE}, from {MIRROR or 'the official release'} ...", flush=True)
    bundle()
    site()
    lite.place_pyodide(SITE)
    size = sum(path.stat().st_size for path in lite.BUNDLE.iterdir())
    print(f"The site holds Pyodide, {size / 1e6:.0f} MB: its notebooks need no network. `make serve` serves it.")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        raise SystemExit(f"\n{failure}\n\nStopped: the site is as it was.") from None
