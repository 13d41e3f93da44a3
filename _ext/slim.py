"""Make pages light, with a strict policy: one script, one style sheet, small images.

A page of the theme asks for some thirty scripts and style sheets, and half of what it loads draws
icons. Here the scripts that every page needs are joined, in their order, into site.js, and the style
sheets into site.css, without the rules that no page uses, and with a font of the few icons that the
pages show. No inline script and no inline handler remains: the content security policy allows none.
"""

import re
import zlib
from pathlib import Path

from docutils import nodes
from fontTools import subset
from PIL import Image
from sphinx.jinja2glue import BuiltinTemplateLoader

from _ext.sheet import reduced, words_of_page, words_of_script

POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",  # Pyodide is WebAssembly
        "worker-src 'self' blob:",  # from the file system, Pyodide's worker is a blob
        "style-src 'self' 'unsafe-inline'",  # formulas and tables have style attributes
        "img-src 'self' data:",  # the theme's sheet has small icons as data
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ]
)

BOOTSTRAP = "scripts/bootstrap.js"
# The scripts in site.js, in this order. All other scripts keep tags of their own.
SCRIPTS = [
    "documentation_options.js",
    "doctools.js",
    "clipboard.min.js",
    "copybutton.js",
    "scripts/sphinx-book-theme.js",
    "design-tabs.js",
    BOOTSTRAP,
    "scripts/pydata-sphinx-theme.js",
    "book.js",
]
SCRIPT = "site.js"
UNUSED = "sphinx_highlight.js"  # marks the words of the last search on the next page, whichever it is
THEME_SCRIPTS = {BOOTSTRAP, "scripts/pydata-sphinx-theme.js"}  # in the theme's layout.html
# An inline setting that is left out, because no script reads it.
PAGE_SETTING = r"DOCUMENTATION_OPTIONS\.pagename"
# The first style sheets in site.css, which the theme's layout.html names.
STYLES = ["basic.css", "styles/pydata-sphinx-theme.css"]
# What Bootstrap adds to a page. Of its parts, the pages have tooltips alone.
TOOLTIP = {"tooltip", "tooltip-arrow", "tooltip-inner", "bs-tooltip-auto", "fade", "show"}
STYLE = "styles/site.css"  # in the folder of the theme's sheet, whose addresses are relative

# The icons that the pages show, by their names in the theme's font.
ICON_FONT = "vendor/fontawesome/webfonts/fa-solid-900.ttf"
ICONS = {
    "\uf002": "magnifying-glass",  # search
    "\uf03a": "list",  # the contents of the page
    "\uf042": "circle-half-stroke",  # light or dark as the system
    "\uf05a": "circle-info",  # notes
    "\uf062": "arrow-up",  # back to top
    "\uf071": "triangle-exclamation",  # warnings
    "\uf0c9": "bars",  # the contents of the book
    "\uf0eb": "lightbulb",  # hints
    "\uf104": "angle-left",  # previous page
    "\uf105": "angle-right",  # next page
    "\uf185": "sun",  # light
    "\uf186": "moon",  # dark
    "\uf303": "pencil",  # exercises
}

DPI = 96  # CSS pixels for an inch of a figure


# --- the pages


class Templates(BuiltinTemplateLoader):
    """Sphinx's templates, with the time of the newest file that affects every page: older pages are written again."""

    def init(self, builder, *args, **kwargs):
        """List the files that affect every page."""
        super().init(builder, *args, **kwargs)
        here, assets = Path(__file__).parent, Path(builder.srcdir, "assets")
        self.shared = [*here.glob("*.py"), *here.glob("templates/*"), *assets.iterdir()]

    def newest_template_mtime(self):
        """Return the time of the newest of these files."""
        return max(path.stat().st_mtime for path in self.shared)


def lighten(app, pagename, templatename, context, doctree):
    """Replace scripts by site.js and style sheets by site.css, and add the policy."""
    static = Path(app.outdir) / "_static"
    scripts, sheets = context["script_files"], context["css_files"]
    named = {js.filename: js for js in scripts if js.filename}
    if not hasattr(app, "joined_styles"):
        app.joined_styles = STYLES + [relative(css.filename) for css in sheets]
        known = THEME_SCRIPTS | {relative(name) for name in named}
        write_script(static, known, [js.attributes["body"] for js in scripts if not js.filename])
    app.add_css_file(STYLE)
    app.add_js_file(SCRIPT, priority=100, defer="defer")
    context["css_files"] = [css for css in sheets if relative(css.filename) == STYLE]
    dropped = {*SCRIPTS, UNUSED}
    context["script_files"] = [js for js in scripts if js.filename and relative(js.filename) not in dropped]
    tag = f'\n    <meta http-equiv="Content-Security-Policy" content="{POLICY}" />\n'
    context["metatags"] = tag + context.get("metatags", "")


def relative(name):
    """Return the path of a script or a style sheet within _static."""
    return name.removeprefix("_static/")


