"""Aids on the pages to look things up: verdicts and chapters in the ledger, first uses of terms, sources with the
chapters that cite them, a list of the functions; and in the chapters a mark at each claim."""

import re

from docutils import nodes
from pybtex.plugin import register_plugin
from pybtex.style.formatting.alpha import Style as Alphabetical
from pybtex.style.template import field, href
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

LEDGER, GLOSSARY, API = "chapters/the-lecture-claim-by-claim", "chapters/glossary", "chapters/api"
VERDICTS = {"holds": "Holds", "condition": "Holds with a condition", "imprecise": "Imprecise"}


def title_of(env, page):
    """Return the title of a page, with the number of its chapter."""
    number = env.toc_secnumbers.get(page, {}).get("", ())
    return " ".join([*(f"{part}." for part in number), env.titles[page].astext()])


def is_section(node):
    """Return True for a section of a page. The content of an exercise is called a section, too."""
    return isinstance(node, nodes.section) and isinstance(node.parent, (nodes.document, nodes.section))


def link(text, address, **more):
    """Return a link within the book."""
    return nodes.reference("", text, internal=True, refuri=address, **more)


def paragraph(name, *parts):
    """Return a paragraph of a class. Strings are text."""
    return nodes.paragraph("", "", *(nodes.Text(p) if isinstance(p, str) else p for p in parts), classes=[name])


# --- the ledger


def claim_of(row):
    """Return the claim to which a row of the ledger links, or None."""
    links = (xref["reftarget"] for xref in row.findall(addnodes.pending_xref))
    return next((target for target in links if target.startswith("claim-")), None)


def verdict_of(row):
    """Return which of VERDICTS a row gives: its first words in bold."""
    words = next(row.findall(nodes.strong)).astext()
    return "imprecise" if words == "Imprecise." else "holds" if words == "Holds." else "condition"


def badge(verdict):
    """Return a verdict as a badge."""
    return nodes.inline("", VERDICTS[verdict], classes=["verdict", verdict])


def judge(app, doctree):
    """Give each row of the ledger an id and a badge, and count the verdicts above the table."""
    if app.env.docname != LEDGER:
        return
    found = []
    for row in doctree.findall(nodes.row):
        if claim := claim_of(row):
            row["ids"].append(claim.replace("claim", "ledger"))
            found.append(verdict_of(row))
            words = next(row.findall(nodes.strong))
            shown = [badge(found[-1])] + ([nodes.Text(" "), words] if found[-1] == "condition" else [])
            words.replace_self(shown)
    [table] = [node for node in doctree.findall(nodes.container) if "stacked" in node["classes"]]
    counted = [f"{len(found)} claims:"]
    for verdict in VERDICTS:
        times = nodes.Text(f" {found.count(verdict)}")
        counted += [" ", nodes.inline("", "", badge(verdict), times, classes=["count"])]
    table.parent.insert(table.parent.index(table), paragraph("verdicts", *counted))


class Claims(SphinxPostTransform):
    """Group the ledger by chapters, and mark the cell of each claim."""

    default_priority = 5
    builders = ("html",)

    def run(self):
        """Find out which of both the page is."""
        if self.env.docname == LEDGER:
            self.group()
        elif LEDGER in self.env.found_docs:
            self.mark()

    def group(self):
        """Put a row with the chapter before the first of its claims."""
        places, last = self.env.get_domain("std").anonlabels, None
        for row in list(self.document.findall(nodes.row)):
            claim = next((name for name in row["ids"]), "").replace("ledger", "claim")
            page = places[claim][0] if claim else last
            if page != last:
                address = self.app.builder.get_relative_uri(LEDGER, page)
                head = nodes.entry("", paragraph("chapter", link(title_of(self.env, page), address)))
                head["morecols"] = len(row) - 1
                row.parent.insert(row.parent.index(row), nodes.row("", head, classes=["chapter"]))
            last = page

    def mark(self):
        """Put a link to the ledger above the cell of each claim."""
        ledger = self.app.builder.get_relative_uri(self.env.docname, LEDGER)
        for cell in self.document.findall(nodes.container):
            for name in cell["ids"]:
                if re.fullmatch(r"claim-\d\d", name):
                    address = f"{ledger}#{name.replace('claim', 'ledger')}"
                    cell.insert(0, paragraph("claim-mark", link(name.replace("-", " "), address)))


# --- the glossary


