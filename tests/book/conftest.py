"""The notebooks, for the tests of this folder."""

import pytest

from scripts.notebooks import chapters, read


@pytest.fixture(scope="session")
def book():
    """The notebooks by slug, in reading order."""
    return {slug: read(path) for slug, path in chapters().items()}
