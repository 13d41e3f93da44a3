"""What helps to read the book: answers that wait, previews, numbers, notebooks to take along, addresses,
the first page, and the builds without solutions and for the web."""

import ast
import builtins
import html
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urljoin

import nbformat
import numpy as np
import pytest
import snowballstemmer
import yaml
from bs4 import BeautifulSoup

from tests.site.browser import PHONE, ROOT, Visitor, served

CHAPTER = "chapters/02-a-distribution.html"
NOTEBOOKS = sorted(path.stem for path in (ROOT / "chapters").glob("*.ipynb"))
CHAPTERS = [slug for slug in NOTEBOOKS if slug != "intro"]
ANSWERED_LATER = ["Colin’s father is kept back"]  # three pages on, after what it takes to judge the answer


@pytest.fixture(scope="module")
def parsed(site):
    """{page: its HTML as a tree}"""
    paths = [path for path in site.rglob("*.html") if not {"_static", "lite"} & set(path.relative_to(site).parts)]
    return {
        path.relative_to(site).as_posix(): BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in paths
    }


def words(element):
    return " ".join(element.get_text().split())


# --- questions and their answers


def test_the_answer_to_every_question_waits_folded(parsed):
    for slug in CHAPTERS:
        page = parsed[f"chapters/{slug}.html"]
        questions = [box for box in page.select("div.admonition") if words(box.p) == "Predict first"]
        assert questions, f"{slug} asks the reader nothing: it needs a *Predict first*"
        for question in questions:
            answer = question.find_next_sibling()
            later = any(words(question).removeprefix("Predict first ").startswith(start) for start in ANSWERED_LATER)
            assert (answer.name == "details" and "open" not in answer.attrs) != later, words(question)
            assert later or answer.select(".cell_output, p"), words(question)


def test_every_solution_waits_folded(parsed):
    solutions = [box for slug in CHAPTERS for box in parsed[f"chapters/{slug}.html"].select("div.solution")]
    assert len(solutions) > 27
    for box in solutions:
        [fold] = box.find_all("details", recursive=False)
        assert words(box).endswith(words(fold)) and len(words(fold)) > len("The solution") + 20


@pytest.mark.parametrize("scripts", [True, False])
def test_an_answer_opens_with_the_keyboard(browser, origin, scripts):
    visitor = Visitor(browser, origin, java_script_enabled=scripts)
    visitor.page.goto(origin + CHAPTER)
    for fold in (visitor.page.locator("details.fold").first, visitor.page.locator("div.solution details.fold").first):
        answer = fold.locator("pre").first
        assert not answer.is_visible()
        fold.locator("summary").focus()
        visitor.page.keyboard.press("Enter")
        answer.wait_for(state="visible", timeout=5000)
    visitor.context.close()


def test_answers_and_solutions_are_open_in_print(browser, origin):
    visitor = Visitor(browser, origin, java_script_enabled=False)
    visitor.page.goto(origin + CHAPTER)
    visitor.page.emulate_media(media="print")
    heights = visitor.page.locator("details.fold > div").evaluate_all(
        "folds => folds.map(fold => fold.checkVisibility({contentVisibilityAuto: true}) && fold.offsetHeight)"
    )
    assert len(heights) > 5 and all(height > 20 for height in heights)
    visitor.context.close()


def test_a_link_into_an_answer_opens_it(visitor, origin):
    visitor.page.goto(origin + CHAPTER + "#claim-07")
    fold = visitor.page.locator("details.fold:has(#claim-07)")
    assert fold.count() == 1 and fold.get_attribute("open") is not None


# --- previews


def test_every_link_to_a_term_an_equation_a_figure_or_a_claim_has_a_preview_of_it(parsed):
    seen = 0
    for name, page in parsed.items():
        previews = {preview["data-for"]: preview for preview in page.select("template.preview")}
        for link in page.select("article a.reference.internal"):
            path, _, anchor = link["href"].partition("#")
            target = parsed[urljoin(name, path)].find(id=anchor) if anchor else None
            if target and re.match("term-|equation-|fig-|claim-", anchor):
                compare(previews[link["href"]], target, anchor, parsed)
                seen += 1
    assert seen > 200


