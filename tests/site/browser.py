"""What the tests of the built site share: where it lies, a server for it, a browser that reaches nothing else."""

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
DESKTOP = {"width": 1280, "height": 900}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing else is reachable
]

# What is wrong on a page, asked of the page itself.
LOOK = """async least => {
  await (window.MathJax?.startup?.promise ?? Promise.resolve());
  document.querySelectorAll("details").forEach(details => { details.open = true; });
  const article = document.querySelector("article") ?? document.body;
  const images = [...document.images];
  images.forEach(image => { image.loading = "eager"; });
  await Promise.all(images.map(image => image.decode().catch(() => null)));
  const name = element => (element.alt || element.currentSrc || element.textContent).trim().slice(0, 80);

  const words = [];
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest("pre, code, script, style, mjx-container"))
      words.push(walker.currentNode.textContent);
  }
  const raw = words.filter(text => /\\$\\$|\\$[^$]+\\$|\\\\\\(|\\\\\\[|\\\\begin/.test(text));
  const math = [...article.querySelectorAll(".math")];
  return {
    title: document.title,
    heading: article.querySelector("h1")?.textContent ?? "",
    math: math.length,
    untypeset: math.filter(element => !element.querySelector("mjx-container")).map(name),
    errors: [...document.querySelectorAll("mjx-merror, mjx-container [style*='color: red']")].map(name),
    raw: raw.map(text => text.trim().slice(0, 80)),
    images: images.length,
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
    """The site's folder, built first if it is absent or older than its sources."""
    command = [sys.executable, "-m", "scripts.book", "site"]
    SITE.parent.mkdir(exist_ok=True)
    with locket.lock_file(str(SITE.parent / "site.lock")):  # two workers, one build
        done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, f"the book does not build:\n{done.stdout}{done.stderr}"
    return SITE


class Server(http.server.ThreadingHTTPServer):
    """A server that prints nothing when the browser closes a page before it has all of it."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A handler that does not log requests."""

    def log_message(self, *args):
        pass


@contextmanager
def served(folder):
    """The address at which the folder is served."""
    with Server(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def weight(site, origin, asked):
    """How many files a page asked for, and their KiB as they lie on the disk, uncompressed."""
    files = [site / unquote(urlsplit(url.removeprefix(origin)).path) for url in asked if url.startswith(origin)]
    return len(files), sum(path.stat().st_size for path in files if path.is_file()) / 1024


@contextmanager
def started_browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """A browser tab that remembers every complaint and every request. It keeps no copies: each page is loaded whole."""

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
        self.asked.append(request.url)
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.left.append(request.url)

    def hear(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(f"console {message.type}: {message.text}")

    def receive(self, response):
        if response.status >= 400:
            self.complaints.append(f"status {response.status}: {response.url}")

    def look(self, url, least=1.99):
        """Return what there is to see at an address, at both widths.

        A notebook's picture is coarse if it has fewer than `least` dots for each pixel of its width, another if it has
        fewer than 1.99.
        """
        self.complaints, self.left, self.asked = [], [], []
        self.page.set_viewport_size(DESKTOP)
        self.page.goto(url)
        seen = self.page.evaluate(LOOK, least)
        seen["desktop"] = self.page.evaluate(WIDTH)
        self.page.set_viewport_size(PHONE)
        seen["phone"] = self.page.evaluate(WIDTH)
        return {**seen, "complaints": self.complaints, "left": self.left, "asked": self.asked}
