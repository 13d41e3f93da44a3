"""The built site, a server for it, and a browser that cannot reach any other address."""

import http.server
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from urllib.parse import unquote, urlsplit

import locket
from playwright.sync_api import sync_playwright

from scripts import ROOT
from scripts.browser import find_browser

SITE = ROOT / "_build" / "html"
PHONE = {"width": 390, "height": 844}
ZOOMED = {"width": 320, "height": 256}  # a desktop of 1280 by 1024, at 400 percent
FIGURE_WIDTH = 358  # the width of a figure on the phone
DESKTOP = {"width": 1280, "height": 900}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # other hosts are not found
]

# Return the figures that are less than `wide` pixels wide, although they could be wider, or that are cut at an edge.
NARROW = """wide => [...document.querySelectorAll("article figure img")].filter(image => image.checkVisibility())
  .filter(image => {
    let { left, right } = image.getBoundingClientRect(), all = right - left;
    for (let box = image.parentElement; box; box = box.parentElement) {
      if (getComputedStyle(box).overflowX === "visible") continue;
      left = Math.max(left, box.getBoundingClientRect().left);
      right = Math.min(right, box.getBoundingClientRect().right);
    }
    return all < Math.min(wide, image.getAttribute("width")) - 1 || right - left < all - 1;
  }).map(image => image.alt.slice(0, 80))"""

# Return what is on a page, and what is wrong there.
LOOK = """async least => {
  await document.fonts.ready;
  document.querySelectorAll("details").forEach(details => { details.open = true; });
  const article = document.querySelector("article") ?? document.body;
  const images = [...document.images];
  images.forEach(image => { image.loading = "eager"; });
  await Promise.all(images.map(image => image.decode().catch(() => null)));
  const plain = text => text.replace(/[^\\p{L}\\p{N}]+/gu, " ").trim().toLowerCase();
  const controls = [...document.querySelectorAll(":is(a, button, summary, [role=button], [role=link])[aria-label]")];
  const name = element => (element.alt || element.currentSrc || element.textContent).trim().slice(0, 80);

  const words = [];
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest("pre, code, script, style"))
      words.push(walker.currentNode.textContent);
  }
  const raw = words.filter(text => /\\$\\$|\\$[^$]+\\$|\\\\\\(|\\\\\\[|\\\\begin/.test(text));
  const math = [...article.querySelectorAll(".math")];
  const parts = [...document.querySelectorAll("*")]
    .flatMap(element => ["::before", "::after"].map(part => getComputedStyle(element, part)));
  const icons = parts.filter(style => style.fontFamily.includes("Font Awesome"))
    .flatMap(style => style.content.match(/[\ue000-\uf8ff]/g) ?? []);
  return {
    title: document.title,
    heading: article.querySelector("h1")?.textContent ?? "",
    math: math.length,
    untypeset: math.filter(element => !element.querySelector("math > *")).map(name),
    raw: raw.map(text => text.trim().slice(0, 80)),
    images: images.length,
    icons: [...new Set(icons)],
    misnamed: controls.filter(control => !plain(control.ariaLabel).includes(plain(control.innerText))).map(name),
    cut: [...article.querySelectorAll("pre:not(details *)")].filter(pre => pre.scrollWidth > pre.clientWidth).map(name),
    silent: images.filter(image => !image.alt.trim()).map(image => image.src),
    broken: images.filter(image => !image.naturalWidth).map(name),
    coarse: images.filter(image => article.contains(image) && !image.matches("[src$='.svg'], .toggler"))
      .filter(image => image.naturalWidth < (image.closest(".cell_output") ? least : 1.99) * image.clientWidth)
      .filter(image => image.naturalWidth).map(name),
    unresolved: words.filter(text => /\\?\\?|(?:fig|eq|ch|claim|ex)-[a-z]+-?[a-z]*\\s*$/.test(text.trim())),
  };
}"""
WIDTH = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(
  () => done(document.scrollingElement.scrollWidth))))"""


def built_site():
    """Return the folder of the site. Build the site first if it is missing or older than its sources."""
    command = [sys.executable, "-m", "scripts.book", "site"]
    SITE.parent.mkdir(exist_ok=True)
    with locket.lock_file(str(SITE.parent / "site.lock")):  # two workers, one build
        done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, f"the book does not build:\n{done.stdout}{done.stderr}"
    return SITE


class Server(http.server.ThreadingHTTPServer):
    """A server that is silent when the browser closes a connection early."""

    def handle_error(self, request, client_address):
        """Print errors, but not those of closed connections."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A handler that does not log requests."""

    def log_message(self, *args):
        """Print nothing."""
        pass


@contextmanager
def served(folder):
    """Serve a folder, and yield its address."""
    with Server(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def weight(site, origin, asked):
    """Return the number of files that a page requested, and their size on the disk in KiB, uncompressed."""
    files = [site / unquote(urlsplit(url.removeprefix(origin)).path) for url in asked if url.startswith(origin)]
    return len(files), sum(path.stat().st_size for path in files if path.is_file()) / 1024


@contextmanager
def started_browser():
    """Start a headless Chromium, and close it at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """A browser tab that records requests and errors. It has no cache, so each page is loaded completely."""

    def __init__(self, browser, origin, **options):
        self.context = browser.new_context(viewport=DESKTOP, **options)
        self.page = self.context.new_page()
        self.context.new_cdp_session(self.page).send("Network.setCacheDisabled", {"cacheDisabled": True})
        self.complaints = []
        self.left = []
        self.asked = []
        self.origin = origin
        self.page.on("request", self.follow)
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.page.on("response", self.receive)

    def follow(self, request):
        """Record a request, and whether it leaves the site."""
        self.asked.append(request.url)
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.left.append(request.url)

    def hear(self, message):
        """Record an error or a warning on the console."""
        if message.type in ("error", "warning"):
            self.complaints.append(f"console {message.type}: {message.text}")

    def receive(self, response):
        """Record a response that reports an error."""
        if response.status >= 400:
            self.complaints.append(f"status {response.status}: {response.url}")

    def glance(self, url, least=1.99):
        """Return what LOOK finds at an address, the requests and the errors.

        A notebook's picture is coarse if it has fewer than `least` dots for each pixel of its width, another if it has
        fewer than 1.99.
        """
        self.complaints, self.left, self.asked = [], [], []
        self.page.set_viewport_size(DESKTOP)
        self.page.goto(url)
        seen = self.page.evaluate(LOOK, least)
        return {**seen, "complaints": self.complaints, "left": self.left, "asked": self.asked}

    def look(self, url, least=1.99):
        """Return what `glance` returns, and the width of the page on three screens."""
        seen = self.glance(url, least)
        seen["desktop"] = self.page.evaluate(WIDTH)
        for screen, size in (("zoomed", ZOOMED), ("phone", PHONE)):
            self.page.set_viewport_size(size)
            seen[screen] = self.page.evaluate(WIDTH)
        seen["narrow"] = self.page.evaluate(NARROW, FIGURE_WIDTH)
        return seen
