"""Measurements and long trainings. They write results/*.json, which the chapters read."""

import scripts  # noqa: F401  (one BLAS thread: set it before NumPy is imported)
