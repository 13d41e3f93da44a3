"""SciPy's own test cases hold for smlib's functions: its test file, run with ours in their place."""

import re
import subprocess
import sys

import pytest

PROGRAM = """
import sys

import numpy as np
import pytest
import scipy.special.tests.test_logsumexp as cases

import smlib


def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    if b is not None or return_sign or np.iscomplexobj(a):
        pytest.skip("weights, signs and complex numbers are not smlib's")
    return smlib.logsumexp(a, axis=axis, keepdims=keepdims)


cases.logsumexp = logsumexp
cases.softmax = lambda x, axis=None: smlib.softmax(x, axis=axis)
cases.log_softmax = lambda x, axis=None: smlib.log_softmax(x, axis=axis)
sys.exit(pytest.main([cases.__file__, "-q", "-c", sys.argv[1], "-p", "no:cacheprovider"]))
"""


@pytest.mark.rare
def test_the_real_unweighted_cases_of_scipy_hold(tmp_path):
    settings = tmp_path / "pytest.ini"
    settings.write_text("[pytest]\n", encoding="utf-8")
    run = subprocess.run([sys.executable, "-c", PROGRAM, settings], capture_output=True, encoding="utf-8", cwd=tmp_path)
    assert run.returncode == 0, run.stdout
    passed = re.search(r"(\d+) passed", run.stdout)
    assert passed and int(passed[1]) >= 30, run.stdout
