"""Light pages under a strict policy: one script, one style sheet, small images, MathJax without its menu.

A page of the theme asks for some thirty scripts and style sheets, and half of what it loads draws
icons. Here the scripts that every page needs are joined, in their order, into site.js; the style
sheets into site.css, without the rules for classes that no page has. No inline script and no inline
handler stays: the content security policy admits none.
"""

import json
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import tinycss2
from docutils import nodes
from fontTools import subset
from PIL import Image
from sphinx.jinja2glue import BuiltinTemplateLoader

POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # MathJax writes style sheets and style attributes
        "img-src 'self' data:",  # the theme's sheet draws small icons as data
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ]
)

# What site.js holds, in this order. Any other script keeps a tag of its own.
SCRIPTS = [
    "documentation_options.js",
    "doctools.js",
    "sphinx_highlight.js",
    "clipboard.min.js",
    "copybutton.js",
    "scripts/sphinx-book-theme.js",
    "design-tabs.js",
    "scripts/bootstrap.js",
    "scripts/pydata-sphinx-theme.js",
    "book.js",
]
SCRIPT = "site.js"
THEME_SCRIPTS = {"scripts/bootstrap.js", "scripts/pydata-sphinx-theme.js"}  # its layout.html names these itself
# math.js has the one, and nothing reads the other
PAGE_SETTINGS = r"window\.MathJax|DOCUMENTATION_OPTIONS\.pagename"
# What site.css begins with, named by layout.html too.
STYLES = ["basic.css", "styles/pydata-sphinx-theme.css"]
STYLE = "styles/site.css"  # beside the theme's own, whose addresses are relative
ICONS = "vendor/fontawesome/webfonts/fa-solid-900.ttf"

# MathJax's components, without the menu, which makes every formula a stop of the Tab key.
MATHJAX = ["startup", "core", "input/tex", "output/chtml", "output/chtml/fonts/tex", "a11y/assistive-mml"]
MATHJAX_FOLDERS = ["input/tex/extensions", "output/chtml/fonts/woff-v2"]


DPI = 112  # pixels of a plain screen for an inch of a figure, however densely it was drawn


# --- the pages


class Templates(BuiltinTemplateLoader):
    """Sphinx's templates, as new as the newest of what goes into every page: older pages are written again."""

    def init(self, builder, *args, **kwargs):
        super().init(builder, *args, **kwargs)
        here, assets = Path(__file__).parent, Path(builder.srcdir, "assets")
        self.shared = [*here.glob("*.py"), *here.glob("templates/*"), *assets.iterdir()]

    def newest_template_mtime(self):
        return max(path.stat().st_mtime for path in self.shared)


def lighten(app, pagename, templatename, context, doctree):
    """Put site.js and site.css in the place of what they hold, and the policy on top."""
    static = Path(app.outdir) / "_static"
    scripts, sheets = context["script_files"], context["css_files"]
    named = {js.filename: js for js in scripts if js.filename}
    if not hasattr(app, "joined_styles"):
        app.joined_styles = STYLES + [relative(css.filename) for css in sheets]
        # for its checksum: what the sheets come to in the end is known after the last page
        write(static / STYLE, joined(static, [name for name in app.joined_styles if (static / name).exists()], "\n"))
        known = THEME_SCRIPTS | {relative(name) for name in named}
        write_script(static, known, [js.attributes["body"] for js in scripts if not js.filename])
    app.add_css_file(STYLE)
    app.add_js_file(SCRIPT, priority=100, defer="defer")
    context["css_files"] = [css for css in sheets if relative(css.filename) == STYLE]
    context["script_files"] = [js for js in scripts if js.filename and relative(js.filename) not in SCRIPTS]
    tag = f'\n    <meta http-equiv="Content-Security-Policy" content="{POLICY}" />\n'
    context["metatags"] = tag + context.get("metatags", "")


def relative(name):
    return name.removeprefix("_static/")


# --- site.js


def write_script(static, known, inline):
    """The scripts of SCRIPTS that the pages know; the lines that stood in the pages come second, as settings do."""
    first, *rest = [name for name in SCRIPTS if name in known]
    settings = [line for line in dict.fromkeys(inline) if not re.match(PAGE_SETTINGS, line)]
    write(static / SCRIPT, "\n;\n".join([joined(static, [first]), *settings, joined(static, rest)]))


def joined(folder, names, between="\n;\n"):
    """Some scripts end without a semicolon: the next one's first bracket would be taken for a call."""
    return between.join((folder / name).read_text(encoding="utf-8") for name in names)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


# --- site.css


