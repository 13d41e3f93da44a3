"""Every test sees the same machine: one BLAS thread, no screen, this environment's kernel."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
os.environ.pop("MPLBACKEND", None)      # kernels inherit it, and would show no figure

import matplotlib
import notebook_rules
import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

matplotlib.use("Agg")

# The same examples in every run, and no time limit on a busy machine.
settings.register_profile("book", derandomize=True, deadline=None)
settings.load_profile("book")


@pytest.fixture(scope="session")
def book():
    """The chapters' notebooks by slug, in reading order."""
    paths = sorted((ROOT / "chapters").glob("*.ipynb"))
    return {path.stem: notebook_rules.read(path) for path in paths}
