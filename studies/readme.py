"""Write the table of speed in README.md.

    python -m studies.readme

Needs NumPy. Reads studies/results/x86_64.json, which studies.speed writes.
"""

import json
import math

from scripts import ROOT
from studies.machine import RESULTS

SPEED = RESULTS / "x86_64.json"
BEGIN, END = "<!-- studies.readme writes from here -->\n", "<!-- to here -->\n"
COST = "cross-entropy with gradient"
SHAPES = ([128, 1000], [1024, 32768], [4, 10**6])
PEERS = {"scipy": "SciPy", "torch": "PyTorch", "jax": "JAX"}


def own(row):
    """Return the seconds of smlib, with `out=` where it was measured."""
    return row["seconds"].get("smlib, out=", row["seconds"]["smlib"])


def table(results):
    """Return the lines of the table, cost with gradient on one thread, and a line on PyTorch without gradient."""
    rows = [row for row in results["timings"]["one thread"] if not row["offset"]]
    costs = {(tuple(row["shape"]), row["dtype"]): row for row in rows if row["function"] == COST}
    found = {who: name for who, name in PEERS.items() if name in results["peers"]}
    versions = [f"{name} {results['peers'][name]}" for name in found.values()]
    lines = [f"| (cases, classes), dtype | smlib / `np.exp` | {' | '.join(versions)} |"]
    lines.append("| --- | --- |" + " --- |" * len(versions))
    for shape in map(tuple, SHAPES):
        for dtype in ("float32", "float64"):
            row = costs[shape, dtype]
            peers = [f"{row['seconds'][who] / own(row):.1f} ×" for who in found]
            lines.append(f"| {shape}, {dtype} | {own(row) / row['E']:.1f} | {' | '.join(peers)} |")
    if "torch" in found:
        others = [row for row in rows if row["function"] != COST]
        faster = [row for row in others if row["seconds"]["torch"] < own(row)]
        shapes = sorted({tuple(row["shape"]) for row in faster}, key=math.prod)
        lines += ["", f"Without a gradient PyTorch is the faster one in {len(faster)} of {len(others)} measurements"]
        lines += [f"of `softmax`, `log_softmax` and `logsumexp`: at {', '.join(map(str, shapes))}."]
    return lines


def written(readme, results):
    """Return the text of the README with the table of these results."""
    start, stop = readme.index(BEGIN) + len(BEGIN), readme.index(END)
    return readme[:start] + "\n" + "\n".join(table(results)) + "\n\n" + readme[stop:]


def main():
    """Update the README."""
    path = ROOT / "README.md"
    path.write_text(
        written(path.read_text(encoding="utf-8"), json.loads(SPEED.read_text(encoding="utf-8"))), encoding="utf-8"
    )
    print(f"The table in {path} is up to date")


if __name__ == "__main__":
    main()
