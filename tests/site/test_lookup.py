"""The pages to look things up: the ledger, the glossary, the references and the list of functions."""

import re
from collections import Counter
from urllib.parse import urljoin

import pytest

from _ext.lookup import VERDICTS
from tests.site.browser import ROOT
from tests.site.parsing import CHAPTERS, words

LEDGER, GLOSSARY = "chapters/the-lecture-claim-by-claim.html", "chapters/glossary.html"
REFERENCES, API = "chapters/references.html", "chapters/api.html"


# --- the ledger


def test_each_claim_has_a_verdict_and_they_are_counted(parsed):
    page = parsed[LEDGER]
    given = Counter()
    for row in page.select("tr[id^=ledger-]"):
        [badge] = row.select(".verdict")
        [kind] = set(badge["class"]) - {"verdict"}
        assert words(badge) == VERDICTS[kind]
        said = words(row.select("td")[2]).removeprefix(VERDICTS[kind]).strip()
        assert said.startswith("Holds") == (kind == "condition"), said  # the words in bold stay if they say more
        given[kind] += 1
    assert sum(given.values()) == 18 and min(given[kind] for kind in VERDICTS) > 2
    told = " ".join(f"{VERDICTS[kind]} {given[kind]}" for kind in VERDICTS)
    assert words(page.select_one("p.verdicts")) == f"18 claims: {told}"


def test_the_claims_are_grouped_by_their_chapters(parsed):
    chapter, seen = None, []
    for row in parsed[LEDGER].select("tbody tr"):
        target = urljoin(LEDGER, row.a["href"])
        if "chapter" in row["class"]:
            chapter = target
            seen.append(chapter)
            assert words(row) == words(parsed[chapter].article.h1).rstrip("#")
        else:
            assert target.split("#")[0] == chapter
    assert seen == sorted(set(seen)) and len(seen) == 5


def test_each_claim_is_marked_at_its_cell_and_the_mark_leads_back(parsed):
    marks = [
        (f"chapters/{slug}.html", mark)
        for slug in CHAPTERS
        for mark in parsed[f"chapters/{slug}.html"].select(".claim-mark")
    ]
    assert len(marks) == 18
    for page, mark in marks:
        claim = mark.parent["id"]
        assert words(mark) == claim.replace("-", " ")
        target, _, anchor = urljoin(page, mark.a["href"]).partition("#")
        row = parsed[target].find(id=anchor)
        assert urljoin(target, row.a["href"]) == f"{page}#{claim}"


@pytest.mark.parametrize("width", [390, 1280])
def test_the_number_of_a_claim_is_easy_to_hit(visitor, origin, width):
    visitor.page.set_viewport_size({"width": width, "height": 800})
    visitor.page.goto(origin + LEDGER)
    box = visitor.page.locator("tr[id^=ledger-] a").first.bounding_box()
    assert box["width"] >= 44 and box["height"] >= 32


# --- the glossary


def test_the_letters_lead_to_their_terms(parsed):
    page = parsed[GLOSSARY]
    terms = page.select("dl.glossary dt")
    letters = [words(link) for link in page.select(".letters a")]
    assert letters == sorted({words(term)[0].upper() for term in terms})
    for link in page.select(".letters a"):
        assert words(page.find(id=link["href"].removeprefix("#")))[0].upper() == words(link)


def test_terms_lead_to_the_section_that_uses_them(parsed):
    page = parsed[GLOSSARY]
    links = page.select(".first-use a")
    assert len(links) > 60
    for link in links:
        target, _, anchor = urljoin(GLOSSARY, link["href"]).partition("#")
        assert parsed[target].find(id=anchor).name == "section"
        assert words(link) == words(parsed[target].article.h1).rstrip("#")
    where = {words(link.find_parent("dd").find_previous("dt")).rstrip("#"): link["href"] for link in links}
    assert where["softmax"] == "02-a-distribution.html#softmax"
    assert where["attention"].startswith("11-")  # a heading has it, although other chapters name it before


# --- the references


def test_sources_are_labeled_as_the_text_cites_them(parsed):
    cited = {
        (words(link), urljoin(name, link["href"]))
        for name, page in parsed.items()
        for link in page.select("span.bibtex-citation a")
    }
    listed = {
        (words(source.select_one(".label")).strip("[]"), f"{REFERENCES}#{source['id']}")
        for source in parsed[REFERENCES].select("div.citation")
    }
    assert cited == listed and len(listed) > 80
    assert ("Hinton, 2012", "Harris et al., 2020") == tuple(
        next(label for label, _ in listed if label.startswith(start)) for start in ("Hinton, 2012", "Harris")
    )


def test_each_source_names_the_pages_that_cite_it(parsed):
    uses = Counter()
    for name, page in parsed.items():
        targets = {link["href"].partition("#")[2] for link in page.select("span.bibtex-citation a")}
        uses.update((target, name) for target in targets)
    for source in parsed[REFERENCES].select("div.citation"):
        links = source.select(".cited-in a")
        assert {urljoin(REFERENCES, link["href"]).split("#")[0] for link in links} == {
            name for target, name in uses if target == source["id"]
        }
        for link in links:
            target, _, anchor = urljoin(REFERENCES, link["href"]).partition("#")
            assert f"#{source['id']}" in str(parsed[target].find(id=anchor))


def test_a_source_with_an_address_links_to_it(parsed):
    entries = (ROOT / "references.bib").read_text(encoding="utf-8")
    expected = {f"https://doi.org/{doi}" for doi in re.findall(r" doi = {(.*?)}", entries)}
    expected |= {f"https://arxiv.org/abs/{number}" for number in re.findall(r" eprint = {(.*?)}", entries)}
    expected |= set(re.findall(r" url = {(.*?)}", entries))
    found = {link["href"] for link in parsed[REFERENCES].select("div.citation a.external")}
    assert found == expected and len(found) > 40
    assert "arXiv:" not in re.sub(r" eprint = {.*?}", "", entries)


# --- the functions


def test_the_list_of_functions_is_complete(parsed):
    page = parsed[API]
    listed = [link["href"] for link in page.select("dl.functions dd a")]
    assert listed == [f"#{name['id']}" for name in page.select("dl.py:not(dl.py dl.py) > dt[id]")]
    assert len(listed) > 50


@pytest.mark.parametrize("page", [LEDGER, GLOSSARY, REFERENCES, API, "search.html?q=cross+entropy"])
def test_nothing_is_wider_than_a_narrow_screen(visitor, origin, page):
    """320 px is a screen of 1280 px at 400 %."""
    visitor.page.set_viewport_size({"width": 320, "height": 640})
    visitor.page.goto(origin + page)
    assert visitor.page.evaluate("document.scrollingElement.scrollWidth") == 320