def finish_styles(app, error):
    """Keep in site.css what the finished pages can show, and the icons among it as a font of their own."""
    if error or not hasattr(app, "joined_styles"):
        return
    static = Path(app.outdir) / "_static"
    words = {
        word for path in shown(Path(app.outdir)) for word in re.findall(r"[\w-]+", path.read_text(encoding="utf-8"))
    }
    sheet = kept(joined(static, app.joined_styles, "\n"), words)
    icons = sorted(set(re.findall("[\ue000-\uf8ff]", sheet)))
    write_icons(static / ICONS, icons)
    write(static / STYLE, sheet + icon_face(icons))


def shown(site):
    """What names classes: the pages, and the scripts that run in them."""
    return [*site.glob("*.html"), *site.glob("chapters/*.html"), *site.glob("_static/*.js")]


def kept(sheet, words):
    """The style sheet without the selectors that ask for a class that is not among the words."""
    rules = tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True)
    return "\n".join(filter(None, (kept_rule(rule, words) for rule in rules)))


def kept_rule(rule, words):
    if rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
        inner = kept(tinycss2.serialize(rule.content), words)
        return inner and f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}"
    if rule.type == "qualified-rule":
        selectors = [s for s in split_at_commas(rule.prelude) if classes(s) <= words]
        return selectors and f"{','.join(map(tinycss2.serialize, selectors))}{{{tinycss2.serialize(rule.content)}}}"
    return rule.serialize()


def split_at_commas(tokens):
    selectors = [[]]
    for token in tokens:
        if token == ",":
            selectors.append([])
        else:
            selectors[-1].append(token)
    return selectors


def classes(selector):
    """The classes that a selector asks for; what stands inside :not() and :is() asks for none."""
    return {name.value for dot, name in zip(selector, selector[1:]) if dot == "." and name.type == "ident"}


def write_icons(font, icons):
    """The few glyphs that are shown, of the theme's 1400."""
    options = subset.Options(flavor="woff", layout_features=[], notdef_outline=False, recalc_timestamp=False)
    source = subset.load_font(str(font), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=map(ord, icons))
    subsetter.subset(source)
    subset.save_font(source, str(font.with_name("icons.woff")), options)


def icon_face(icons):
    """The last rule for a character wins: one that is not in the small font still comes from the theme's."""
    characters = ",".join(f"U+{ord(icon):X}" for icon in icons)
    return (
        '\n@font-face{font-family:"Font Awesome 6 Free";font-style:normal;font-weight:900;font-display:block;'
        f'src:url(../vendor/fontawesome/webfonts/icons.woff) format("woff");unicode-range:{characters}}}\n'
    )


# --- images


def visit_image(translator, node):
    """Show PNG as lossless WebP, a third of its size, with its measures, so that nothing moves when it arrives."""
    builder = translator.builder
    source = Path(builder.srcdir, node["uri"])
    if source.suffix != ".png" or not source.exists():
        return type(translator).visit_image(translator, node)
    picture, width, height = to_webp(source, Path(builder.doctreedir, "images"))
    builder.images.pop(node["uri"], None)
    builder.images[str(picture)] = picture.name
    node["uri"] = str(picture)
    type(translator).visit_image(translator, node)
    measures = f'<img width="{width}" height="{height}" loading="lazy" '
    translator.body[-1] = translator.body[-1].replace("<img ", measures, 1)


def to_webp(source, folder):
    """Return the path of the WebP picture, and the width and height at which it is shown."""
    target = folder / f"{source.stem}.webp"
    with Image.open(source) as image:
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            folder.mkdir(exist_ok=True)
            image.save(target, lossless=True, quality=80, method=6)
        density = image.info["dpi"][0] / DPI
        return target, round(image.width / density), round(image.height / density)


# --- MathJax


def copy_mathjax(app):
    """Put the part of MathJax that the pages use into the built site: 1 MB of 15, the components in one file."""
    package = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "vendor" / "mathjax"
    ignore = shutil.ignore_patterns("all-packages.js")
    for folder in MATHJAX_FOLDERS:
        shutil.copytree(package / folder, target / folder, ignore=ignore, dirs_exist_ok=True)
    settings = f"window.MathJax = {json.dumps(app.config.mathjax3_config)};\n"
    loaded = f"\nMathJax.loader.preLoad({', '.join(map(json.dumps, MATHJAX[1:]))});\n"
    write(target / "math.js", settings + joined(package, [f"{name}.js" for name in MATHJAX]) + loaded)


def setup(app):
    app.config.template_bridge = f"{__name__}.Templates"
    app.config.templates_path.insert(0, str(Path(__file__).parent / "templates"))
    app.add_node(nodes.image, override=True, html=(visit_image, None))
    app.connect("builder-inited", copy_mathjax)
    app.connect("html-page-context", lighten, priority=900)
    app.connect("build-finished", finish_styles, priority=900)  # after the theme's own last touch
