"""Show the definitions and the theorems of proofs/softmax.v, each with its sentence, as they stand in the file."""

import re

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from scripts.proofs import parts


class Proved(SphinxDirective):
    """Write the definitions of the file, or its theorems."""

    required_arguments = 1

    def run(self):
        """Return the nodes of the Markdown that says what the file says."""
        path, source = self.env.relfn2path("/proofs/softmax.v")
        self.env.note_dependency(path)
        with open(source, encoding="utf-8") as file:
            found = parts(file.read())
        theorems = {"definitions": False, "theorems": True}[self.arguments[0]]
        text = "\n\n".join(markdown(part) for part in found if bool(part.name) == theorems)
        box = nodes.container(classes=["proved"])
        self.state.nested_parse(StringList(text.splitlines(), source), 0, box)
        return [box]


def markdown(part):
    """Return a part as Markdown. The place of the theorem of a claim is proved-NN, and it links to the claim's cell.

    The levels of a notation are left out: they only tell Coq where parentheses are needed.
    """
    words = re.sub(r"^Claim (\d\d)\.", r"{ref}`Claim \1 <claim-\1>`.", part.words)
    label = f"(proved-{part.name.removeprefix('claim_')})=\n" if part.name else ""
    code = re.sub(r" \(at level [^)]*\)", "", part.code)
    return f"{label}{words}\n\n```coq\n{code}\n```"


def setup(app):
    """Register the directive."""
    app.add_directive("proved", Proved)