def compare(preview, target, anchor, parsed):
    shown = words(preview)
    if anchor.startswith("term-"):
        assert shown == words(target.find_next("dd"))
    elif anchor.startswith("equation-"):
        assert shown and shown in words(target)
    elif anchor.startswith("fig-"):
        images = [(image["src"].split("/")[-1], image["alt"]) for image in (preview.img, target.img)]
        assert images[0] == images[1]
        assert shown == words(target.select_one(".caption-text")).rstrip("#").strip()
    else:
        ledger = parsed["chapters/the-lecture-claim-by-claim.html"]
        [row] = [row for row in ledger.select("tr") if row.a and row.a["href"].endswith("#" + anchor)]
        assert shown == " ".join(words(cell) for cell in row.select("td")[1:])


def link_to(visitor, origin, start):
    visitor.page.goto(origin + CHAPTER)
    visitor.page.wait_for_function("window.MathJax?.startup?.promise")
    link = visitor.page.locator(f"article p a.reference.internal[href*='#{start}']").first
    link.scroll_into_view_if_needed()
    return link, visitor.page.locator("#preview")


@pytest.mark.parametrize("start", ["term-", "equation-", "fig-"])
def test_a_preview_shows_under_the_pointer_and_lets_it_in(visitor, origin, start):
    link, preview = link_to(visitor, origin, start)
    assert preview.count() == 0
    link.hover()
    preview.wait_for(timeout=5000)
    assert visitor.page.locator("#preview mjx-container, #preview img, #preview p").count() > 0
    box = preview.bounding_box()
    visitor.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=8)
    visitor.page.wait_for_timeout(800)
    assert preview.is_visible()
    visitor.page.mouse.move(1, 1)
    preview.wait_for(state="detached", timeout=5000)
    assert (visitor.complaints, visitor.left) == ([], [])


def test_a_preview_follows_the_keyboard_and_leaves_at_escape(visitor, origin):
    link, preview = link_to(visitor, origin, "term-")
    visitor.page.keyboard.press("Tab")  # from now on the focus is the keyboard's
    link.focus()
    preview.wait_for(timeout=5000)
    assert link.get_attribute("aria-describedby") == "preview" and preview.get_attribute("role") == "tooltip"
    visitor.page.keyboard.press("Escape")
    assert preview.count() == 0 and link.get_attribute("aria-describedby") is None
    assert link.evaluate("link => link === document.activeElement")
    link.blur()
    link.focus()
    preview.wait_for(timeout=5000)
    link.blur()
    assert preview.count() == 0


def test_a_preview_stays_on_the_screen_of_a_phone(visitor, origin):
    visitor.page.set_viewport_size(PHONE)
    link, preview = link_to(visitor, origin, "fig-")
    visitor.page.keyboard.press("Tab")
    link.focus()
    preview.wait_for(timeout=5000)
    box = preview.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]
    assert visitor.page.evaluate("document.scrollingElement.scrollWidth") == PHONE["width"]


def test_a_touch_follows_the_link(browser, origin):
    visitor = Visitor(browser, origin, has_touch=True)
    link, preview = link_to(visitor, origin, "term-")
    link.tap()
    visitor.page.wait_for_url("**/glossary.html#term-*", timeout=5000)
    visitor.context.close()


def test_a_preview_of_a_term_asks_for_nothing(visitor, origin):
    link, preview = link_to(visitor, origin, "term-")
    asked = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    link.hover()
    preview.wait_for(timeout=5000)
    visitor.page.wait_for_timeout(300)
    assert [url for url in asked if "/mathjax/" not in url] == []


# --- numbers, neighbors, notebooks


PATTERNS = {
    ".caption-number": r"(?:Fig\.|Exercise) (\d+)\.(\d+)",
    "span.eqno": r"\((\d+)\.(\d+)\)#?",
}


def test_chapters_figures_equations_and_exercises_are_numbered_alike(parsed):
    for number, slug in enumerate(CHAPTERS, 1):
        page = parsed[f"chapters/{slug}.html"]
        assert words(page.article.h1).startswith(f"{number}. ")
        for name, pattern in PATTERNS.items():
            found = [re.fullmatch(pattern, words(place)).groups() for place in page.select("article " + name)]
            assert {chapter for chapter, _ in found} == {str(number)}, f"{slug}: {name}, at least one"
            for kind in ("Fig", "Exer", "("):
                counts = [
                    int(count)
                    for place, (_, count) in zip(page.select("article " + name), found)
                    if words(place).startswith(kind)
                ]
                assert counts == list(range(1, len(counts) + 1)), slug


