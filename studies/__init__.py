"""Measurements and long trainings. Their results, in results/*.json, are what the chapters read."""

import scripts  # noqa: F401  (one BLAS thread, set before NumPy is imported)
