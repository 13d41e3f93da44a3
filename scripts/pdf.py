"""Print the book: python -m scripts.pdf [exercises]

The pages of the built site are joined into one page, in the order of the contents, and Chromium prints it. The PDF
thus has the numbers, figures and formulas of the site. Answers and solutions stand at the end of each chapter. The
reference of smlib stays on the site. The result is _build/pdf/softmax.pdf, with a copy in the site.

With `exercises`, the book is printed without its solutions: _build/exercises/_build/pdf/softmax.pdf.
"""

import html
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from io import BytesIO
from urllib.parse import unquote, urljoin, urlsplit

import pikepdf
import yaml
from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright

from _ext.faces import made
from _ext.lookup import GLOSSARY, has
from scripts.book import EXERCISES, ROOT, SITE, Failure, exercises, site
from scripts.browser import find_browser
from scripts.notebooks import contents

PDF = "softmax.pdf"  # in the folder pdf, next to the site
LEFT_OUT = {"chapters/api"}
INDEX = "word-index"  # a page that only the PDF has
SEE = {
    "embedding": "feature vector",
    "log loss": "cross-entropy",
    "mean squared error": "squared error",
    "nucleus sampling": "top-p",
    "sigmoid": "logistic function",
    "word vector": "feature vector",
}
PLACE = "<!-- pdf -->"  # where the link goes on the first page of the site
FLAGS = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]  # no network
PATIENCE = 300_000  # milliseconds
NEEDS_BROWSER = """`make pdf` prints with Chromium, and none was found.
Install it so that `chromium-headless-shell`, `chromium` or `google-chrome` is a command: on Debian
`apt-get install chromium-headless-shell fonts-liberation`, elsewhere Chromium or Google Chrome."""

FAMILIES = [("text", "Print Text", "normal"), ("text-italic", "Print Text", "italic"), ("code", "Print Code", "normal")]
SCREEN_ONLY = "a.headerlink, p.run, p.chapter-links, summary, template, button, script, nav, form"

# Set in smaller letters what is wider than the page, after the fonts have arrived.
FIT = """async () => {
  await document.fonts.ready;
  document.querySelectorAll("pre, .formula, table").forEach(wide => {
    const size = parseFloat(getComputedStyle(wide).fontSize);
    for (let part = 1; wide.scrollWidth > wide.clientWidth && part > 0.5; part -= 0.02)
      wide.style.fontSize = part * size + "px";
  });
}"""
HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map(heading => heading.textContent)"""
# The numbers of pages, which are known after a first print: where they lead to, and how they are filled in.
PLACES = """() => [...document.querySelectorAll(".number")].map(number => number.closest("a").hash.slice(1))"""
# The index has them in order, and each once.
NUMBER = """numbers => {
  document.querySelectorAll(".number").forEach((place, i) => place.textContent = numbers[i]);
  document.querySelectorAll(".word-index li").forEach(entry => {
    const pages = new Map([...entry.querySelectorAll("& > a")].map(link => [+link.textContent, link]));
    entry.querySelectorAll("& > a").forEach(link => link.remove());
    entry.firstChild.after(...[...pages].sort((a, b) => a[0] - b[0]).map(page => page[1]));
  });
}"""


# --- the pages of the site, joined


def settings():
    """Return the settings of the book."""
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


def parts():
    """Return [(title of a part, [page, ...]), ...] of what is printed."""
    return [(part, [page for page in pages if page not in LEFT_OUT]) for part, pages in contents()]


def one_page(folder, subtitle=""):
    """Return the book whose site is in a folder as one HTML page."""
    pages = [page for _, chapters in parts() for page in chapters]
    articles = {page: article(folder, page, {"index", *pages}) for page in ["index", *pages]}
    first = articles.pop("index")
    figures = list_of_figures(articles.values())
    articles[INDEX] = word_index(articles)
    titles = {page: text.h1.get_text() for page, text in articles.items()}
    title = settings()["title"] + (f", {subtitle}" if subtitle else "")
    body = [title_page(first, subtitle), contents_page(titles), figures]
    body += [f'<div id="{name(page)}" style="page: {name(page)}">{text}</div>' for page, text in articles.items()]
    feet = [
        f'@page {name(page)}:{side} {{ @bottom-{inner} {{ content: "{titles[page]}"; }} }}'
        for page in titles
        for side, inner in (("left", "right"), ("right", "left"))
    ]
    style = (ROOT / "scripts" / "pdf.css").read_text(encoding="utf-8") + face_rules(folder) + "\n".join(feet)
    return f"""<!DOCTYPE html>
