"""Check the proofs with Coq, and print the axioms that each theorem rests on: make proofs

It fails if Coq rejects a proof, if one is left out, or if a theorem rests on an axiom that is not in AXIOMS.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from scripts import ROOT

SOURCE = ROOT / "proofs" / "softmax.v"
PACKAGES = "coq libcoq-coquelicot"  # of Debian and Ubuntu
AXIOMS = {  # of Coq's real numbers, which are Dedekind cuts; its logarithm needs the last
    "ClassicalDedekindReals.sig_forall_dec": "a sequence of decidable statements has a counterexample or holds",
    "ClassicalDedekindReals.sig_not_dec": "a negation holds or does not",
    "FunctionalExtensionality.functional_extensionality_dep": "functions with equal values are equal",
    "Classical_Prop.classic": "excluded middle",
}
SHORT = {name: "ABCD"[number] for number, name in enumerate(AXIOMS)}


class Part(NamedTuple):
    """A comment of the source, and the definitions or the statement of the theorem after it."""

    words: str
    code: str

    @property
    def name(self):
        """Return the name of the theorem, or "" for definitions."""
        found = re.match(r"Theorem (\w+)", self.code)
        return found[1] if found else ""


def parts(text):
    """Return the parts of a source that have a comment, in their order."""
    found = re.findall(r"^\(\*\* ([^*]+) \*\)\n(\S.*?)(?=\n\n|\nProof\.|\Z)", text, flags=re.S | re.M)
    return [Part(" ".join(words.split()), code) for words, code in found if not code.startswith("Lemma")]


def theorems(text):
    """Return {name: part} of the theorems."""
    return {part.name: part for part in parts(text) if part.name}


def compiled(files):
    """Compile files {name: text} in order, and return what Coq says to the last. Raise SystemExit for an error."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
            done = subprocess.run(["coqc", "-q", name], cwd=folder, capture_output=True, encoding="utf-8")
            if done.returncode:
                raise SystemExit(done.stderr.replace(f"./{name}", f"proofs/{name}"))
    return done.stdout


def check(text):
    """Return {theorem: its axioms}. Raise SystemExit if Coq rejects the text, or if a proof is left out."""
    if re.search(r"\b(Admitted|admit|Axiom|Parameter|Conjecture)\b", re.sub(r"\(\*.*?\*\)", "", text, flags=re.S)):
        raise SystemExit("A proof is left out: Admitted, admit, Axiom, Parameter and Conjecture are not allowed")
    names = list(theorems(text))
    said = compiled({"softmax.v": text, "axioms.v": questions(names)})
    found = dict(zip(names, answers(said), strict=True))
    for theorem, axioms in found.items():
        if unknown := axioms - set(AXIOMS):
            raise SystemExit(f"{theorem} rests on an axiom that is not allowed: {', '.join(sorted(unknown))}")
    return found


def questions(names):
    """Return a file that asks Coq for the axioms of the theorems."""
    return "\n".join(["Require Import softmax.", *(f"Print Assumptions {name}." for name in names)])


def answers(text):
    """Return the set of axioms in each of Coq's answers. A name begins a line, its type follows or is indented."""
    blocks = re.split(r"^(?:Axioms:|Closed under the global context)$", text, flags=re.M)[1:]
    return [set(re.findall(r"^(\S+)", block, flags=re.M)) for block in blocks]


def main():
    """Print a table of the theorems and their axioms."""
    if shutil.which("coqc") is None:
        raise SystemExit(f"There is no Coq to check the proofs: apt-get install {PACKAGES} (on Debian and Ubuntu)")
    found = check(SOURCE.read_text(encoding="utf-8"))
    for name, what in AXIOMS.items():
        print(f"{SHORT[name]}  {name}: {what}")
    for theorem, axioms in found.items():
        print(f"{theorem:12}", *(SHORT[name] if name in axioms else "-" for name in AXIOMS))
    print(f"Coq accepts the {len(found)} theorems of {SOURCE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
