"""The Chromium that prints the book and tests its pages."""

import shutil

# The first is Debian's Chromium without a user interface: with it the tests take a third of the time.
BROWSERS = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]


def find_browser():
    """Return the path of the first browser that is installed, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)
