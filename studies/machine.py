"""Describe this machine, and store results. The measurements share these functions."""

import contextlib
import importlib
import json
import os
import platform
from pathlib import Path

import numpy as np

import smlib

RESULTS = Path(__file__).parent / "results"
PEERS = {"scipy": "SciPy", "sklearn": "scikit-learn", "torch": "PyTorch", "jax": "JAX"}


def imported():
    """Return {module name: module} of the peers that can be imported."""
    found = {}
    for name in PEERS:
        with contextlib.suppress(ImportError):
            found[name] = importlib.import_module(name)
    if "jax" in found:
        found["jax"].config.update("jax_enable_x64", True)
    return found


def machine():
    """Return a description of this machine and the versions of the software."""
    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    found = imported()
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "simd": simd(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "smlib": smlib.__version__,
        "peers": {PEERS[name]: module.__version__ for name, module in found.items()},
        "missing": [label for name, label in PEERS.items() if name not in found],
    }


def use_one_core():
    """Keep this process, and all its threads, on one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def simd():
    """Return the names of the SIMD instruction sets that NumPy uses."""
    found = np.show_config(mode="dicts").get("SIMD Extensions", {})
    return found.get("baseline", []) + found.get("found", [])


def store(results, path):
    """Write results as JSON, and print the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"results: {path}")
