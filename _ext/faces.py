"""The faces of the site: Source Serif for text, Source Code Pro for code, STIX Two Math for formulas.

The packages that bring them are pinned, and each face is reduced to the characters below. assets/book.css names the
files, under other names: a reduced face may not bear the reserved name "Source". A test compares the characters with
those of the pages. The faces of figures come with smlib: scripts/faces.py stores them.
"""

import hashlib
import os
import shutil
import unicodedata
from importlib.util import find_spec
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.ttLib.scaleUpem import scale_upem
from fontTools.varLib import instancer

FOLDER = "faces"  # in _static


def span(first, last):
    """Return the characters from the first to the last."""
    return "".join(map(chr, range(ord(first), ord(last) + 1)))


ASCII = span(" ", "~")
LATIN = ASCII + "\xa0°±²³µ·×½¼¾ÄÖÜßàáäåçèéêëíñóöøúüŁł"
TEXT = LATIN + "–—‘’“”…←→∂∑−√∞≈≠≤≥ΔΠΣδστ⁰¹⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉"
CODE = LATIN + "–—’…→−√∂∞≈≤≥∀ΔΠΣαβδστ⁹"
GREEK = span("Α", "Ρ") + span("Σ", "Ω") + span("α", "ω")
# Letters of formulas: browsers replace x by the italic 𝑥, and Temml writes bold, script and sans-serif letters as such.
LETTERS = span("𝐀", "𝑔") + "ℎ" + span("𝑖", "𝑧") + span("𝖠", "𝗓") + span("𝟎", "𝟗") + span("𝛢", "𝜛") + "ϵϑϕϱℓ"
RELATIONS = "−∓∗∝∞∧∨∩∪∈∉∋⊂⊃⊆⊇≈∼≃≅≠≡≤≥≪≫≲≳⊕⊗⊙⊤⊥←↑→↓↔⇐⇒⇔↦"
MATH = ASCII + GREEK + LETTERS + RELATIONS + "\xa0\u2009¬°±·×÷½ˆˉ˜¯…′″‴‖‾⋅⋯⋮⋱∘∀∂∃∅∇∏∑∫√⌈⌉⌊⌋⏞⏟⏜⏝⟨⟩"

# file: (package, source within it, axes, characters, features)
BASIC = ["kern", "liga", "ccmp", "locl", "mark", "mkmk"]
SERIF, MONO = ("fontpkg_source_serif_4", "files/SourceSerif4{}[opsz,wght].ttf"), "files/SourceCodePro[wght].ttf"
FACES = {
    "text": (SERIF[0], SERIF[1].format(""), {"opsz": 14, "wght": (400, 400, 700)}, TEXT, [*BASIC, "tnum"]),
    "text-italic": (SERIF[0], SERIF[1].format("-Italic"), {"opsz": 14, "wght": (400, 400, 700)}, TEXT, BASIC),
    "code": ("fontpkg_source_code_pro", MONO, {"wght": (400, 400, 700)}, CODE, ["ccmp", "locl"]),
    "math": ("ziamath", "fonts/STIXTwoMath-Regular.ttf", {}, MATH, ["ss04"]),  # ss04: the primes that Temml asks for
}
# In figures: text in its form for small print, and the slanted letters of formulas, as high as those of the text.
SLANTED = {"ℎ": "h"} | {a: unicodedata.normalize("NFKC", a) for a in span("𝐴", "𝑔") + span("𝑖", "𝑧") + span("𝛢", "𝜛")}
SLANTED_PERCENT = 106
FIGURES = {
    "Book Text": (*FACES["text"][:2], {"opsz": 8, "wght": 400}, TEXT, BASIC),
    "Book Letters": (*FACES["math"][:2], {}, "".join(SLANTED), []),
}
KEPT_NAMES = [0, 13, 14]  # copyright and license
SCRIPTS = 76, 62  # percent for an index, and for its index: at 70 and 55, i loses its dot on small screens


def package(name):
    """Return the folder of an installed package, without importing it."""
    return Path(find_spec(name).origin).parent


def reduced(name, **axes):
    """Return a face with its characters alone. `axes`: values at which it is fixed."""
    owner, source, limits, characters, features = (FACES | FIGURES)[name]
    options = subset.Options(
        layout_features=features,
        hinting=False,
        name_IDs=KEPT_NAMES,
        recalc_timestamp=False,
        notdef_outline=True,
    )
    if not features:
        options.drop_tables += ["GDEF", "GPOS", "GSUB", "MATH"]
    font = TTFont(package(owner) / source, recalcTimestamp=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(font)
    if limits:
        instancer.instantiateVariableFont(font, limits | axes, inplace=True)
    if "MATH" in font:
        constants = font["MATH"].table.MathConstants
        constants.ScriptPercentScaleDown, constants.ScriptScriptPercentScaleDown = SCRIPTS
        constants.SubscriptBaselineDropMin.Value = -10  # the index of y stands no lower than that of t, as in TeX
    font.flavor = "woff2"
    return font


def for_figures(name):
    """Return a face of the figures. Matplotlib asks for it by its name, and for slanted letters as for upright ones."""
    font = reduced(name)
    font.flavor = None
    for number, words in {1: name, 2: "Regular"}.items():
        font["name"].setName(words, number, 3, 1, 0x409)
    if name == "Book Letters":
        for table in font["cmap"].tables:
            table.cmap = {ord(SLANTED[chr(a)]): glyph for a, glyph in table.cmap.items()}
        scale_upem(font, 1000 * SLANTED_PERCENT // 100)
        font["head"].unitsPerEm = 1000
    return font


def made(name, folder, **axes):
    """Return the path of a reduced face in a folder. It is made once, because Source Serif takes seconds."""
    owner, source, *_ = FACES[name]
    made_from = Path(__file__).read_bytes() + (package(owner) / source).read_bytes() + repr(axes).encode()
    path = folder / f"{name}-{hashlib.sha256(made_from).hexdigest()[:12]}.woff2"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")  # another process may make it, too
        reduced(name, **axes).save(unfinished)
        unfinished.replace(path)
    return path


def copy_faces(kept, target):
    """Copy the faces and their licenses into a folder. `kept`: where they are made."""
    target.mkdir(parents=True, exist_ok=True)
    for name in FACES:
        shutil.copyfile(made(name, kept), target / f"{name}.woff2")
        (target / f"{name}-license.txt").write_text(license_of(name), encoding="utf-8")


def finish(app, error):
    """Copy the faces into the site."""
    if error is None and app.builder.name == "html":
        copy_faces(Path(app.outdir).with_name(FOLDER), Path(app.outdir, "_static", FOLDER))


def license_of(name):
    """Return the license of a face: its copyright, and the text of the license that all of them have."""
    owner, source, *_ = (FACES | FIGURES)[name]
    text = (package(FACES["text"][0]) / "LICENSE").read_text(encoding="utf-8")
    return TTFont(package(owner) / source)["name"].getDebugName(0) + text[text.index("\n") :]


def setup(app):
    """Connect the function to Sphinx's event."""
    app.connect("build-finished", finish)
