"""What all tests share: the surroundings, and how many examples Hypothesis tries."""

import scripts  # noqa: F401, I001  (one BLAS thread: read when NumPy is imported)

import matplotlib
from hypothesis import HealthCheck, Phase, settings

matplotlib.use("Agg")  # no screen

# The same examples in every run, and no time limit on a busy machine.
slow, phases = [HealthCheck.too_slow], [Phase.explicit, Phase.generate, Phase.shrink]
settings.register_profile(
    "tests", derandomize=True, deadline=None, max_examples=60, suppress_health_check=slow, phases=phases
)
# `make fuzz` tries others each time, and prints how to repeat a failure.
settings.register_profile("fuzz", deadline=None, max_examples=2000, print_blob=True, suppress_health_check=HealthCheck)
# `make mutants`: one example that fails is enough, however large, and other tests see most faults.
settings.register_profile("mutants", settings.get_profile("tests"), phases=phases[:2], max_examples=20)
settings.load_profile("tests")  # --hypothesis-profile is read later, and wins


# The files that take longest are begun first, so that no process is left alone with one of them.
LONG = (
    "test_live",
    "test_pages",
    "explorables",
    "test_build",
    "08-the-step-and-the-word",
    "test_invariance",
    "test_pdf",
    "site",
)


def pytest_collection_modifyitems(items):
    """Sort the files by LONG; within a file the order stays."""

    def place(item):
        parts = {item.path.stem, *item.path.parts}
        return next((number for number, name in enumerate(LONG) if name in parts), len(LONG))

    items.sort(key=place)