<html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{html.escape(title)}</title>
{head(folder, pages[0])}
<style>{style}</style></head><body>{"".join(body)}</body></html>"""


def read(folder, page):
    """Return a page of a site as a tree."""
    return BeautifulSoup((folder / f"{page}.html").read_text(encoding="utf-8"), "lxml")


def head(folder, page):
    """Return the tags of the style sheets."""
    tags = [tag for tag in read(folder, page).head("link") if "stylesheet" in tag["rel"]]
    for tag in tags:
        relocate(tag, page)
    return "\n".join(map(str, tags))


def face_rules(folder):
    """Return the rules for the faces of text and code in single weights: a PDF embeds no face that varies."""
    rules = ""
    for name, family, style in FAMILIES:
        for weight in (400, 700):
            file = made(name, folder.parent / "faces", wght=weight)
            rules += f'@font-face {{ font-family: "{family}"; font-style: {style}; font-weight: {weight}; '
            rules += f'src: url("../faces/{file.name}"); }}\n'
    return rules


def relocate(tag, page):
    """Make the address in a tag relative to the folder of the PDF."""
    for key in {"src", "href"} & tag.attrs.keys():
        tag[key] = "../html/" + urljoin(page, tag[key])


def article(folder, page, pages):
    """Return the article of a page, unfolded, with ids and links that are valid in the whole book."""
    text = read(folder, page).select_one("article.bd-article")
    put_at_the_end(text, "answer")
    put_at_the_end(text, "solution")
    for tag in text.select(SCREEN_ONLY):
        tag.decompose()
    for tag in text("details"):
        tag.unwrap()
    for tag in text("img"):
        tag.attrs.pop("loading", None)  # all must be there when the page is printed
        relocate(tag, page)
    for tag in text.select("[id]"):
        tag["id"] = name(page, tag["id"])
    for link in text("a", href=True):
        target = inside(page, link["href"], pages)
        if target:
            link["href"] = target
        else:
            link.unwrap()
    return text


def put_at_the_end(text, kind):
    """Move the answers or the solutions of an article to its end, and leave a link to each in its place."""
    folds = [fold for fold in text.select("details.fold") if fold.summary.get_text() == f"The {kind}"]
    end = tag(f'<section class="{kind}s"><h2>{kind.capitalize()}s</h2></section>')
    for count, fold in enumerate(folds, 1):
        question = fold.find_previous("div", class_="tip" if kind == "answer" else "exercise")
        question["id"] = question.get("id", f"question-{count}")
        title, called = question.p.get_text(), "The solution"
        if kind == "answer":
            title = called = f"Answer {count}"
        place = fold.find_parent("div", class_="solution") or fold
        place.insert_before(tag(f"<p>{called} is on {page_link(f'{kind}-{count}')}.</p>"))
        end.append(tag(f'<h3 id="{kind}-{count}">{title}</h3>'))
        end.append(tag(f"<p>The question is on {page_link(question['id'])}.</p>"))
        end.append(fold.div.extract())
        place.decompose()
    if folds:
        text.append(end)


def tag(markup):
    """Return an element of HTML."""
    return BeautifulSoup(markup, "html.parser").contents[0].extract()


def page_link(place, word="page "):
    """Return a link that is the number of the page of a place, with a word before it."""
    return f'<a href="#{place}">{word}<span class="number">000</span></a>'


def name(page, anchor=""):
    """Return the id of a place of the site in the whole book: two pages may use the same anchor."""
    return "at-" + page.rpartition("/")[2] + (f"--{anchor}" if anchor else "")


def inside(page, href, pages):
    """Return where a link leads from within the book, or "" if its page is not in the book."""
    if urlsplit(href).scheme:
        return href
    parts = urlsplit(urljoin(f"{page}.html", href))
    target = parts.path.removesuffix(".html")
    return f"#{name(target, unquote(parts.fragment))}" if target in pages else ""


def title_page(first, subtitle):
    """Return the title page: title, motto and picture of the first page of the site."""
    author, licenses = settings()["author"], settings()["sphinx"]["config"]["html_theme_options"]["extra_footer"]
    lines = "<br>".join(filter(None, [subtitle.capitalize(), author.capitalize(), edition(), licenses]))
    return f"""<header class="title-page bd-article" id="{name("index")}">
{first.h1}{first.select_one(".lead")}{first.img}<p>{lines}</p></header>"""


def edition():
    """Return the version, and the date: SOURCE_DATE_EPOCH, or that of the last commit, or of the last release."""
    about = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    if seconds is None and (ROOT / ".git").exists() and shutil.which("git"):
        seconds = subprocess.check_output(["git", "log", "-1", "--format=%ct"], cwd=ROOT, text=True)
    date = datetime.fromtimestamp(int(seconds), UTC) if seconds else about["date-released"]
    return f"Version {about['version']}, {date:%B} {date.day}, {date.year}"


def contents_page(titles):
    """Return the table of contents."""
    lists = ""
    for part, pages in parts():
        lists += f"<h2>{part}</h2><ul>{''.join(entry(name(page), titles[page]) for page in pages)}</ul>"
    lists += f"<ul>{entry(name(INDEX), titles[INDEX])}</ul>"
    return f'<nav class="contents-page bd-article"><h1>Contents</h1>{lists}</nav>'


def entry(place, title):
    """Return one line of a table of contents."""
    return f'<li><a href="#{place}"><span>{title}</span><i></i><span class="number">000</span></a></li>'


def list_of_figures(articles):
    """Return the numbers and the first sentences of the captions, with their pages."""
    figures = [figure for text in articles for figure in text.select("figure[id]:has(.caption-number)")]
    lines = "".join(entry(figure["id"], short(figure.figcaption.p)) for figure in figures)
    return f'<nav class="contents-page bd-article"><h1>List of figures</h1><ul>{lines}</ul></nav>'


def short(caption):
    """Return the number of a figure and the first sentence of its caption, without links."""
    text = re.sub(r"</?a\b[^>]*>", "", caption.select_one(".caption-text").decode_contents())
    sentence = re.split(r"(?<=[.?])((?:</\w+>)*)\s+(?=[A-Z<])", text)[:2]
    return f"{caption.select_one('.caption-number')}{''.join(sentence)}"


def word_index(articles):
    """Return the index: the pages that are about each term of the glossary, and in bold the one that explains it."""
    lines = {word: f"{word}, <em>see</em> {other}" for word, other in SEE.items()}
    texts = [text(["h1", "h2", "h3", "a", "em"]) for page, text in articles.items() if page != GLOSSARY]
    for term in articles[GLOSSARY].select("dt[id]"):
        about = [mark for parts in texts for mark in marks(term, parts)]
        for number, mark in enumerate(about, 1):
            mark.attrs.setdefault("id", f"in-{INDEX}-{term['id']}-{number}")
        links = "".join(page_link(mark["id"], "") for mark in about)
        lines[term.get_text()] = f"{term.get_text()}{links}<b>{page_link(term['id'], '')}</b>"
    entries = "".join(f"<li>{lines[word]}</li>" for word in sorted(lines, key=str.casefold))
    return tag(f'<article class="bd-article"><h1>Index</h1><ul class="{INDEX}">{entries}</ul></article>')


def marks(term, parts):
    """Return the parts of an article that are about a term: links to it, the word in italics, headings with it."""
    word, link = term.get_text().lower(), f"#{term['id']}"
    links = [part for part in parts if part.get("href") == link]
    slanted = [part for part in parts if part.name == "em" and part.get_text().lower() == word]
    headings = [part for part in parts if part.name[0] == "h" and has(part.get_text(), word)]
    return links + slanted + headings if links or slanted else []


# --- the page, printed


def lay_out(page, pdf):
    """Open the book in a tab, laid out for print."""
    page.set_default_timeout(PATIENCE)
    page.emulate_media(media="print")
    page.goto(pdf.with_name("book.html").as_uri())
    page.evaluate(FIT)


def printed(page, **options):
    """Print the tab and return the PDF."""
    return pikepdf.open(BytesIO(page.pdf(prefer_css_page_size=True, print_background=True, **options)))


def page_numbers(pdf, places):
    """Return the numbers of the pages on which places are."""
    return [pikepdf.Page(pdf.Root.Dests[f"/{place}"][0]).index + 1 for place in places]


def finish(pdf, title, headings):
    """Add metadata, and correct the bookmarks: Chromium joins two words where the line of a heading ends."""
    with pdf.open_outline() as outline:
        for bookmark, heading in zip(bookmarks(outline.root), headings, strict=True):
            bookmark.title = heading
            bookmark.is_closed = True
    with pdf.open_metadata() as metadata:
        metadata["dc:title"] = title
        metadata["dc:creator"] = [settings()["author"]]
        metadata["dc:language"] = ["en"]
    pdf.Root.PageMode = pikepdf.Name.UseOutlines
    pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)


def bookmarks(items):
    """Yield all bookmarks of an outline, depth first."""
    for item in items:
        yield item
        yield from bookmarks(item.children)


def put_into(folder, pdf):
    """Copy the PDF into the site, then link to it from the first page."""
    shutil.copy(pdf, folder)
    link = f'<a class="reference" href="{PDF}">The whole book as a PDF</a>'
    first, new = folder / "index.html", folder / "index.html.new"
    new.write_text(first.read_text(encoding="utf-8").replace(PLACE, link), encoding="utf-8")
    new.replace(first)


def main(what="book"):
    """Print the book, or the book without its solutions. The site is built first if necessary."""
    if what not in ("book", "exercises"):
        raise SystemExit(__doc__)
    executable = find_browser()
    if executable is None:
        raise Failure(NEEDS_BROWSER)
    if what == "book":
        site()
        folder, subtitle = SITE, ""
    else:
        exercises()
        folder, subtitle = EXERCISES / "_build" / "html", "without solutions"
    print("Printing the book ...", flush=True)
    pdf = folder.parent / "pdf" / PDF
    pdf.parent.mkdir(exist_ok=True)
    pdf.with_name("book.html").write_text(one_page(folder, subtitle), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        page = browser.new_page()
        lay_out(page, pdf)
        page.evaluate(NUMBER, page_numbers(printed(page), page.evaluate(PLACES)))
        result = printed(page, tagged=True, outline=True)
        finish(result, page.title(), page.evaluate(HEADINGS))
        browser.close()
    result.save(pdf, object_stream_mode=pikepdf.ObjectStreamMode.generate, linearize=True)
    put_into(folder, pdf)
    print(f"The book is printed: open {pdf}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Failure as failure:
        raise SystemExit(f"\n{failure}\n\nStopped: nothing was printed.") from None
