"""The proofs: one theorem for each claim, shown on the page, and wrong statements that Coq rejects."""

import os
import re
import shutil

import pytest

from scripts import proofs
from scripts.notebooks import CHAPTERS
from tests.book.notebook_lint import CLAIMS

SOURCE = proofs.SOURCE.read_text(encoding="utf-8")
THEOREMS = proofs.theorems(SOURCE)
MOST_LINES = 500

# One wrong statement of each theorem: a sign, an index, a bound or a factor is changed.
WRONG = {
    "jacobian": ("δ i j - y z j", "δ i j + y z j"),
    "claim_01": ("(z j - t j)", "(t j - z j)"),
    "claim_02": ("crossed z (- (1 - / 10 ^ 9))", "crossed z (- / 10 ^ 9)"),
    "claim_03": ("/ p - 2 <= T", "/ p + 2 <= T"),
    "claim_04": ("<= 2 * y z c", "<= y z c ^ 2"),
    "claim_05": ("z c + ln (INR K)", "z c + ln (INR K) / 2"),
    "claim_06": ("= z i - z j", "= z j - z i"),
    "claim_07": ("0 < y z i < 1", "0 < y z i < 1 / 2"),
    "claim_08": ("δ i k - y z k", "δ i k - y z i"),
    "claim_09": ("(1 - y z i)", "(1 + y z i)"),
    "claim_10": ("(δ i j * y z i)", "(δ i j * y z i - y z i * y z j)"),
    "claim_11": ("cost t t <= cost t p", "cost t p <= cost t t"),
    "claim_12": ("(- (t i / p i))", "(t i / p i)"),
    "claim_13": ("ln 1000", "ln 100"),
    "claim_14": ("<-> o = (1 - p) / p", "<-> o = / p"),
    "claim_15": ("= - (1 - y z c)", "= 1 - y z c"),
    "claim_16": ("(Σ k < K, t k) - t j", "(Σ k < K, t k) + t j"),
    "claim_17": ("Rabs (y z k - t k) < 2", "Rabs (y z k - t k) < 1"),
    "claim_18": ("= / INR K", "= / (INR K - 1)"),
    "variance": ("* (v i - mean) ^ 2", "* (v i - mean)"),
    "merging": ("= total a + total b", "= total a - total b"),
}


@pytest.fixture
def coq():
    """Skip the tests that need Coq where there is none. With CI set, fail instead."""
    if shutil.which("coqc") is None:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say(f"no Coq, the proofs are NOT RUN: `apt-get install {proofs.PACKAGES}` (on Debian)")


def test_every_claim_has_a_theorem():
    assert [name.replace("_", "-") for name in THEOREMS if name.startswith("claim")] == CLAIMS
    assert set(THEOREMS) - set(WRONG) == set()


def test_every_theorem_of_the_file_has_a_comment():
    assert re.findall(r"^Theorem (\w+)", SOURCE, flags=re.M) == list(THEOREMS)
    for name, theorem in THEOREMS.items():
        assert theorem.code.endswith(".") and "Proof" not in theorem.code
        assert not name.startswith("claim") or theorem.words.startswith(f"Claim {name[-2:]}. ")


def test_the_file_is_short():
    lines = SOURCE.splitlines()
    assert len(lines) <= MOST_LINES and max(map(len, lines)) <= 120


def test_the_ledger_links_to_the_theorem_of_each_claim():
    ledger = (CHAPTERS / "the-lecture-claim-by-claim.md").read_text(encoding="utf-8")
    for name in CLAIMS:
        number = name[-2:]
        assert ledger.count(f"| {{ref}}`{number} <claim-{number}>` {{ref}}`proved <proved-{number}>` |") == 1


def test_answers_of_coq_are_read():
    said = "Axioms:\nA.b\n  : forall P,\n    P\nC.d : P \\/ ~ P\nClosed under the global context\nAxioms:\nC.d : P\n"
    assert proofs.answers(said) == [{"A.b", "C.d"}, set(), {"C.d"}]


@pytest.mark.parametrize("left_out", ["Admitted.", "admit. Admitted.", "Qed. Axiom all : forall P : Prop, P."])
def test_a_proof_that_is_left_out_is_reported(left_out):
    with pytest.raises(SystemExit, match="left out"):
        proofs.check(SOURCE.replace("Qed.", left_out, 1))


def rejected(text):
    """Return the line at which Coq stops, from 1, and what it says. Fail if it accepts the text."""
    with pytest.raises(SystemExit) as stopped:
        proofs.compiled({"softmax.v": text})
    found = re.search(r'^File ".*softmax\.v", line (\d+), characters .*\nError:', str(stopped.value), flags=re.M)
    return int(found[1]), str(stopped.value)


def up_to(name):
    """Return the source up to the end of a theorem, with what comes before it taken for granted."""
    before, proof = SOURCE.split(THEOREMS[name].code)
    before = re.sub(r"Proof\.(?:(?!Qed\.).)*Qed\.", "Admitted.", before, flags=re.S)
    return before, THEOREMS[name].code, proof[: proof.index("Qed.") + 4]


@pytest.mark.rare
@pytest.mark.parametrize("name", THEOREMS)
def test_coq_rejects_a_wrong_statement(name, coq):
    """Coq reads the wrong statement, and stops in its proof."""
    before, statement, proof = up_to(name)
    right, wrong = WRONG[name]
    assert statement.count(right) == 1, f"{right} has to occur once in\n{statement}"
    line, said = rejected(before + statement.replace(right, wrong) + proof)
    first = (before + statement).count("\n") + 2
    assert first <= line <= first + proof.count("\n"), said


@pytest.mark.rare
def test_an_axiom_that_is_not_allowed_is_reported(coq, monkeypatch):
    statement = "(** Excluded middle. *)\nTheorem middle (P : Prop) : P \\/ ~ P.\nProof. apply classic. Qed.\n"
    text = "From Coq Require Import Classical_Prop.\n\n" + statement
    assert proofs.check(text) == {"middle": {"Classical_Prop.classic"}}
    monkeypatch.delitem(proofs.AXIOMS, "Classical_Prop.classic")
    with pytest.raises(SystemExit, match="middle rests on an axiom that is not allowed: Classical_Prop.classic"):
        proofs.check(text)
