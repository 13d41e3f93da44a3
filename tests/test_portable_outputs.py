"""The stored outputs do not depend on the CPU: they are the same with its newest vectors switched off.

NumPy chooses among compiled versions of exp, log and others by what the CPU can do, and their
last bits differ. Here nbval runs every chapter on the versions without AVX-512. On a CPU that has
none, it runs them without the newest of the features that NumPy makes use of there.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))


def newest_features():
    """The features to switch off: all of AVX-512 that NumPy uses here, else its newest feature."""
    used = [name for name in __cpu_dispatch__ if __cpu_features__[name]]
    avx512 = [name for name in used if name.startswith("AVX512") or name == "X86_V4"]
    return avx512 or used[-1:]


@pytest.fixture(scope="module")
def older_cpu():
    """The environment of a process that does without the newest features."""
    off = {"NPY_DISABLE_CPU_FEATURES": ",".join(newest_features())} if newest_features() else {}
    return {**os.environ, **off, "PYTEST_ADDOPTS": ""}


def test_the_features_are_off(older_cpu):
    show = "from numpy._core._multiarray_umath import __cpu_features__ as has; print(*[n for n in has if has[n]])"
    done = subprocess.run([sys.executable, "-c", show], env=older_cpu, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    left = set(done.stdout.split())
    assert left.isdisjoint(newest_features())
    assert len(left) > 0


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_outputs_are_the_same(chapter, older_cpu):
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", str(chapter)]
    done = subprocess.run(command, env=older_cpu, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
