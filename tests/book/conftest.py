"""The fixture with the notebooks of the book."""

import pytest

from scripts.notebooks import chapters, read


@pytest.fixture(scope="session")
def book():
    """Return {slug: notebook} in reading order."""
    return {slug: read(path) for slug, path in chapters().items()}
