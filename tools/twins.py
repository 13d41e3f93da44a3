"""Build the book twice, in two folders and under two hash seeds, and compare every byte: make twins"""

import subprocess
import sys
import tempfile
from pathlib import Path

from faults import ENVIRONMENT, copy_to

MADE = "chapters", "assets", "_build/html"


def build(folder, seed):
    """Execute the chapters in the folder, store them, and build the site."""
    folder.mkdir()
    copy_to(folder)
    for command in ("notebooks", "draft"):
        subprocess.run([sys.executable, "tools/book.py", command], cwd=folder, check=True,
                       env=ENVIRONMENT | {"PYTHONPATH": folder, "PYTHONHASHSEED": seed})


def made(folder):
    """{path: content} of all that a build makes."""
    return {path.relative_to(folder): path.read_bytes()
            for name in MADE for path in (folder / name).rglob("*") if path.is_file()}


def different(one, other):
    """The paths that only one of the two has, or that differ."""
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def main():
    with tempfile.TemporaryDirectory() as parent:
        folders = Path(parent, "book"), Path(parent, "another place")
        for seed, folder in enumerate(folders, 1):
            build(folder, str(seed))
        one, other = map(made, folders)
    for path in different(one, other):
        print("differs:", path)
    print(f"{len(one)} files, of which {len(different(one, other))} differ")
    sys.exit(one != other)


if __name__ == "__main__":
    main()
