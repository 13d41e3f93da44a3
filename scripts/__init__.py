"""The programs behind `make`. Importing the package gives this process, and all it starts, the same surroundings."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# One BLAS thread adds in the same order on every machine. NumPy reads this when it is imported.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

for name, value in (ONE_THREAD | {"JUPYTER_PREFER_ENV_PATH": "1"}).items():
    os.environ.setdefault(name, value)
os.environ.pop("MPLBACKEND", None)  # a kernel that inherits it may show no figure