def test_previous_and_next_say_where_they_lead(parsed):
    contents = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    order = re.findall(r"^(?:root:| *- file:) *(\S+)", contents, flags=re.M)
    for before, after in zip(order, order[1:]):
        for here, there, side in ((before, after, "next"), (after, before, "prev")):
            link = parsed[f"{here}.html"].select_one(f".prev-next-area a[class$={side}]")
            assert urljoin(f"{here}.html", link["href"]) == f"{there}.html"
            assert words(link.select_one(".prev-next-title")) == words(parsed[f"{there}.html"].article.h1).rstrip("#")


def test_each_chapter_gives_its_notebook_as_it_was_executed(parsed, site):
    for slug in NOTEBOOKS:
        [link] = [link for link in parsed[f"chapters/{slug}.html"].select("article a[download]")]
        notebook = nbformat.read(site / "chapters" / link["href"], 4)
        stored = nbformat.read(ROOT / "chapters" / f"{slug}.ipynb", 4)
        kept = [[(cell.source, bool(cell.get("outputs"))) for cell in book.cells] for book in (notebook, stored)]
        assert kept[0] == kept[1]
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
        assert words(link) == "Download this notebook"


# --- descriptions and addresses


def test_every_page_describes_itself(parsed):
    told = {}
    for name, page in parsed.items():
        [description] = page.select("meta[name=description]")
        shared = {meta["property"]: meta["content"] for meta in page.select("meta[property^='og:']")}
        assert shared["og:title"] and shared["og:description"] == description["content"], name
        told[name] = description["content"]
    told = {name: text for name, text in told.items() if name.startswith(("chapters/", "index"))}
    assert len(set(told.values())) == len(told) > 14
    for name, text in told.items():
        assert 40 < len(text) <= 200 and re.search(r"[.?!]$", text) and "\\" not in text, (name, text)


def test_without_an_address_nothing_is_absolute(parsed, site):
    for name, page in parsed.items():
        assert not page.select("link[rel=canonical], meta[property='og:url'], meta[property='og:image']"), name
    missing = parsed["404.html"]
    own = [tag.get("href") or tag.get("src") for tag in missing.select("[href], [src]")]
    assert own and not [address for address in own if address.startswith("/")]
    assert not (site / "sitemap.xml").exists() and (site / ".nojekyll").exists()


CONF = """
import sys
sys.path.insert(0, TOOLS)
project, html_theme, root_doc = "A book", "sphinx_book_theme", "index"
extensions, html_context = ["myst_parser", "_ext.publish"], {"default_mode": "light"}
"""


@pytest.mark.parametrize("address", ["https://example.org/a/b", "https://example.org/a/b/"])
def test_one_setting_gives_every_address(tmp_path, monkeypatch, browser, address):
    (tmp_path / "conf.py").write_text(CONF.replace("TOOLS", repr(str(ROOT))), encoding="utf-8")
    (tmp_path / "chapters").mkdir()
    (tmp_path / "index.md").write_text("# Start\n\nFirst page.\n\n```{toctree}\nchapters/one\n```\n", encoding="utf-8")
    opening = 'Is this `"one"` & only? It is. ' + "A longer sentence follows here. " * 9
    (tmp_path / "chapters" / "one.md").write_text("# One\n\n" + opening, encoding="utf-8")
    monkeypatch.setenv("BOOK_URL", address)
    hosted = tmp_path / "host"
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-b", "html", tmp_path, hosted / "a" / "b"],
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0 and done.stderr == ""
    page = BeautifulSoup((hosted / "a/b/chapters/one.html").read_text(encoding="utf-8"), "html.parser")
    assert page.find("link", rel="canonical")["href"] == "https://example.org/a/b/chapters/one.html"
    shared = {meta["property"]: meta["content"] for meta in page.select("meta[property^='og:']")}
    assert shared["og:url"] == "https://example.org/a/b/chapters/one.html"
    assert shared["og:image"] == "https://example.org/a/b/_static/cover.png"
    assert (ROOT / "assets" / "cover.png").exists()
    assert shared["og:description"] == 'Is this "one" & only? It is.' + " A longer sentence follows here." * 5
    pages = re.findall("<loc>(.*?)</loc>", (hosted / "a/b/sitemap.xml").read_text(encoding="utf-8"))
    assert pages == ["https://example.org/a/b/chapters/one.html", "https://example.org/a/b/index.html"]
    with served(hosted) as origin:  # and the page for what is not there, shown at a depth of three
        visitor = Visitor(browser, origin)
        body = (hosted / "a/b/404.html").read_text(encoding="utf-8")
        visitor.page.route("**/no/such/page", lambda route: route.fulfill(body=body, content_type="text/html"))
        visitor.page.goto(origin + "a/b/no/such/page")
        assert visitor.page.locator("article h1").inner_text() == "Not here"
        assert visitor.page.evaluate("getComputedStyle(document.body).display") == "flex"  # it has its style sheets
        assert visitor.complaints == []
        visitor.page.locator("article a").first.click()
        assert visitor.page.url == origin + "a/b/index.html"
        visitor.context.close()


