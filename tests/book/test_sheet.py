"""Style sheets lose what no page can use, and nothing else."""

import pytest

from _ext.sheet import reduced, words_of_page, words_of_script

WORDS = {"html", "p", "a", "box", "there", "kept"}


def packed(css):
    """Return a sheet without blanks."""
    return "".join(css.split())


@pytest.mark.parametrize(
    "sheet, left",
    [
        ("p.box { color: red }", "p.box { color: red }"),
        ("p.gone { color: red } #gone, em { color: red }", ""),
        ("p.gone, p.box, #there { color: red }", "p.box, #there { color: red }"),
        ("p.gone:hover, a:hover::before { color: red }", "a:hover::before { color: red }"),
        (".box:not(.gone) { color: red }", ".box:not(.gone) { color: red }"),
        (":is(.gone, .box) > [href=gone] { color: red }", ":is(.gone, .box) > [href=gone] { color: red }"),
        (":root, *, ::before { color: red }", ":root, *, ::before { color: red }"),
        ("@media print { .gone { color: red } .box { color: red } }", "@media print { .box { color: red } }"),
        ("@media print { .gone { color: red } }", ""),
        ("@font-face { font-family: Gone }", "@font-face { font-family: Gone }"),
        (
            "p { animation: turn 1s } @keyframes turn { 50% { top: 0 } } @keyframes gone { 50% { top: 0 } }",
            "p { animation: turn 1s } @keyframes turn { 50% { top: 0 } }",
        ),
        (
            'p { --a: url("data:;(x){;}"); --gone: url("data:;(x){;}"); --b: ; top: var(--a, var(--b)) }',
            'p { --a: url("data:;(x){;}"); --b: ; top: var(--a, var(--b)) }',
        ),
        ("/* p { top: 0 } */ p { top: 0 }", "p { top: 0 }"),
    ],
)
def test_a_sheet_keeps_what_the_words_use(sheet, left):
    assert packed(reduced({"theme.css": sheet}, set(), WORDS)) == packed(left)


def test_own_sheets_keep_all_rules_and_what_they_use():
    sheets = {"theme.css": "p { --used: 1; --gone: 1 }", "own.css": ".composed { --own: 1; top: var(--used) }"}
    left = reduced(sheets, {"own.css"}, WORDS)
    assert packed(left) == packed("p { --used: 1; } .composed { --own: 1; top: var(--used) }")


def test_the_words_of_pages_and_scripts():
    page = "<div class='a b-c' id=\"d\"><p style='top: var(--e)'>word</p></div>"
    assert words_of_page(page) == {"div", "p", "a", "b-c", "d", "--e"}
    assert words_of_script('one.classList.add("bs-show", `x-${y}`)') >= {"bs-show", "classList", "x-"}