# --- site.js


def write_script(static, known, inline):
    """Write site.js: the first of the known SCRIPTS, the inline settings of the pages, then the other scripts."""
    first, *rest = [name for name in SCRIPTS if name in known]
    settings = [line for line in dict.fromkeys(inline) if not re.match(PAGE_SETTING, line)]
    write(static / SCRIPT, "\n;\n".join([joined(static, [first]), *settings, joined(static, rest)]))


def joined(folder, names, between="\n;\n"):
    """Return the text of files. Scripts that end without a semicolon need one between them."""
    return between.join((folder / name).read_text(encoding="utf-8") for name in names)


def write(path, text):
    """Write a text file, in a new folder if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


# --- site.css


def finish_styles(app, error):
    """Write site.css, and the font of its icons, when all style sheets and pages are there."""
    if error or not hasattr(app, "joined_styles"):
        return
    static = Path(app.outdir) / "_static"
    write_icons(static / ICON_FONT)
    pages = {path: path.read_text(encoding="utf-8") for path in written_pages(app)}
    sheets = {name: (static / name).read_text(encoding="utf-8") for name in app.joined_styles}
    own = {path.name for path in Path(app.srcdir, "assets").glob("*.css")}
    sheet = reduced(sheets, own, words_of(app, pages.values())) + icon_face()
    write(static / STYLE, sheet)
    tag = f'{STYLE}?v={zlib.crc32(sheet.encode()):08x}"'  # browsers keep the sheet until this address changes
    for path, text in pages.items():
        if (new := re.sub(rf'{STYLE}(\?v=\w+)?"', tag, text)) != text:
            write(path, new)


def written_pages(app):
    """Return the paths of all pages, of this build or an earlier one. Those of JupyterLite have other sheets."""
    paths = Path(app.outdir).rglob("*.html")
    return [path for path in paths if path.relative_to(app.outdir).parts[0] not in ("_static", "lite")]


def words_of(app, pages):
    """Return the words that selectors may use: those of the pages and of the scripts that change them."""
    static, assets = Path(app.outdir) / "_static", Path(app.srcdir, "assets")
    scripts = [*(static / name for name in SCRIPTS if name != BOOTSTRAP), *assets.glob("*.js")]
    scripts = [path.read_text(encoding="utf-8") for path in scripts if path.exists()]
    return set().union(TOOLTIP, *map(words_of_page, pages), *map(words_of_script, scripts))


def write_icons(font):
    """Write a font of ICONS alone, next to the theme's font of 1400 icons."""
    options = subset.Options(flavor="woff", layout_features=[], notdef_outline=False, recalc_timestamp=False)
    source = subset.load_font(str(font), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=map(ord, ICONS))
    subsetter.subset(source)
    subset.save_font(source, str(font.with_name("icons.woff")), options)


def icon_face():
    """Return the rule for the small font. It comes last, so it precedes the theme's font for the icons it has."""
    characters = ",".join(f"U+{ord(icon):X}" for icon in ICONS)
    return (
        '\n@font-face{font-family:"Font Awesome 6 Free";font-style:normal;font-weight:900;font-display:block;'
        f'src:url(../vendor/fontawesome/webfonts/icons.woff) format("woff");unicode-range:{characters}}}\n'
    )


# --- images


def visit_image(translator, node):
    """Show a PNG as lossless WebP, a third of its size, with width and height, so that loading it moves nothing."""
    builder = translator.builder
    source = Path(builder.srcdir, node["uri"])
    if source.suffix != ".png" or not source.exists():
        return type(translator).visit_image(translator, node)
    picture, width, height = to_webp(source, Path(builder.doctreedir, "images"))
    builder.images.pop(node["uri"], None)
    builder.images[str(picture)] = picture.name
    node["uri"] = str(picture)
    type(translator).visit_image(translator, node)
    late = "" if "cover" in node["classes"] else 'loading="lazy" '
    size = f'<img width="{width}" height="{height}" {late}'
    translator.body[-1] = translator.body[-1].replace("<img ", size, 1)


def to_webp(source, folder):
    """Return the path of the WebP picture, and the width and height at which it is shown."""
    target = folder / f"{source.stem}.webp"
    with Image.open(source) as image:
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            folder.mkdir(exist_ok=True)
            image.save(target, lossless=True, quality=80, method=6)
        density = image.info["dpi"][0] / DPI
        return target, round(image.width / density), round(image.height / density)


def setup(app):
    """Register the templates and the WebP images, and connect the functions to Sphinx's events."""
    app.config.template_bridge = f"{__name__}.Templates"
    app.config.templates_path.insert(0, str(Path(__file__).parent / "templates"))
    app.add_node(nodes.image, override=True, html=(visit_image, None))
    app.connect("html-page-context", lighten, priority=900)
    app.connect("build-finished", finish_styles, priority=900)  # after the theme's own handler