class Terms(SphinxPostTransform):
    """Link each term of the glossary to the section that uses it first, and put the letters above."""

    default_priority = 5
    builders = ("html",)

    def run(self):
        """Change the glossary."""
        if self.env.docname != GLOSSARY:
            return
        uses, letters = first_uses(self.env), {}
        for term in self.document.findall(nodes.term):
            letters.setdefault(term.astext()[0].upper(), term["ids"][0])
            if use := uses.get(term.astext().lower()):
                page, anchor = use
                address = f"{self.app.builder.get_relative_uri(GLOSSARY, page)}#{anchor}"
                term.parent[-1] += paragraph("first-use", link(title_of(self.env, page), address))
        row = [part for letter, anchor in letters.items() for part in (link(letter, f"#{anchor}"), " ")]
        heading = next(self.document.findall(nodes.title))
        heading.parent.insert(1, paragraph("letters", *row))


def first_uses(env):
    """Return {term in small letters: page and section to read}: the first that links to it.

    A heading that has the term in it comes before, on a page that links to the term, and a title before other headings.
    """
    found, headings, titles = {}, {}, {}
    for page in sorted(env.found_docs - {GLOSSARY}):
        doctree = env.get_doctree(page)
        for use in doctree.findall(addnodes.pending_xref):
            if use["reftype"] == "term":
                term, section = use["reftarget"].lower(), use.parent
                while not is_section(section):
                    section = section.parent
                found.setdefault(term, (page, section["ids"][0]))
                for section in filter(is_section, doctree.findall(nodes.section)):
                    if has(section[0].astext(), term):
                        known = titles if section.parent is doctree else headings
                        known.setdefault(term, (page, section["ids"][0]))
    return found | headings | titles


def has(heading, term):
    """Return True if a heading has a term as a word of its own."""
    return re.search(rf"(?<![\w-]){re.escape(term)}(?![\w-])", heading.lower()) is not None


# --- the references


class AuthorYear(Alphabetical):
    """A style whose labels are those of the text."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.format_labels = lambda entries: map(author_year, entries)

    def format_url(self, entry):
        """Return a link without the characters of its address."""
        return href(field("url", raw=True))["online"]


def author_year(entry):
    """Return the label of a source, as the text cites it."""
    style = AuthorYearReferenceStyle()
    names = style.person.author_or_editor_or_title(full=False).format_data({"entry": entry, "style": style})
    return f"{names.render_as('text')}, {entry.fields['year']}"


class Citations(SphinxPostTransform):
    """Add to each source the pages that cite it."""

    default_priority = 6  # after the bibliography is there
    builders = ("html",)

    def run(self):
        """Add a line of links to each source."""
        domain = self.env.get_domain("cite")
        keys = {citation.citation_id: citation.key for citation in domain.citations}
        for source in self.document.findall(nodes.citation):
            places = {}
            for use in sorted(domain.citation_refs, key=lambda use: use.docname):
                if keys.get(source["ids"][0]) in {target.key for target in use.targets}:
                    places.setdefault(use.docname, use.citation_ref_id)
            shown = []
            for page, anchor in places.items():
                address = f"{self.app.builder.get_relative_uri(self.env.docname, page)}#{anchor}"
                shown += [", " if shown else "Cited in ", link(title_of(self.env, page), address)]
            source += paragraph("cited-in", *shown)


# --- the functions


def list_functions(app, doctree):
    """Put a list of all functions before the first section of the API page."""
    if app.env.docname != API:
        return
    page, *sections = doctree.findall(nodes.section)
    rows = []
    for section in sections:
        names = [part for desc in section.children if isinstance(desc, addnodes.desc) for part in (entry(desc), ", ")]
        if names:
            head = nodes.term("", "", nodes.reference("", section[0].astext(), internal=True, refid=section["ids"][0]))
            rows.append(nodes.definition_list_item("", head, nodes.definition("", paragraph("names", *names[:-1]))))
    first = next(place for place, node in enumerate(page.children) if isinstance(node, nodes.section))
    page.insert(first, nodes.definition_list("", *rows, classes=["functions"]))


def entry(desc):
    """Return a link to a function: its last name."""
    anchor = desc[0]["ids"][0]
    return nodes.reference("", "", nodes.literal("", anchor.rpartition(".")[2]), internal=True, refid=anchor)


def setup(app):
    """Register the style and the transforms, and connect the functions to Sphinx's events."""
    register_plugin("pybtex.style.formatting", "author_year", AuthorYear)
    for transform in (Claims, Terms, Citations):
        app.add_post_transform(transform)
    app.connect("doctree-read", judge)
    app.connect("doctree-read", list_functions)
