"""The book as a PDF: printed once by scripts.pdf, read with another library, and measured in the browser.

Texts are compared without white space: a PDF stores letters and positions, and readers guess the spaces.
"""

import re
import subprocess
import sys
from copy import deepcopy

import pytest
import yaml
from pypdf import PdfReader
from pypdfium2 import PdfDocument

from scripts import practice
from scripts.browser import BROWSERS
from scripts.notebooks import code_cells, without_solutions
from scripts.pdf import LEFT_OUT, edition, lay_out
from tests.site.browser import ROOT, SITE, built_site

pytestmark = pytest.mark.rare
PDF = ROOT / "_build" / "pdf" / "softmax.pdf"
COMMAND = [sys.executable, "-m", "scripts.pdf"]
# Return the elements that overflow their boxes or the page, and the pictures that are too coarse for paper: with fewer
# than 150 dots per inch, or with fewer than `least` dots for each pixel of a notebook's picture.
FAULTS = """least => {
  const all = selector => [...document.querySelectorAll(selector)];
  const name = element => (element.alt || element.textContent).trim().slice(0, 60);
  const edge = document.body.getBoundingClientRect().right + 1;
  const seen = all("pre, code, table, img, p, .formula, span.math");
  return {
    clipped: all("pre, code, table, .formula, div.highlight")
      .filter(e => getComputedStyle(e).display !== "inline" && e.scrollWidth > e.clientWidth + 1).map(name),
    outside: seen.filter(e => e.getBoundingClientRect().right > edge).map(name),
    hidden: all("article p, article pre, article img").filter(e => !e.checkVisibility()).map(name),
    coarse: all("img")
      .filter(e => e.naturalWidth / e.clientWidth < (e.closest(".cell_output") ? least : 150 / 96)).map(name),
    folded: all("details:not([open])").length,
    untypeset: all(".math").filter(e => !e.querySelector("math")).map(name),
    measured: seen.length,
  };
}"""


def squeezed(text):
    """Return a text without white space."""
    return re.sub(r"\s", "", text)


