"""Descriptions of the pages, absolute addresses if the book has one, and the page for addresses that do not exist."""

import re
import subprocess
import sys

import pytest

from tests.site.browser import ROOT, Visitor, served
from tests.site.parsing import tree


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


@pytest.mark.parametrize(
    "address", ["https://example.org/a/b", pytest.param("https://example.org/a/b/", marks=pytest.mark.rare)]
)
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
    page = tree(hosted / "a" / "b" / "chapters" / "one.html")
    assert page.find("link", rel="canonical")["href"] == "https://example.org/a/b/chapters/one.html"
    shared = {meta["property"]: meta["content"] for meta in page.select("meta[property^='og:']")}
    assert shared["og:url"] == "https://example.org/a/b/chapters/one.html"
    assert shared["og:image"] == "https://example.org/a/b/_static/cover.png"
    assert (ROOT / "assets" / "cover.png").exists()
    assert shared["og:description"] == 'Is this "one" & only? It is.' + " A longer sentence follows here." * 5
    pages = re.findall("<loc>(.*?)</loc>", (hosted / "a/b/sitemap.xml").read_text(encoding="utf-8"))
    assert pages == ["https://example.org/a/b/chapters/one.html", "https://example.org/a/b/index.html"]
    with served(hosted) as origin:  # the page for addresses that do not exist, at a depth of three
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