def test_the_page_for_what_is_not_there_leads_back(visitor, origin):
    visitor.page.goto(origin + "404.html")
    assert visitor.page.title().startswith("Not here")
    visitor.page.locator("article a").first.click()
    assert "Softmax" in visitor.page.locator("article h1").inner_text()
    assert (visitor.complaints, visitor.left) == ([], [])


# --- the first page


def test_the_first_page_has_a_way_in_for_each_reader(parsed):
    page = parsed["index.html"]
    cards = {words(card.select_one(".sd-card-title")): card.a["href"] for card in page.select(".sd-card")}
    assert list(cards) == ["You study", "You write code", "You teach"]
    assert all(parsed[address.partition("#")[0]] for address in cards.values())


def escape_time(speed, z):
    """The time of dz/dτ = speed(z) from z to 0, by Gauss-Legendre quadrature on short pieces."""
    points, weights = np.polynomial.legendre.leggauss(40)
    ends = np.linspace(z, 0, 41)
    middles, halves = (ends[1:] + ends[:-1]) / 2, np.diff(ends) / 2
    return (halves * (weights / speed(middles[:, None] + halves[:, None] * points)).sum(axis=1)[None]).sum()


def test_the_taste_tells_the_times(visitor, origin):
    visitor.page.goto(origin)
    slider = visitor.page.get_by_label("The unit answers")
    slider.wait_for()
    shown = visitor.page.locator("data[data-name=squared-error-seconds]")
    y = lambda z: 1 / (1 + np.exp(-z))
    rest = lambda z: 1 / (1 + np.exp(z))
    for exponent in range(-9, 0):
        slider.fill(str(exponent))
        start = np.log(10.0**exponent) - np.log1p(-(10.0**exponent))
        expected = escape_time(lambda z: y(z) * rest(z) ** 2, start) / escape_time(rest, start)
        assert np.isclose(float(shown.get_attribute("value")), expected, rtol=1e-9)
    assert shown.inner_text() == "5.8 seconds"
    slider.focus()
    visitor.page.keyboard.press("Home")
    assert shown.inner_text() == "1.5 years"
    assert (visitor.complaints, visitor.left) == ([], [])


def test_the_taste_is_a_sentence_without_scripts(browser, origin):
    visitor = Visitor(browser, origin, java_script_enabled=False)
    visitor.page.goto(origin)
    assert "a year and a half" in visitor.page.locator("#fig-explore-taste").inner_text()
    visitor.context.close()


@pytest.mark.parametrize("scheme, name", [("light", "logo.svg"), ("dark", "logo-dark.svg")])
def test_the_logo_suits_light_and_dark(browser, origin, scheme, name):
    visitor = Visitor(browser, origin, color_scheme=scheme)
    visitor.page.goto(origin)
    logos = [image for image in visitor.page.locator("img.logo__image").all() if image.is_visible()]
    assert [logo.get_attribute("src").split("/")[-1] for logo in logos] == [name]
    visitor.context.close()


# --- the build without solutions


