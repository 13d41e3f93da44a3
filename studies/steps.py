"""From the plain softmax to the blocked one: the time of each version, in units of np.exp.

    python -m studies.steps [--cpu-time]

Each version adds one idea to the one before. All are timed in turn on one thread, with the array of
the result made beforehand; the first makes arrays of its own. Needs NumPy only. The results go to
studies/results/steps.json, from which the chapter on floating point draws.
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
WIDTH = 512  # terms of a sum that are added as one product


def plain(z, y):
    """The shifted formula as it is written, which leaves y alone."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def in_place(z, y):
    """No array but the result."""
    np.subtract(z, z.max(axis=-1, keepdims=True), out=y)
    np.exp(y, out=y)
    y /= y.sum(axis=-1, keepdims=True)


def blocks(z):
    rows = max(1, BLOCK // (z.shape[1] * z.itemsize))
    return [slice(start, start + rows) for start in range(0, len(z), rows)]


def blocked(z, y):
    """All passes over a block of rows while it is in the cache."""
    for b in blocks(z):
        in_place(z[b], y[b])


def unshifted(z, y, sums=lambda e: e.sum(axis=-1, keepdims=True)):
    """No shift, unless the sums show that it was needed."""
    for b in blocks(z):
        np.exp(z[b], out=y[b])
        s = sums(y[b])
        if s.min() >= 1 and s.max() < 1e37:
            y[b] *= 1 / s
        else:
            in_place(z[b], y[b])


def products(e):
    """The sums of the rows, as products with ones."""
    if e.shape[1] <= 2 * WIDTH:
        return e @ np.ones((e.shape[1], 1), e.dtype)
    cut = e.shape[1] // WIDTH * WIDTH
    parts = e[:, :cut].reshape(len(e), -1, WIDTH) @ np.ones(WIDTH, e.dtype)
    rest = e[:, cut:] @ np.ones(e.shape[1] - cut, e.dtype)
    return (parts.sum(axis=1) + rest)[:, None]


def with_products(z, y):
    """Sums as products."""
    unshifted(z, y, products)


STEPS = {
    "the shifted formula": plain,
    "no new arrays": in_place,
    "blocks of rows": blocked,
    "no shift, sums checked": unshifted,
    "sums as products": with_products,
}


def measure(clock, seconds):
    """Return the median time of each version in units of np.exp, shape by shape."""
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
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--cpu-time", action="store_true", help="for a machine that is busy with other work")
    clock = time.process_time if parser.parse_args().cpu_time else time.perf_counter
    results = machine() | {"steps": measure(clock, seconds=4.0)}
    output = Path(__file__).parent / "results" / "steps.json"
    output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"results: {output}")


if __name__ == "__main__":
    main()
