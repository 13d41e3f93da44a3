"""Small corrections to pages that the theme and other extensions write: folded code, titles of solutions, viewports."""

import re

FOLDED_CODE = re.compile(r'<details class="admonition hide above-input">\s*<summary.*?</summary>', re.S)
FOLD = '<details class="fold code"><summary>The code</summary>'
BLANK_LINK = re.compile(r'(<p class="admonition-title">Solution to)(<a [^>]*>) ')


def correct(app, pagename, templatename, context, doctree):
    """Correct the body of a page, and leave one of its two viewports."""
    body = FOLDED_CODE.sub(FOLD, context.get("body", ""))
    context["body"] = BLANK_LINK.sub(r"\1 \2", body)
    context["metatags"] = re.sub(r'<meta name="viewport"[^>]*>\n?', "", context.get("metatags", ""))


def setup(app):
    """Connect the function to Sphinx's event, before the previews are added."""
    app.connect("html-page-context", correct, priority=400)