@pytest.fixture(scope="module")
def exercises():
    done = subprocess.run(
        [sys.executable, "-m", "scripts.book", "exercises"], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "_build" / "exercises" / "_build" / "html"


def solution_lines(parsed):
    """Lines of code and sentences that stand in solutions, and nowhere else in the book."""
    within, without = set(), []
    for slug in CHAPTERS:
        article = BeautifulSoup(str(parsed[f"chapters/{slug}.html"].article), "html.parser")
        for box in article.select("div.solution"):
            for part in box.select("div.solution details pre, details p"):
                lines = map(str.strip, re.split(r"\n|(?<=[.?!]) ", part.get_text()))
                within |= {line for line in lines if len(line) > 30}
            box.decompose()
        without.append(article.get_text())
    rest = " ".join(" ".join(without).split())
    return {line for line in within if " ".join(line.split()) not in rest}


def test_no_solution_is_left_without_solutions(parsed, exercises):
    lines = solution_lines(parsed)
    assert len(lines) > 300
    pages = [path for path in exercises.rglob("*") if path.suffix in (".html", ".ipynb", ".md", ".json", ".txt")]
    assert sum(path.suffix == ".ipynb" for path in pages) >= 2 * len(CHAPTERS) - 1  # to download, and live
    for path in pages:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            text = "\n".join(cell.source for cell in nbformat.reads(text, 4).cells)
        elif path.suffix == ".html":
            text = html.unescape(re.sub("<[^>]*>", "", text))
        text = " ".join(text.split())
        assert [line for line in lines if " ".join(line.split()) in text] == [], path
        assert "{solution-" not in text and "Solution to" not in text, path


def test_the_search_without_solutions_knows_no_word_of_theirs(parsed, exercises):
    stem = snowballstemmer.stemmer("porter").stemWord
    within, rest = set(), set()
    for page in parsed.values():
        article = BeautifulSoup(str(page.article), "html.parser")
        for box in article.select("div.solution"):
            within |= set(re.findall(r"[a-z]{7,}", box.get_text().lower()))
            box.decompose()
        rest |= set(re.findall(r"[a-z]+", article.get_text().lower()))
    index = json.loads(
        (exercises / "searchindex.js").read_text(encoding="utf-8").removeprefix("Search.setIndex(").removesuffix(")")
    )
    known = set(index["terms"]) | set(index["titleterms"])
    rest = {stem(word) for word in rest}
    secret = {stem(word) for word in within} - rest
    assert len(secret) > 10 and secret & known == set()
    assert len(known & rest) > 1000


def test_the_exercises_themselves_stay(parsed, exercises):
    for slug in CHAPTERS:
        page = BeautifulSoup((exercises / "chapters" / f"{slug}.html").read_text(encoding="utf-8"), "html.parser")
        tasks = [words(task) for task in page.select("div.exercise")]
        assert tasks == [words(task) for task in parsed[f"chapters/{slug}.html"].select("div.exercise")] != []
        assert page.select("div.solution") == []


MAKERS = ast.FunctionDef, ast.ClassDef, ast.ExceptHandler


def test_later_cells_need_no_name_that_only_a_solution_makes(exercises):
    """The notebooks without solutions still run: what the other cells read, the other cells make."""
    for path in sorted((exercises / "_sources" / "chapters").glob("*.ipynb")):
        made = set(dir(builtins))
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type == "code":
                tree = ast.parse(cell.source)
                made |= {node.name for node in ast.walk(tree) if isinstance(node, MAKERS)}
                made |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
                made |= {
                    (name.asname or name.name).split(".")[0]
                    for node in ast.walk(tree)
                    if isinstance(node, (ast.Import, ast.ImportFrom))
                    for name in node.names
                }
                names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
                made |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
                assert {name.id for name in names} - made == set(), f"only a solution makes these for {path}"


# --- publishing


def test_the_workflow_publishes_what_was_tested_with_the_least_rights():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "publish.yml").read_text(encoding="utf-8"))
    tests = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert workflow[True]["workflow_run"]["workflows"] == [tests["name"]]  # YAML reads `on` as true
    assert workflow[True]["workflow_run"]["branches"] == ["main"]
    condition = " ".join(workflow["jobs"]["build"]["if"].split())
    run = "github.event.workflow_run"  # of this repository, not of a fork whose branch is called main
    assert condition == (
        f"github.event_name == 'workflow_dispatch' || ({run}.conclusion == 'success' && {run}.event == 'push')"
    )
    assert workflow["jobs"]["deploy"]["needs"] == "build"
    assert workflow["permissions"] == {}
    rights = {name: job["permissions"] for name, job in workflow["jobs"].items()}
    assert rights == {"build": {"contents": "read", "pages": "read"}, "deploy": {"pages": "write", "id-token": "write"}}
    steps = workflow["jobs"]["build"]["steps"]
    assert steps[0]["uses"].startswith("actions/checkout@")
    assert steps[0]["with"] == {"ref": f"${{{{ {run}.head_sha || github.sha }}}}", "persist-credentials": False}
    [command] = [step for step in steps if "run" in step]
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M)
    assert command["run"].split()[:2] == ["make", "book"] and set(command["run"].split()[1:]) <= set(targets)
    assert "BOOK_URL" in command["env"] and "BOOK_URL" in (ROOT / "_ext" / "publish.py").read_text(encoding="utf-8")
    [upload] = [step for step in steps if step.get("uses", "").startswith("actions/upload-pages-artifact")]
    assert upload["with"]["path"] == Path("_build/html").as_posix()
