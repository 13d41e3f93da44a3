"""Measure the time and memory of one step against the number of classes, compared with PyTorch.

    python -m studies.many_classes [--quick] [--cpu-time] [--output FILE]

A step is the cross-entropy of a linear layer, forward and backward: value, ∂C/∂h and ∂C/∂W for 512 cases, 64 inputs and
float32, on one thread. "linear" is smlib's linear_cross_entropy, which never stores all logits. "dense" stores all
logits and calls smlib's cross_entropy_value_and_grad. "torch" is PyTorch with all logits, and "torch, fused" its
linear_cross_entropy (2.13 and later) in chunks, with the options that it chooses itself.

Times are medians of interleaved calls. Each timed call follows an untimed one; if a call takes over a second, only the
first does. Memory is the growth of a separate process to its peak, the gradients included (Linux only).

Needs NumPy. PyTorch is left out, with a message, if it cannot be imported.
Writes studies/results/many_classes.json, which chapter 10 reads.
"""

import argparse
import datetime
import importlib.util
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import smlib
from smlib.many_classes import linear_cross_entropy
from studies.machine import RESULTS, machine, store, use_one_core

CASES, INPUTS, DTYPE = 512, 64, "float32"
CLASSES = [10**2, 10**3, 10**4, 10**5, 10**6]
EXPRESSIONS = {
    "linear": "linear_cross_entropy(h, W, t)",
    "linear, logits near 1000": "linear_cross_entropy(h, W, t, b=1000)",
    "dense": "cross_entropy_value_and_grad(h @ W.T, t, out=z), g @ W, g.T @ h",
    "torch": "cross_entropy(h @ W.T, t), backward()",
    "torch, fused": "linear_cross_entropy(h, W, t, options=LinearCrossEntropyOptions()), backward()",
}


def steps(classes):
    """Return {name: a function without arguments that computes one step} for a number of classes."""
    rng = np.random.default_rng(0)
    h = rng.standard_normal((CASES, INPUTS), DTYPE)
    W = rng.standard_normal((classes, INPUTS), DTYPE)
    W *= 0.3
    t = rng.integers(0, classes, CASES)
    b = np.full(classes, 1000, DTYPE)

    def dense():
        """Compute all logits, then the cost and both gradients."""
        z = h @ W.T
        C, g = smlib.cross_entropy_value_and_grad(z, t, out=z)
        return C, (g @ W, g.T @ h)

    found = {
        "linear": lambda: linear_cross_entropy(h, W, t),
        "linear, logits near 1000": lambda: linear_cross_entropy(h, W, t, b=b),
        "dense": dense,
    }
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)
        inputs, weights = (torch.from_numpy(a).requires_grad_() for a in (h, W))
        labels = torch.from_numpy(t)

        functional = torch.nn.functional

        def step(cost):
            """Compute a cost and both gradients with PyTorch."""
            inputs.grad = weights.grad = None
            C = cost()
            C.backward()
            return C.detach(), (inputs.grad, weights.grad)

        found["torch"] = lambda: step(lambda: functional.cross_entropy(inputs @ weights.T, labels))
        if hasattr(torch.nn, "LinearCrossEntropyOptions"):
            options = torch.nn.LinearCrossEntropyOptions()
            found["torch, fused"] = lambda: step(
                lambda: functional.linear_cross_entropy(inputs, weights, labels, options=options)
            )
    return found


def medians(functions, clock, seconds):
    """Return the median time of each function, over at least 3 rounds and about `seconds` seconds."""
    times = {name: [] for name in functions}
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(times[next(iter(times))]) < 3:
        for name, f in functions.items():
            if not times[name] or times[name][-1] < 1.0:
                f()
            start = clock()
            f()
            times[name].append(clock() - start)
    return {name: statistics.median(t) for name, t in times.items()}


def status(key):
    """Return a number of bytes from /proc/self/status, or None on other systems than Linux."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))


def growth(who, classes):
    """Return the bytes by which this process grows to its peak in a step, after a small one; None without /proc."""
    steps(100)[who]()
    step = steps(classes)[who]
    before = status("VmRSS")
    result = step()
    assert len(result) == 2
    return before and status("VmHWM") - before


def measured_apart(who, classes):
    """Return the result of `growth` in a new process."""
    command = [sys.executable, "-m", "studies.many_classes", "--worker", who, str(classes)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def measure(classes, clock, seconds):
    """Print and return a row of results for each kind of step."""
    functions = steps(classes)
    rows = []
    for who, s in medians(functions, clock, seconds).items():
        row = {"who": who, "expression": EXPRESSIONS[who], "classes": classes, "seconds": s}
        row["bytes"] = measured_apart(who, classes)
        rows.append(row)
    for row in rows:
        memory = "not measured" if row["bytes"] is None else f"{row['bytes'] / 2**20:.1f} MiB"
        ratio = row["seconds"] / rows[0]["seconds"]
        cells = f"{row['who']} {row['seconds']:.4g} s ({ratio:.2f} x linear), {memory}"
        print(f"  {classes} classes: {cells}", flush=True)
    return rows


def distance():
    """Return the largest differences of the gradients from those of "linear", relative to its largest entries."""
    results = {who: step()[1] for who, step in steps(10**4).items() if "1000" not in who}
    expected = results.pop("linear")
    return {
        who: [float(np.abs(np.asarray(a) - e).max() / np.abs(e).max()) for a, e in zip(g, expected)]
        for who, g in results.items()
    }


def main():
    """Parse the command line, measure and store the results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="stop at 10^4 classes, and run few rounds")
    parser.add_argument("--cpu-time", action="store_true", help="measure CPU time, for a machine that is busy")
    parser.add_argument("--output", type=Path, help="the file of results")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    use_one_core()
    if arguments.worker:
        who, classes = arguments.worker
        print(json.dumps(growth(who, int(classes))))
        return
    results = machine()
    if "PyTorch" in results["missing"]:
        print("PyTorch cannot be imported: left out", file=sys.stderr)
    results |= {
        "date": datetime.date.today().isoformat(),
        "clock": "CPU time" if arguments.cpu_time else "wall",
        "cases": CASES,
        "inputs": INPUTS,
        "dtype": DTYPE,
        "largest difference from linear": distance(),
        "steps": [],
    }
    clock = time.process_time if arguments.cpu_time else time.perf_counter
    for classes in CLASSES[:3] if arguments.quick else CLASSES:
        results["steps"] += measure(classes, clock, 0.5 if arguments.quick else 4.0)
    store(results, arguments.output or RESULTS / "many_classes.json")


if __name__ == "__main__":
    main()
