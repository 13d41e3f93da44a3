"""Write the table of speed in README.md.

    python -m studies.readme

Needs NumPy. Reads studies/results/x86_64.json, which studies.speed writes.
"""

import json

from scripts import ROOT
from studies.machine import RESULTS

SPEED = RESULTS / "x86_64.json"
BEGIN, END = "<!-- studies.readme writes from here -->\n", "<!-- to here -->\n"
FUNCTIONS = ("softmax", "logsumexp", "log_softmax", "cross-entropy with gradient")
SHAPES = ([128, 1000], [1024, 32768])
PEERS = {"scipy": "SciPy", "torch": "PyTorch", "jax": "JAX"}


def table(results):
    """Return the lines of the table: on one thread, smlib in units of np.exp and its peers in units of smlib."""
    measured = {
        (row["function"], tuple(row["shape"]), row["dtype"]): row
        for row in results["timings"]["one thread"]
        if not row["offset"]
    }
    found = {who: name for who, name in PEERS.items() if name in results["peers"]}
    versions = [f"{name} {results['peers'][name]}" for name in found.values()]
    lines = [
        f"| (cases, classes), dtype | function | smlib / `np.exp` | {' | '.join(versions)} |",
        "| --- | --- | --- |" + " --- |" * len(versions),
    ]
    for shape in SHAPES:
        for dtype in ("float32", "float64"):
            for function in FUNCTIONS:
                row = measured[function, tuple(shape), dtype]
                seconds = row["seconds"]
                own = seconds.get("smlib, out=", seconds["smlib"])
                peers = [f"{seconds[who] / own:.1f} ×" for who in found]
                lines.append(f"| {tuple(shape)}, {dtype} | {function} | {own / row['E']:.1f} | {' | '.join(peers)} |")
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
