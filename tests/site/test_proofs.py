"""The page with the theorems: what it prints is what the file says."""

from scripts import proofs
from tests.site.parsing import words

PAGE = "chapters/the-lecture-proved.html"


def test_the_page_prints_the_theorems_of_the_file(parsed):
    theorems = proofs.theorems(proofs.SOURCE.read_text(encoding="utf-8"))
    blocks = parsed[PAGE].select("article pre")
    shown = [block.get_text().strip() for block in blocks if block.get_text().startswith("Theorem")]
    assert shown == [theorem.code for theorem in theorems.values()]
    for name, theorem in theorems.items():
        paragraph = parsed[PAGE].find(id="proved-" + name.removeprefix("claim_"))
        paragraph = paragraph if paragraph.name == "p" else paragraph.find_next("p")
        assert words(paragraph).replace("’", "'") == theorem.words
        assert paragraph.find_next("pre").get_text().strip() == theorem.code


def test_each_row_of_the_ledger_leads_to_its_theorem_and_back_to_its_cell(parsed):
    rows = parsed["chapters/the-lecture-claim-by-claim.html"].select("tr[id^=ledger-]")
    assert len(rows) == 18
    for number, row in enumerate(rows, 1):
        cell, proof = (link["href"] for link in row.td.select("a"))
        assert proof == f"the-lecture-proved.html#proved-{number:02}"
        back = [link["href"] for link in parsed[PAGE].select("article p a") if words(link) == f"Claim {number:02}"]
        assert back == [cell]
