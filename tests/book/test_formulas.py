"""Formulas become MathML when the book is built, and what Temml does not know fails the build."""

import re
import subprocess
import sys

import pytest

from _ext.formulas import mathml

FRESH = "import sys; from _ext.formulas import mathml; print(mathml(sys.argv[1], True))"


@pytest.mark.parametrize(
    "tex, parts",
    [
        (r"\frac{e^{z_i}}{\sum_j e^{z_j}}", ["<mfrac>", "<msup>", "∑"]),
        (r"\begin{aligned} a &= b \\ &= c \end{aligned}", ["<mtable", "<mtr>", "<mtd"]),
        (r"\operatorname{LSE}(z) \le \infty", ["LSE", "≤", "∞"]),
        (r"\left[\begin{matrix}1 & 0\\0 & 1\end{matrix}\right]", ["<mtable", "[", "]"]),
    ],
)
def test_a_formula_becomes_mathml_without_tex(tex, parts):
    made = mathml(tex, True)
    assert made.startswith('<math display="block"') and made.endswith("</math>")
    assert [part for part in parts if part not in made] == [] and "\\" not in made


def test_a_formula_in_text_has_no_display():
    assert mathml(" x ") == "<math><mi>x</mi></math>"


def test_a_brace_and_a_times_sign_have_room():
    made = mathml(r"a \times \underbrace{b}_{c} \times \underbrace{d}_{e}")
    space = '<mspace width="0.1667em"></mspace>'
    assert [f"{space}<mi>{a}</mi>{space}" in made for a in "abcde"] == [False, True, False, True, False]
    assert made.count('<mo lspace="0.2222em" rspace="0.2222em">×</mo>') == 2


def test_operators_in_indices_and_exponents_have_no_spaces():
    made = mathml(r"a + z_{i+m} - x^{n-1}_{i=1} \times e^{i \times 2^{a<b}}")
    found = re.findall(r"<mo( lspace=.0em. rspace=.0em.)?[^>]*>([^<]*|&lt;)</mo>", made)
    assert {sign for space, sign in found if space} == set("+−=×") | {"&lt;"}
    assert [sign for space, sign in found if not space] == ["+", "−", "×"]


@pytest.mark.parametrize("tex, word", [(r"a + \unknown{b}", "unknown"), (r"\frac{1", "frac"), ("x_1_2", "subscript")])
def test_what_temml_does_not_know_is_named(tex, word):
    with pytest.raises(ValueError, match=word) as caught:
        mathml(tex)
    assert str(caught.value).startswith("no MathML for the formula") and "\n" not in str(caught.value)


def test_two_runs_make_the_same(monkeypatch):
    tex = r"\underbrace{\hat y_i \, \delta_{ij}}_{\text{one}} - y''"
    runs = [subprocess.run([sys.executable, "-c", FRESH, tex], capture_output=True, encoding="utf-8") for _ in range(2)]
    assert [run.stdout for run in runs] == [mathml(tex, True) + "\n"] * 2
