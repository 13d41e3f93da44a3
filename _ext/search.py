"""The search index: every section of the book, term, exercise, claim, source and function, with its place and its text.

It is a script, because a page opened from disk may load scripts and nothing else. assets/search.js searches it. The
solutions of exercises and the folded answers are not in it.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_node, solution_node

from _ext.lookup import is_section, title_of
from _ext.reading import FOLD, FOLD_END

INDEX = "search-index.js"
# What a place is. assets/search.js ranks by it.
TERM, PAGE, SECTION, EXERCISE, CLAIM, SOURCE, CODE = range(7)
LONGEST = 800  # characters of a text that are kept as they are: what an excerpt can show
ASIDE = {"bibtex-citation", "claim-mark", "cited-in", "first-use", "letters", "functions", "verdicts"}  # not searched
PLAIN = re.compile(r"[a-zA-Z0-9+=<>,.()\s-]+")  # a formula that reads as it is written

# Words that readers may search for: the words of the book. Words that the text has need no entry.
SYNONYMS = {
    "argmax": "arg max",
    "autoregressive mask": "causal mask",
    "cce": "cross-entropy",
    "confidence": "calibration",
    "dead neuron": "saturation",
    "dead unit": "saturation",
    "denormal": "subnormal",
    "dying": "saturation",
    "embedding": "feature vector",
    "expit": "logistic function",
    "gradient check": "finite difference",
    "greedy": "arg max",
    "huffman": "hierarchical softmax",
    "inf": "overflow",
    "infinity": "overflow",
    "kl": "Kullback-Leibler divergence",
    "knowledge distillation": "distillation",
    "l2": "weight decay",
    "likelihood": "maximum likelihood",
    "log loss": "cross-entropy",
    "log softmax": "log-sum-exp",
    "logsumexp": "log-sum-exp",
    "loss": "cost",
    "lse": "log-sum-exp",
    "machine epsilon": "unit roundoff",
    "mean squared error": "squared error",
    "minibatch": "mini-batch",
    "mle": "maximum likelihood",
    "mse": "squared error",
    "nan": "overflow",
    "negative log likelihood": "cross-entropy",
    "negative sampling": "sampled softmax",
    "nll": "cross-entropy",
    "noise contrastive": "sampled softmax",
    "nucleus": "top-p",
    "numerical gradient": "finite difference",
    "numerical stability": "overflow",
    "onehot": "one-hot",
    "partition function": "normalizer",
    "policy gradient": "REINFORCE",
    "reinforcement learning": "REINFORCE",
    "relative entropy": "Kullback-Leibler divergence",
    "saturated": "saturation",
    "self attention": "attention",
    "sgd": "mini-batch",
    "sigmoid": "logistic function",
    "soft label": "soft target",
    "softargmax": "softmax",
    "softmax regression": "multinomial logistic regression",
    "sparse": "one-hot",
    "step size": "learning rate",
    "stochastic gradient": "mini-batch",
    "student": "distillation",
    "tied embedding": "weight tying",
    "vocabulary": "many classes",
    "word vector": "feature vector",
    "word2vec": "feature vector",
}


# --- the places of a page


def places(doctree):
    """Return the places of a resolved page as (what it is, its anchor, its title, its text, further words)."""
    found = []
    for kind, part, title, text in parts(doctree):
        anchor = "" if kind == PAGE else part["ids"][0]
        found.append((kind, anchor, plain(*title).strip("() "), *shortened(plain(*text))))
    return found


def shortened(text):
    """Return the first sentences of a text, and the words that are only in the others."""
    end = text.rfind(" ", 0, LONGEST) if len(text) > LONGEST else len(text)
    said = set(words(text[:end]))
    return text[:end], " ".join(word for word in dict.fromkeys(words(text[end:])) if word not in said)


def words(text):
    """Return the words of a text in small letters."""
    return re.findall(r"[^\W\d]\w{2,}", text.lower())


def parts(doctree):
    """Yield (what it is, the node with its anchor, the nodes of its title, those of its text)."""
    for section in filter(is_section, doctree.findall(nodes.section)):
        kind = PAGE if section.parent is doctree else SECTION
        yield kind, section, section[0], section[1:]
    for term in doctree.findall(nodes.term):
        if term["ids"]:
            yield TERM, term, term, term.parent[-1:]
    for exercise in doctree.findall(lambda node: isinstance(node, (exercise_node, exercise_enumerable_node))):
        yield EXERCISE, exercise, exercise[0], exercise[1:]
    for row in doctree.findall(nodes.row):
        if row["ids"]:
            yield CLAIM, row, [nodes.Text(row["ids"][0].replace("ledger-", "Claim "))], row[1:]
    for source in doctree.findall(nodes.citation):
        yield SOURCE, source, source[0], source[1:]
    for described in doctree.findall(addnodes.desc):
        signature, content = described[0], described[-1]
        if signature["ids"]:
            name = [nodes.Text(signature["ids"][0])]
            yield CODE, signature, name, [part for part in content if isinstance(part, nodes.paragraph)][:1]


def apart(node):
    """Return True for a node that is a place of its own, or is not searched: code, formulas, solutions, links."""
    if isinstance(node, (nodes.row, nodes.citation, nodes.definition_list_item)):
        return bool(node["ids"] or node[0]["ids"])
    if is_section(node) or isinstance(node, (exercise_node, exercise_enumerable_node, addnodes.desc)):
        return True
    if isinstance(node, (solution_node, nodes.literal_block, nodes.math_block, nodes.Invisible, nodes.raw)):
        return True
    return not ASIDE.isdisjoint(node.get("classes", ()))


def searched(children):
    """Yield the nodes whose text is searched: those that are not apart, and not in a folded answer."""
    folded = False
    for node in children:
        if isinstance(node, nodes.raw):
            folded = node.astext().startswith(FOLD) or folded and not node.astext().endswith(FOLD_END)
        elif not folded and (isinstance(node, nodes.Text) or not apart(node)):
            yield node


def plain(*parts):
    """Return the text of nodes, without that of other places and with … for formulas."""
    return " ".join(" ".join(map(text_of, searched(parts))).split())


def text_of(node):
    """Return the text of a node."""
    if isinstance(node, nodes.Text):
        return str(node)
    if isinstance(node, nodes.math):
        return node.astext() if PLAIN.fullmatch(node.astext()) else "…"
    between = "" if isinstance(node, nodes.TextElement) else " "
    return between.join(map(text_of, searched(node.children)))


# --- the index


def note(app, pagename, templatename, context, doctree):
    """Keep the places of a page next to the doctrees: the next build may leave this page as it is."""
    if doctree is not None and app.builder.name == "html":
        kept = path_of(app, pagename)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(places(doctree)), encoding="utf-8")


def path_of(app, pagename):
    """Return where the places of a page are kept."""
    return Path(app.doctreedir, "search", f"{pagename}.json")


def write_index(app, error):
    """Write the index of all pages."""
    if error or app.builder.name != "html":
        return
    pages, found = [], []
    for number, page in enumerate(sorted(app.env.found_docs)):
        pages.append((app.builder.get_target_uri(page), title_of(app.env, page)))
        found += [(kind, number, *place) for kind, *place in json.loads(path_of(app, page).read_text(encoding="utf-8"))]
    index = json.dumps({"pages": pages, "places": found, "synonyms": SYNONYMS}, ensure_ascii=False)
    Path(app.outdir, "_static", INDEX).write_text(f"window.bookIndex = {index};\n", encoding="utf-8")


def replace_sphinx_search(app):
    """Leave out Sphinx's own index and its page."""
    app.builder.search = False


def search_page(app):
    """Yield the search page."""
    yield "search", {}, "search.html"


def setup(app):
    """Connect the functions to Sphinx's events."""
    app.connect("builder-inited", replace_sphinx_search)
    app.connect("html-collect-pages", search_page)
    app.connect("html-page-context", note)
    app.connect("build-finished", write_index)
