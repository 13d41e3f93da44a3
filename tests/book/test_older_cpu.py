"""`make older-cpu` runs NumPy without the newest features of the CPU."""

import os
import subprocess
import sys

from scripts.older_cpu import newest_features

SHOW = "from numpy._core._multiarray_umath import __cpu_features__ as has; print(*[n for n in has if has[n]])"


def test_the_features_are_off():
    off = newest_features()
    environment = os.environ | ({"NPY_DISABLE_CPU_FEATURES": ",".join(off)} if off else {})
    command = [sys.executable, "-W", "error", "-c", SHOW]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=True)
    left = set(done.stdout.split())
    assert left.isdisjoint(off)
    assert len(left) > 0
