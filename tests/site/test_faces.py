"""The faces of the site hold the characters of the pages, are small, and can be embedded in a PDF."""

import re
from io import BytesIO

import pytest
from bs4 import NavigableString
from fontTools.ttLib import TTFont

from _ext.faces import FACES, FIGURES, for_figures, license_of
from scripts.faces import path
from tests.site.browser import ROOT

ELSEWHERE = set("∀∎∘ᵀᵢ⁻")  # the face of text or of code has no such character: the fonts of the system draw them
INVISIBLE = set("\n\t\u2060\u2061\ufe0e")
KINDS = {"math": {"math"}, "code": {"pre", "code", "kbd", "samp", "textarea"}}  # all else is text
UNSEEN = {"script", "style", "template"}


@pytest.fixture(scope="module")
def holds(site):
    """{face: the characters that it holds}"""
    files = {name: TTFont(site / "_static" / "faces" / f"{name}.woff2") for name in FACES}
    return {name: set(map(chr, font.getBestCmap())) for name, font in files.items()}


@pytest.fixture(scope="module")
def used(parsed):
    """{kind of text: {character: the pages that show it}}"""
    found = {"math": {}, "code": {}, "text": {}}
    for page, tree in parsed.items():
        for string in tree.find_all(string=True):
            around = {element.name for element in string.parents}  # find_parent takes fifteen times as long
            if type(string) is NavigableString and not around & UNSEEN:
                kind = next((kind for kind, tags in KINDS.items() if around & tags), "text")
                for character in set(string) - INVISIBLE:
                    found[kind].setdefault(character, []).append(page)
    return found


@pytest.mark.parametrize("kind", ["math", "code", "text"])
def test_the_faces_hold_every_character_of_the_pages(holds, used, kind):
    assert {a: sorted(set(pages)) for a, pages in used[kind].items() if a not in holds[kind] | ELSEWHERE} == {}
    assert len(used[kind]) > 50


def test_the_faces_hold_the_characters_that_scripts_write(holds):
    scripts = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "assets").glob("*.js"))
    assert set(re.findall(r"[^\x00-\x7f]", scripts)) - holds["text"] - ELSEWHERE == set()


def test_slanted_letters_of_formulas_are_there(holds, used):
    """Browsers show a single letter of a formula by its slanted form, which is another character."""
    letters = {a for a in used["math"] if a.isascii() and a.isalpha()}
    slanted = {"ℎ" if a == "h" else chr((0x1D434 if a < "a" else 0x1D44E - 32) + ord(a) - 65) for a in letters}
    assert slanted - holds["math"] == set()


def test_the_faces_are_small_and_come_with_their_licenses(site):
    folder = site / "_static" / "faces"
    size = {name: (folder / f"{name}.woff2").stat().st_size for name in FACES}
    assert sum(size.values()) - size["math"] <= 90_000 and size["math"] <= 45_000
    for name in FACES:
        text = (folder / f"{name}-license.txt").read_text(encoding="utf-8")
        assert re.match(r"(©|Copyright) .*20\d\d", text) and "SIL OPEN FONT LICENSE Version 1.1" in text
        names = {record.toUnicode() for record in TTFont(folder / f"{name}.woff2")["name"].names if record.nameID == 1}
        assert names == set()


@pytest.mark.parametrize("name", FIGURES)
def test_the_faces_of_figures_are_those_that_the_script_makes(name):
    made = BytesIO()
    for_figures(name).save(made)
    assert path(name).read_bytes() == made.getvalue(), "run python -m scripts.faces"
    assert len(made.getvalue()) <= 40_000
    assert path(name).with_suffix(".license.txt").read_text(encoding="utf-8") == license_of(name)


def test_letters_of_formulas_in_figures_are_as_high_as_those_of_the_text():
    fonts = [TTFont(path(name)) for name in FIGURES]
    text, letter = (font["glyf"][font.getBestCmap()[ord("x")]].yMax / font["head"].unitsPerEm for font in fonts)
    assert abs(text - letter) < 0.005


def test_the_style_sheet_asks_for_the_faces_that_are_there(site):
    sheet = (site / "_static" / "styles" / "site.css").read_text(encoding="utf-8")
    assert set(re.findall(r"url\(\.\./faces/([\w-]+)\.woff2\)", sheet)) == set(FACES)


def test_formulas_are_drawn_in_their_face(visitor, origin):
    page = visitor.page
    page.goto(origin + "chapters/03-the-derivative.html")
    page.evaluate("document.fonts.ready.then(() => 0)")
    loaded = page.evaluate("[...document.fonts].filter(face => face.status === 'loaded').map(face => face.family)")
    assert {"Book Math", "Book Text", "Book Code"} <= {family.strip('"') for family in loaded}
    fraction = page.locator("article .formula mfrac").first.bounding_box()
    letter = page.locator("article .formula mfrac mi").first.bounding_box()
    assert fraction["height"] > 1.8 * letter["height"] * 0.9
