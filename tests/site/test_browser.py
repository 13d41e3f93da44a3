"""The browser that the tests of this folder need."""

import os

import pytest

from scripts.browser import find_browser
from tests.site.conftest import NOT_RUN


def test_a_browser_is_there(request):
    """Without a browser, skip once for all tests that conftest leaves out. Fail instead if CI is set."""
    if find_browser() is None:
        kinds = {item.nodeid.partition("[")[0] for item in request.config.stash[NOT_RUN]}
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say(f"no Chromium, {len(kinds)} kinds of tests NOT RUN: `apt-get install chromium-headless-shell` (on Debian)")


def test_a_missing_browser_is_noticed(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert find_browser() is None
