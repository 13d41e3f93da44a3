"""Store the faces of figures, and their licenses, in smlib/data: python -m scripts.faces"""

from _ext.faces import FIGURES, for_figures, license_of
from scripts import ROOT

FOLDER = ROOT / "smlib" / "data"


def path(name):
    """Return the path of a face."""
    return FOLDER / f"{name.lower().replace(' ', '-')}.ttf"


def main():
    """Store the faces."""
    for name in FIGURES:
        for_figures(name).save(path(name))
        path(name).with_suffix(".license.txt").write_text(license_of(name), encoding="utf-8")


if __name__ == "__main__":
    main()
