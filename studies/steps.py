"""Time five versions of softmax, from the plain formula to a blocked one, in units of np.exp.

    python -m studies.steps [--cpu-time]

Each version adds one idea to the previous one. All are timed in turn on one thread. They write to an array that was
allocated before, except the first version, which allocates its arrays.
Needs NumPy. Writes studies/results/steps.json, which the page Measurements reads.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np

from studies.machine import machine

SHAPES = [(10000, 100), (1024, 32768)]
BLOCK = 2**19  # bytes of logits
WIDTH = 512  # terms of a sum that one product adds


def plain(z, y):
    """Return the shifted formula as it is written. `y` is not used."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def in_place(z, y):
    """Write softmax to `y`, and allocate no other array of its size."""
    np.subtract(z, z.max(axis=-1, keepdims=True), out=y)
    np.exp(y, out=y)
    y /= y.sum(axis=-1, keepdims=True)


def blocks(z):
    """Return slices of rows, each of about BLOCK bytes."""
    rows = max(1, BLOCK // (z.shape[1] * z.itemsize))
    return [slice(start, start + rows) for start in range(0, len(z), rows)]


def blocked(z, y):
    """Make all passes over a block of rows while it is in the cache."""
    for b in blocks(z):
        in_place(z[b], y[b])


def unshifted(z, y, sums=lambda e: e.sum(axis=-1, keepdims=True)):
    """Shift a block only if its sums show that this is needed."""
    for b in blocks(z):
        np.exp(z[b], out=y[b])
        s = sums(y[b])
        if s.min() >= 1 and s.max() < 1e37:
            y[b] *= 1 / s
        else:
            in_place(z[b], y[b])


def products(e):
    """Return the sums of the rows, computed as products with ones."""
    if e.shape[1] <= 2 * WIDTH:
        return e @ np.ones((e.shape[1], 1), e.dtype)
    cut = e.shape[1] // WIDTH * WIDTH
    parts = e[:, :cut].reshape(len(e), -1, WIDTH) @ np.ones(WIDTH, e.dtype)
    rest = e[:, cut:] @ np.ones(e.shape[1] - cut, e.dtype)
    return (parts.sum(axis=1) + rest)[:, None]


def with_products(z, y):
    """Compute the sums as products, too."""
    unshifted(z, y, products)


STEPS = {
    "the shifted formula": plain,
    "no new arrays": in_place,
    "blocks of rows": blocked,
    "no shift, sums checked": unshifted,
    "sums as products": with_products,
}


def measure(clock, seconds):
    """Print and return the median time of each version in units of np.exp, for each shape and dtype."""
    results = []
    for shape in SHAPES:
        for dtype in ("float32", "float64"):
            z = np.random.default_rng(0).normal(0, 3, shape).astype(dtype)
            y = np.empty_like(z)
            versions = {"E": lambda z, y: np.exp(z, out=y), **STEPS}
            times = {name: [] for name in versions}
            end = time.monotonic() + seconds
            while time.monotonic() < end or len(times["E"]) < 5:
                for name, f in versions.items():
                    f(z, y)
                    start = clock()
                    f(z, y)
                    times[name].append(clock() - start)
            medians = {name: statistics.median(t) for name, t in times.items()}
            for name in STEPS:
                ratio = medians[name] / medians["E"]
                results.append({"step": name, "shape": shape, "dtype": dtype, "ratio": ratio})
                print(f"{shape}, {dtype}: {name} {ratio:.2f} E", flush=True)
    return results


def main():
    """Parse the command line, measure and store the results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--cpu-time", action="store_true", help="measure CPU time, for a machine that is busy")
    clock = time.process_time if parser.parse_args().cpu_time else time.perf_counter
    results = machine() | {"steps": measure(clock, seconds=4.0)}
    output = Path(__file__).parent / "results" / "steps.json"
    output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"results: {output}")


if __name__ == "__main__":
    main()
