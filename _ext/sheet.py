"""Style sheets reduced to what the pages of a book can use: the theme's serve all pages of all books.

A selector is dropped if it names a class, an id or an element that occurs on no page and is no word of a script.
Names in parentheses and brackets do not count, as in `:not(.name)`.
"""

import re

import tinycss2

COMMENT = re.compile(r"/\*.*?\*/\s*", re.S)
LINE_END = re.compile(r"\s*\n\s*")
AROUND = re.compile(r"\s*([{};])\s*")
VARIABLE = re.compile(r"""(?<=[{;\s])(--[\w-]+)\s*:(?:"[^"]*"|'[^']*'|url\((?!["'])[^)]*\)|[^;{}"'])*;?""")
ANIMATION = re.compile(r"@(?:-webkit-)?keyframes\s+([\w-]+)\s*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")


def words_of_page(html):
    """Return the elements, classes, ids and variables of a page."""
    lists = re.findall(r"""\s(?:class|id)=["']([^"']*)""", html)
    return {*re.findall(r"<(\w+)", html), *re.findall(r"--[\w-]+", html), *" ".join(lists).split()}


def words_of_script(text):
    """Return all words of a script."""
    return set(re.findall(r"[\w-]+", text))


def reduced(sheets, own, words):
    """Return style sheets, {name: text}, as one, without what the words do not use. Those in `own` keep all rules."""
    texts = {name: LINE_END.sub("\n", COMMENT.sub("", text)) for name, text in sheets.items()}
    for name, text in texts.items():
        texts[name] = AROUND.sub(r"\1", text) if name in own else without_selectors(parsed(text), words)
    whole = ANIMATION.sub("", "".join(texts.values()))
    used = words.union(re.findall(r"var\(\s*(--[\w-]+)", whole), re.findall(r"(?<![\w-])[a-z][\w-]*", whole))
    for name in texts.keys() - own:
        for named in (VARIABLE, ANIMATION):
            texts[name] = named.sub(lambda found: found[0] if found[1] in used else "", texts[name])
    return "\n".join(texts.values())


def parsed(css):
    """Return the rules in a text or in the block of a rule."""
    return tinycss2.parse_rule_list(css, skip_comments=True, skip_whitespace=True)


def without_selectors(rules, words):
    """Return the text of rules, without the selectors whose names are not all among the words."""
    kept = []
    for rule in rules:
        text = rule.serialize()
        if rule.type == "qualified-rule":
            selectors = ",".join(tinycss2.serialize(one) for one in alternatives(rule.prelude) if names(one) <= words)
            text = selectors and f"{selectors.strip()}{{{tinycss2.serialize(rule.content).strip()}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            within = without_selectors(parsed(rule.content), words)
            text = within and f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{within}}}"
        kept.append(text)
    return "\n".join(filter(None, kept))


def alternatives(tokens):
    """Split the tokens of a list of selectors at its commas."""
    found = [[]]
    for token in tokens:
        if token == ",":
            found.append([])
        else:
            found[-1].append(token)
    return found


def names(tokens):
    """Return the elements, classes and ids that a selector names."""
    pairs = zip([None, *tokens], tokens)
    return {now.value for before, now in pairs if now.type == "hash" or (now.type == "ident" and before != ":")}
