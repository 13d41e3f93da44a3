"""The browser that prints the book and tests its pages: whichever Chromium the system has."""

import shutil

# The first is Debian's Chromium without a window to draw: the tests take a third of the time.
BROWSERS = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]


def find_browser():
    """The path of the first that is there, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)