@pytest.fixture(scope="module")
def reader(browser):
    built_site()
    done = subprocess.run(COMMAND, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"The book is printed: open {PDF}"
    return PdfReader(PDF)


@pytest.fixture(scope="module")
def lines(reader):
    """For each page, its lines without white space."""
    found = lines_of(PDF)
    assert len(found) == len(reader.pages)
    return found


def lines_of(pdf):
    """Return the lines of each page of a PDF, without white space."""
    with PdfDocument(pdf) as document:  # pypdf would take a minute to read the text
        texts = [page.get_textpage().get_text_range() for page in document]
    return [[squeezed(line).replace("\ufffe", "-") for line in text.splitlines()] for text in texts]


@pytest.fixture(scope="module")
def chapters(reader):
    """[(name, title, page), ...] in the order of the contents, from the bookmarks."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    files = [chapter["file"] for part in parts for chapter in part["chapters"] if chapter["file"] not in LEFT_OUT]
    names = [file.removeprefix("chapters/") for file in files]
    first, second, third, *marks, last = [mark for mark in reader.outline if not isinstance(mark, list)]
    around = [squeezed(mark.title) for mark in (first, second, third, last)]
    assert around == ["TheSoftmaxOutputFunction", "Contents", "Listoffigures", "Index"]
    assert len(marks) == len(names)
    return [(name, mark.title, reader.get_destination_page_number(mark)) for name, mark in zip(names, marks)]


def title_of(name):
    """Return the title in a chapter's source."""
    [path] = (ROOT / "chapters").glob(f"{name}.*")
    return re.search(r"(?:^|\")# (.+?)(?:\\n|\"|$)", path.read_text(encoding="utf-8"), flags=re.M)[1].replace("`", "")


# --- the file


def test_it_is_tagged_and_says_what_it_is(reader):
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/StructTreeRoot"]["/K"]
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"] and root["/PageMode"] == "/UseOutlines"
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert (reader.metadata.title, reader.metadata.author) == (settings["title"], settings["author"])
    assert reader.xmp_metadata.dc_creator == [settings["author"]]
    assert 200 < len(reader.pages) < 420
    assert PDF.stat().st_size < 25 * 2**20


def test_bookmarks_lead_to_the_chapters_in_order(chapters, lines):
    assert [re.sub(r"^\d+\. ", "", title) for _, title, _ in chapters] == [title_of(name) for name, _, _ in chapters]
    pages = [page for _, _, page in chapters]
    assert pages == sorted(set(pages))
    for _, title, page in chapters:
        foot, *rest = lines[page]
        number = page + 1
        assert foot == (
            f"{squeezed(title)}{number}" if number % 2 else f"{number}{squeezed(title)}"
        )  # at the outer edge
        assert squeezed(title) in "".join(rest)


def test_the_contents_tell_the_page_of_each_chapter(chapters, lines):
    for _, title, page in chapters:
        assert f"{squeezed(title)}{page + 1}" in lines[1]


def bookmarks(reader, marks=None):
    """Yield (title without white space, page) of all bookmarks."""
    for mark in reader.outline if marks is None else marks:
        if isinstance(mark, list):
            yield from bookmarks(reader, mark)
        else:
            yield squeezed(mark.title), reader.get_destination_page_number(mark)


def lines_after(heading, page):
    """Return how many lines of a page follow a heading of up to three lines. The first line of a page is its foot."""
    ends = range(len(page), 1, -1)
    return next(len(page) - end for end in ends for size in (1, 2, 3) if "".join(page[end - size : end]) == heading)


def test_at_least_two_lines_follow_a_heading_on_its_page(reader, lines):
    found = [(title, page) for title, page in bookmarks(reader) if page]  # page 0 is the title page
    assert len(found) > 300
    assert [(title, page + 1) for title, page in found if lines_after(title, lines[page]) < 2] == []


def filled(page):
    """Return how far down a page, between its margins, the last text or picture is. The rule of a cell is lighter."""
    pixels = page.render(scale=0.5, grayscale=True).to_numpy()
    text = pixels[round(len(pixels) * 20 / 279) : round(len(pixels) * 257 / 279)]
    return max((i for i, row in enumerate(text, 1) if row.min() < 190), default=0) / len(text)


def test_only_the_last_page_of_a_chapter_ends_above_half(reader):
    starts = {reader.get_destination_page_number(mark) for mark in reader.outline if not isinstance(mark, list)}
    with PdfDocument(PDF) as document:
        short = {number for number, page in enumerate(document, 1) if filled(page) < 0.5}
        assert short <= starts | {len(document)}
        assert short  # an empty page is seen


def test_every_section_has_a_bookmark(reader, book):
    found = [title for title, _ in bookmarks(reader)]
    cells = [cell for notebook in book.values() for cell in notebook.cells if cell.cell_type == "markdown"]
    text = "\n".join(cell.source for cell in cells)
    sections = [squeezed(title) for title in re.findall(r"^## ([^$`*{\n]+)$", text, flags=re.M)]
    assert len(sections) > 80
    assert [title for title in sections if not any(mark.endswith(title) for mark in found)] == []


# --- answers and solutions


def longer_lines(notebook):
    """Return the longer lines of code that are printed, without white space."""
    cells = [cell for cell in code_cells(notebook) if not practice.kind(cell)]
    return {squeezed(line) for cell in cells for line in cell.source.splitlines() if len(line) > 30}


def only_in_solutions(*notebooks):
    """Return the longer lines of code that are in solutions alone."""
    shown = (longer_lines(without_solutions(deepcopy(notebook))) for notebook in notebooks)
    return set().union(*map(longer_lines, notebooks)).difference(*shown)


def test_solutions_are_at_the_end_of_each_chapter(reader, book, chapters, lines):
    first = {name: page for name, _, page in chapters}
    ends = dict(zip(first, [*list(first.values())[1:], len(lines)]))
    headings = list(bookmarks(reader))
    for name, notebook in book.items():
        wanted = only_in_solutions(notebook)
        if wanted:
            [start] = [page for title, page in headings if title == "Solutions" and first[name] <= page < ends[name]]
            assert wanted <= {line for page in lines[start : ends[name]] for line in page}
            assert not wanted & {line for page in lines[first[name] : start] for line in page}


def test_a_question_says_on_which_page_its_answer_is(reader, chapters, lines):
    headings = list(bookmarks(reader))
    starts = [page for _, _, page in chapters] + [len(lines)]
    said = 0
    for start, end in zip(starts, starts[1:]):
        text = "".join(line for page in lines[start:end] for line in page)
        for title, number in re.findall(r"(Answer\d+)isonpage(\d+)\.", text):
            assert (title, int(number) - 1) in headings
            assert re.search(r"Thequestionisonpage(\d+)\.", "".join(lines[int(number) - 1]))
            said += 1
    assert said > 40


# --- the title page


def test_the_title_page_says_which_edition_it_is(lines, monkeypatch):
    assert squeezed(edition()) in lines[0]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1583020800")
    assert edition().endswith(", March 1, 2020")


# --- the list of figures, the index


def between(reader, lines, title, following):
    """Return the text from one bookmark to another, without the feet of the pages."""
    pages = dict(bookmarks(reader))
    end = pages[following] if following else len(lines)
    return "".join(line for page in lines[pages[title] : end] for line in page[1:]).removeprefix(title)


def test_the_list_of_figures_tells_their_pages(reader, book, chapters, lines):
    text = between(reader, lines, "Listoffigures", squeezed(chapters[0][1]))
    found = re.findall(r"Fig\.([\d.]*\d)(.+?[.?])(\d+)(?=Fig\.|$)", text)
    cells = [cell for notebook in book.values() for cell in code_cells(notebook)]
    captions = [cell.metadata.get("mystnb", {}).get("figure", {}).get("caption") for cell in cells]
    assert len(found) == len([caption for caption in captions if caption]) > 50
    for number, caption, page in found:
        assert f"Fig.{number}{caption}" in "".join(lines[int(page) - 1])


def test_the_index_tells_the_pages_of_each_term(reader, lines):
    glossary = (ROOT / "chapters" / "glossary.md").read_text(encoding="utf-8")
    terms = {squeezed(term): term.lower().split() for term in re.findall(r"^(\S.*)\n  \S", glossary, flags=re.M)}
    pages = dict(bookmarks(reader))
    text = re.sub(r",\n(?=\d)", ",", "\n".join(lines[pages["Index"]][2:]))  # entries of two lines
    entries = dict(entry.split(",", 1) for entry in text.splitlines())
    others = {word: entry.removeprefix("see") for word, entry in entries.items() if word not in terms}
    assert set(terms) <= set(entries) and set(others.values()) <= set(terms)
    assert others["sigmoid"] == "logisticfunction"
    told = {term: [int(page) - 1 for page in entries[term].split(",")] for term in terms}
    for term, (*uses, explained) in told.items():
        assert uses == sorted(set(uses)) and pages["Glossary"] <= explained < pages["References"]
        # the beginnings of the words, because the reader sees one of two slanted f
        texts = {page: "".join(lines[page]).lower() for page in [*uses, explained]}
        assert [page + 1 for page, text in texts.items() if not all(word[:7] in text for word in terms[term])] == [], (
            term
        )
    assert sum(map(len, told.values())) > 200


# --- the links


def links(reader):
    """Yield the links of the PDF."""
    for page in reader.pages:
        for annotation in page.get("/Annots", []):
            yield annotation.get_object()


def test_every_link_stays_in_the_book_or_leads_to_the_web(reader):
    found = list(links(reader))
    to_web = [link["/A"]["/URI"] for link in found if "/URI" in link.get("/A", {})]
    to_book = [link["/Dest"] for link in found if "/Dest" in link]
    assert len(to_web) + len(to_book) == len(found)
    assert [address for address in to_web if not address.startswith("https://")] == []
    assert [place for place in to_book if place not in reader.named_destinations] == []
    assert len(to_book) > 500


def test_references_lead_to_the_right_pages(reader, chapters, lines):
    """A link to a chapter leads to the chapter's first page, one to an equation to a page that has its number."""
    starts = {name: page for name, _, page in chapters}
    followed = 0
    for place, destination in reader.named_destinations.items():
        page = reader.get_destination_page_number(destination)
        name, _, anchor = place.removeprefix("/at-").partition("--")
        if name not in starts:
            assert (name, page) in [("index", 0), ("word-index", len(reader.pages) - 1)] or name.startswith("/in-"), (
                place
            )
            continue
        following = [start for start in starts.values() if start > starts[name]]
        assert starts[name] <= page < min(following, default=len(reader.pages)), place
        if not anchor or anchor.startswith("ch-"):
            assert page == starts[name], place
            followed += 1
    assert followed >= len(starts)


# --- the pages


def test_every_line_of_code_is_there_in_one_piece(book, chapters, lines):
    first = {name: page for name, _, page in chapters}
    ends = dict(zip(first, [*list(first.values())[1:], len(lines)]))
    missing, compared = [], 0
    for name, notebook in book.items():
        printed = {line for page in lines[first[name] : ends[name]] for line in page}
        for cell in code_cells(notebook):
            if practice.kind(cell):
                continue  # on paper nothing answers
            output = "".join(output["text"] for output in cell.outputs if output.output_type == "stream")
            for line in f"{cell.source}\n{output}".splitlines():
                compared += 1
                if squeezed(line) and squeezed(line) not in printed:
                    missing.append(f"{name}: {line}")
    assert compared > 2000
    assert missing == []


def test_the_pages_are_not_shrunk_to_fit_something_wide(reader):
    """Chromium shrinks all pages if one element is too wide. Then the contents do not reach the right margin."""
    paper = reader.pages[1].mediabox.width
    right = max(link.get_object()["/Rect"][2] for link in reader.pages[1]["/Annots"])
    assert right / paper == pytest.approx((210 - 27) / 210, abs=0.01)


@pytest.fixture(scope="module")
def faults(reader, browser, least):
    """What the browser finds in the book as it is laid out for print."""
    page = browser.new_page()
    lay_out(page, PDF)
    found = page.evaluate(FAULTS, min(least, 150 / 96))
    page.close()
    return found


@pytest.mark.parametrize("fault", ["clipped", "outside", "hidden", "coarse", "untypeset"])
def test_nothing_is_cut_or_hidden(faults, fault):
    assert faults[fault] == []


def test_all_is_unfolded_and_was_measured(faults):
    assert faults["folded"] == 0
    assert faults["measured"] > 2000


# --- the command


def test_the_site_has_the_pdf_and_links_to_it(reader):
    assert (SITE / PDF.name).read_bytes() == PDF.read_bytes()
    assert (SITE / "index.html").read_text(encoding="utf-8").count(f'href="{PDF.name}"') == 1


def test_a_missing_browser_is_said_with_its_cure(tmp_path):
    done = subprocess.run(COMMAND, capture_output=True, encoding="utf-8", env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "apt-get install chromium" in done.stderr and "Traceback" not in done.stderr
    assert all(name in ("chromium-browser", "google-chrome-stable") or name in done.stderr for name in BROWSERS)
