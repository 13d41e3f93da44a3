"""Descriptions of the pages, the address of the book, and a page for addresses that do not exist.

The address of the published book is the setting `html.baseurl`, or BOOK_URL in the environment. All absolute
addresses are derived from it. Without it, all addresses are relative, and the site works in any folder.
"""

import html
import os
import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from xml.sax.saxutils import escape

from docutils import nodes

SITEMAP = """<?xml version="1.0" encoding="utf-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
{}</urlset>
"""
LONGEST = 200  # characters of a description: search engines cut longer ones
COVER = "_static/cover.png"
COVER_ALT = "Eight wrong answers learn: under squared error none comes far, under cross-entropy all come close."


def set_address(app, config):
    """Set the address of the book, and add the page 404.html."""
    address = os.environ.get("BOOK_URL") or config.html_baseurl
    if not address:
        return app.connect("html-collect-pages", lambda app: [("404", not_here(""), "page.html")])
    config.html_baseurl = address.rstrip("/") + "/"
    app.setup_extension("notfound.extension")  # makes the links of 404.html absolute, so that they work at any depth
    config.notfound_urls_prefix = urlsplit(config.html_baseurl).path
    config.notfound_context = not_here(config.notfound_urls_prefix)


def not_here(root):
    """Return the title and the body of 404.html, with links relative to `root`."""
    return {
        "title": "Not here",
        "body": f"""<h1>Not here</h1>
<p>There is no page at this address. A slip of the pen, or a chapter that has moved?</p>
<p>Begin at <a href="{root}index.html">the first page</a>, take a chapter from the contents, or
<a href="{root}search.html">search the book</a>.</p>
""",
    }


def describe(app, pagename, templatename, context, doctree):
    """Add a description for search engines to a page, and OpenGraph's tags for links to it."""
    meta = context.get("meta") or {}
    words = meta.get("description") or opening(doctree) or app.config.html_title
    tags = {
        "og:type": "article" if pagename.startswith("chapters/") else "website",
        "og:site_name": app.config.html_title,
        "og:title": html.unescape(re.sub("<.*?>", "", context.get("title", app.config.html_title))),
        "og:description": words,
    }
    if app.config.html_baseurl:
        image = urljoin(app.config.html_baseurl, COVER)
        tags |= {"og:url": context["pageurl"], "og:image": image, "og:image:alt": COVER_ALT}
    context["metatags"] = context.get("metatags", "") + "".join(
        f'<meta {kind}="{name}" content="{html.escape(value)}" />\n'
        for kind, name, value in [("name", "description", words), *(("property", *tag) for tag in tags.items())]
    )


def opening(doctree):
    """Return the first sentences of a page: as many as fit in a description, and at least one."""
    paragraph = next(doctree.findall(nodes.paragraph), None) if doctree else None
    text = " ".join(paragraph.astext().split()) if paragraph else ""
    text = re.sub(r" \[[^]]*, \d{4}\w?\]", "", text)  # citations
    first, *others = re.split(r"(?<=[.?!]) ", text)
    for sentence in others:
        if len(first) + 1 + len(sentence) > LONGEST:
            break
        first += " " + sentence
    return first


def list_pages(app, error):
    """Write a sitemap if the book has an address."""
    if error is None and app.builder.name == "html" and app.config.html_baseurl:
        pages = sorted(map(app.builder.get_target_uri, app.env.found_docs))
        places = "".join(f"<url><loc>{escape(urljoin(app.config.html_baseurl, page))}</loc></url>\n" for page in pages)
        Path(app.outdir, "sitemap.xml").write_text(SITEMAP.format(places), encoding="utf-8")


def setup(app):
    """Connect the functions to Sphinx's events."""
    app.connect("config-inited", set_address)
    app.connect("html-page-context", describe)
    app.connect("build-finished", list_pages)
