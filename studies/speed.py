"""Measure the speed, memory and accuracy of smlib on this machine, compared with other libraries.

    python -m studies.speed [--quick] [--cpu-time] [--output FILE]

There are three settings: one thread; all cores; one thread with an allocator that keeps its pages. Each setting has a
process of its own, which times all libraries in rounds. A round calls every function once untimed and then timed.
Times are medians, and are printed in units of E. E is the time of np.exp(z, out=buffer) in the same rounds, with the
same logits without an offset. Accuracy is in units of roundoff u (2^-24 and 2^-53).

Needs NumPy. SciPy, scikit-learn, PyTorch and JAX are left out, with a message, if they cannot be imported.
Writes studies/results/MACHINE.json, where MACHINE is platform.machine(). Chapter 6 and studies.readme read x86_64.json.
"""

import argparse
import datetime
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
import tracemalloc
from decimal import Decimal, localcontext
from pathlib import Path

from scripts import ONE_THREAD
from studies.machine import RESULTS, imported, machine, store

SHAPES = [(1, 10), (128, 10), (128, 1000), (1024, 32768), (4, 10**6)]
QUICK_SHAPES = SHAPES[:3]
DTYPES = ("float32", "float64")
LIBRARIES = ONE_THREAD | {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}
# With these, glibc keeps freed memory, and new arrays need no new pages from the system.
WARM = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "68719476736",
    "MALLOC_TOP_PAD_": "1073741824",
}
SETTINGS = {
    "one thread": LIBRARIES,
    "all cores": dict.fromkeys(ONE_THREAD, str(os.cpu_count())),
    "one thread, warm allocator": LIBRARIES | WARM,
}


def calls(z, t, found):
    """Return {function: {who: (expression, callable)}} for logits `z` and labels `t`."""
    import numpy as np

    import smlib

    out = np.empty_like(z)
    rows = np.arange(len(z))
    table = {
        "softmax": {
            "smlib": ("softmax(z)", lambda: smlib.softmax(z)),
            "smlib, out=": ("softmax(z, out=out)", lambda: smlib.softmax(z, out=out)),
        },
        "logsumexp": {"smlib": ("logsumexp(z)", lambda: smlib.logsumexp(z))},
        "log_softmax": {
            "smlib": ("log_softmax(z)", lambda: smlib.log_softmax(z)),
            "smlib, out=": ("log_softmax(z, out=out)", lambda: smlib.log_softmax(z, out=out)),
        },
        "cross-entropy with gradient": {
            "smlib": (
                "cross_entropy_value_and_grad(z, t)",
                lambda: smlib.cross_entropy_value_and_grad(z, t),
            ),
            "smlib, out=": (
                "cross_entropy_value_and_grad(z, t, out=out)",
                lambda: smlib.cross_entropy_value_and_grad(z, t, out=out),
            ),
        },
    }
    if "scipy" in found:
        from scipy import special

        table["softmax"]["scipy"] = ("softmax(z, axis=-1)", lambda: special.softmax(z, axis=-1))
        table["logsumexp"]["scipy"] = (
            "logsumexp(z, axis=-1)",
            lambda: special.logsumexp(z, axis=-1),
        )
        table["log_softmax"]["scipy"] = (
            "log_softmax(z, axis=-1)",
            lambda: special.log_softmax(z, axis=-1),
        )

        def scipy_cross_entropy():
            """Compute the mean cross-entropy and its gradient with SciPy."""
            g = special.softmax(z, axis=-1)
            g[rows, t] -= 1
            g /= len(z)
            return -special.log_softmax(z, axis=-1)[rows, t].mean(), g

        table["cross-entropy with gradient"]["scipy"] = (
            "-log_softmax(z)[t].mean(), (softmax(z) - 1 at t) / N",
            scipy_cross_entropy,
        )
    if "sklearn" in found:
        from sklearn.utils import extmath

        table["softmax"]["sklearn"] = ("extmath.softmax(z)", lambda: extmath.softmax(z))
    if "torch" in found:
        torch = found["torch"]
        functional = torch.nn.functional
        tensor, labels = torch.from_numpy(z), torch.from_numpy(t)
        leaf = tensor.clone().requires_grad_()

        def torch_cross_entropy():
            """Compute the mean cross-entropy and its gradient with PyTorch."""
            leaf.grad = None
            loss = functional.cross_entropy(leaf, labels)
            loss.backward()
            return loss, leaf.grad

        table["softmax"]["torch"] = ("softmax(z, -1)", lambda: torch.softmax(tensor, -1))
        table["logsumexp"]["torch"] = ("logsumexp(z, -1)", lambda: torch.logsumexp(tensor, -1))
        table["log_softmax"]["torch"] = (
            "log_softmax(z, -1)",
            lambda: torch.log_softmax(tensor, -1),
        )
        table["cross-entropy with gradient"]["torch"] = (
            "cross_entropy(z, t), backward()",
            torch_cross_entropy,
        )
    if "jax" in found:
        jax = found["jax"]
        array, labels_ = jax.device_put(z), jax.device_put(t)

        def jax_cost(a, b):
            """Compute the mean cross-entropy with JAX."""
            return -jax.numpy.take_along_axis(jax.nn.log_softmax(a), b[:, None], 1).mean()

        jitted = {
            "softmax": ("jit(nn.softmax)(z)", jax.jit(jax.nn.softmax), (array,)),
            "logsumexp": (
                "jit(nn.logsumexp)(z, -1)",
                jax.jit(lambda a: jax.nn.logsumexp(a, -1)),
                (array,),
            ),
            "log_softmax": ("jit(nn.log_softmax)(z)", jax.jit(jax.nn.log_softmax), (array,)),
            "cross-entropy with gradient": (
                "jit(value_and_grad(-log_softmax(z)[t].mean()))",
                jax.jit(jax.value_and_grad(jax_cost)),
                (array, labels_),
            ),
        }
        for function, (expression, f, arguments) in jitted.items():
            table[function]["jax"] = (
                expression,
                lambda f=f, arguments=arguments: jax.block_until_ready(f(*arguments)),
            )
    return table


def medians(functions, clock, seconds):
    """Return the median time of each function, over at least 5 rounds and about `seconds` seconds."""
    loops = {}
    for name, f in functions.items():
        f()
        start = clock()
        f()
        loops[name] = max(1, int(5e-5 / max(clock() - start, 1e-7)))
    times = {name: [] for name in functions}
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(times[next(iter(times))]) < 5:
        for name, f in functions.items():
            f()
            start = clock()
            for _ in range(loops[name]):
                f()
            times[name].append((clock() - start) / loops[name])
    return {name: statistics.median(t) for name, t in times.items()}


def timings(shapes, cpu_time, only, seconds):
    """Return a row for each shape, dtype, offset and function: E and the seconds of each library."""
    import numpy as np

    found = imported()
    clock = time.process_time if cpu_time else time.perf_counter
    results = []
    for shape in shapes:
        for dtype in DTYPES:
            rng = np.random.default_rng(0)
            base = rng.normal(0, 3, shape)
            t = rng.integers(0, shape[1], shape[0])
            buffer = np.empty(shape, dtype)
            plain = base.astype(dtype)
            for offset in (0, 1000):
                z = (base + offset).astype(dtype)
                table = calls(z, t, found)
                for function, by in table.items():
                    if only and function not in only:
                        continue
                    if offset:
                        by = {who: call for who, call in by.items() if who.startswith("smlib")}
                    functions = {who: f for who, (_, f) in by.items()}
                    functions["E"] = lambda: np.exp(plain, out=buffer)
                    times = medians(functions, clock, seconds)
                    e = times.pop("E")
                    results.append(
                        {
                            "shape": shape,
                            "dtype": dtype,
                            "offset": offset,
                            "function": function,
                            "E": e,
                            "seconds": times,
                        }
                    )
                    print_row(results[-1])
    return results


def print_row(row):
    """Print a row of `timings` in units of E and of smlib's shortest time."""
    name = f"{row['function']}, {tuple(row['shape'])}, {row['dtype']}"
    if row["offset"]:
        name += f", offset {row['offset']}"
    best = min(s for who, s in row["seconds"].items() if who.startswith("smlib"))
    cells = []
    for who, s in row["seconds"].items():
        ratio = "" if who.startswith("smlib") else f" ({s / best:.2f} x smlib)"
        cells.append(f"{who} {s / row['E']:.2f} E{ratio}")
    print(f"  {name}: {'; '.join(cells)}", file=sys.stderr, flush=True)


def memory():
    """Return the bytes that smlib allocates with out=, and the bytes of the logits."""
    import numpy as np

    import smlib

    rng = np.random.default_rng(0)
    results = []
    for shape in [(1024, 32768), (4, 10**6)]:
        for dtype in DTYPES:
            z = rng.normal(0, 3, shape).astype(dtype)
            t = rng.integers(0, shape[1], shape[0])
            for function, f in {
                "softmax": lambda: smlib.softmax(z, out=z),
                "log_softmax": lambda: smlib.log_softmax(z, out=z),
                "cross-entropy with gradient": lambda: smlib.cross_entropy_value_and_grad(z, t, out=z),
            }.items():
                tracemalloc.start()
                f()
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                results.append(
                    {
                        "function": function,
                        "shape": shape,
                        "dtype": dtype,
                        "logits": z.nbytes,
                        "extra": peak,
                    }
                )
    return results


def exact_rivals(z, c):
    """Return the sum of e^{z_j − z_c} over the rivals of class c, in the current Decimal context."""
    values = {}
    for j, a in enumerate(z.tolist()):
        if j != c:
            values[a] = values.get(a, 0) + 1
    own = Decimal(float(z[c]))
    return sum(n * (Decimal(a) - own).exp() for a, n in values.items())


def units(value, truth, dtype):
    """Return the relative error of a float in units of roundoff u."""
    u = Decimal(2) ** (-24 if dtype == "float32" else -53)
    return float(abs(Decimal(float(value)) - truth) / abs(truth) / u)


def accuracy_of_smlib():
    """Return the largest errors of smlib's cost, label gradient and label log-probability, in u."""
    import numpy as np

    import smlib

    gaps = {"float32": (0, 1, 5, 20, 40, 60, 80), "float64": (0, 1, 5, 20, 40, 100, 300, 690)}
    results = []
    for dtype in DTYPES:
        for classes in (2, 3, 10, 257, 32768):
            for offset in (0, -3.7, 41.3, 1000, 1e5):
                worst = {"cost": 0.0, "label gradient": 0.0, "log_softmax": 0.0}
                for gap in gaps[dtype]:
                    for trial in range(1 if classes > 1000 else 10):
                        rng = np.random.default_rng([classes, gap, trial])
                        z = offset - gap - rng.choice(rng.random(100), classes)
                        c = int(rng.integers(classes))
                        z[c] = offset
                        z = z.astype(dtype)
                        rivals = exact_rivals(z, c)
                        cost, slope = log1p(rivals), -rivals / (1 + rivals)
                        value, gradient = smlib.cross_entropy_value_and_grad(z, c)
                        for name, got, truth in (
                            ("cost", value, cost),
                            ("label gradient", gradient[c], slope),
                            ("log_softmax", smlib.log_softmax(z)[c], -cost),
                        ):
                            worst[name] = max(worst[name], units(got, truth, dtype))
                results.append({"dtype": dtype, "classes": classes, "offset": offset, "units": worst})
    return results


def log1p(x):
    """Return log(1 + x) of a Decimal with 50 right digits, to nearly 50 digits if x > 1e-600."""
    with localcontext() as context:
        context.prec = 700
        return (1 + x).ln()


def losses(found):
    """Return {who: (expression, function that returns the loss of class 0 from logits z)}."""
    import numpy as np

    import smlib

    table = {"smlib": ("cross_entropy(z, 0)", lambda z: smlib.cross_entropy(z, 0))}
    if "scipy" in found:
        from scipy import special

        table["scipy"] = ("-log_softmax(z)[0]", lambda z: -special.log_softmax(z)[0])
        table["scipy, logsumexp"] = ("logsumexp(z) - z[0]", lambda z: special.logsumexp(z) - z[0])
        table["scipy, softmax"] = ("-log(softmax(z)[0])", lambda z: -np.log(special.softmax(z)[0]))
    if "sklearn" in found:
        from sklearn.utils import extmath

        table["sklearn"] = (
            "-log(extmath.softmax(z)[0, 0])",
            lambda z: -np.log(extmath.softmax(z[None])[0, 0]),
        )
    if "torch" in found:
        torch = found["torch"]
        table["torch"] = (
            "nn.functional.cross_entropy(z, 0)",
            lambda z: torch.nn.functional.cross_entropy(torch.from_numpy(z), torch.tensor(0)),
        )
    if "jax" in found:
        jax = found["jax"]
        table["jax"] = ("-nn.log_softmax(z)[0]", lambda z: -jax.nn.log_softmax(z)[0])
    return table


def accuracy_by_gap(found):
    """Return, for each loss, the largest gap at which it has one right digit.

    The logits are (top, top − gap), and the right class is 0. A loss has a right digit if its relative error is at most
    a tenth. Gaps grow in steps of 0.5, and the first without a right digit ends the search.
    """
    import numpy as np

    results = []
    for dtype in DTYPES:
        info = np.finfo(dtype)
        limit = -math.log(float(info.tiny))
        for top in (0.0, 10.0):
            for who, (expression, loss) in losses(found).items():
                last = None
                for gap in np.arange(0.5, limit, 0.5):
                    z = np.array([top, top - gap], dtype)
                    truth = math.log1p(math.exp(-gap))
                    if not abs(float(loss(z)) / truth - 1) <= 0.1:
                        break
                    last = float(gap)
                results.append(
                    {
                        "who": who,
                        "expression": expression,
                        "dtype": dtype,
                        "top": top,
                        "largest gap": last,
                        "smallest normal cost at gap": limit,
                    }
                )
    return results


def label_gradients(found):
    """Return {who: (expression, function that returns the gradient in the logit of label 0)}."""
    import smlib

    table = {
        "smlib": (
            "cross_entropy_value_and_grad(z, 0)",
            lambda z: smlib.cross_entropy_value_and_grad(z, 0)[1][0],
        )
    }
    if "scipy" in found:
        from scipy import special

        table["scipy"] = ("softmax(z)[0] - 1", lambda z: special.softmax(z)[0] - 1)
    if "torch" in found:
        torch = found["torch"]

        def torch_gradient(z):
            """Compute the label gradient with PyTorch."""
            leaf = torch.from_numpy(z).requires_grad_()
            torch.nn.functional.cross_entropy(leaf, torch.tensor(0)).backward()
            return leaf.grad[0]

        table["torch"] = ("cross_entropy(z, 0).backward()", torch_gradient)
    if "jax" in found:
        jax = found["jax"]
        table["jax"] = (
            "grad(-nn.log_softmax(z)[0])[0]",
            lambda z: jax.grad(lambda a: -jax.nn.log_softmax(a)[0])(jax.numpy.asarray(z))[0],
        )
    return table


def sure_answers(found):
    """Return cost and label gradient for the logits (10, 10 − gap) and label 0, at one gap per dtype."""
    import numpy as np

    results = []
    for dtype, gap in (("float32", 20.0), ("float64", 40.0)):
        z = np.array([10.0, 10.0 - gap], dtype)
        share = math.exp(-gap)
        for what, table, truth in (
            ("cost", losses(found), math.log1p(share)),
            ("label gradient", label_gradients(found), -share / (1 + share)),
        ):
            for who, (expression, f) in table.items():
                results.append(
                    {
                        "what": what,
                        "who": who,
                        "expression": expression,
                        "dtype": dtype,
                        "gap": gap,
                        "top": 10.0,
                        "value": float(f(z.copy())),
                        "truth": truth,
                    }
                )
    return results


def accuracy_of_softmax(found):
    """Return the largest error of softmax with many classes, in u, for each library."""
    import numpy as np

    import smlib

    results = []
    for dtype, classes in (("float32", 10**6), ("float64", 32768)):
        z = np.random.default_rng(0).normal(0, 3, classes).astype(dtype)
        if dtype == "float32":
            e = np.exp(z.astype(np.float64))
            truth = e / math.fsum(e)
        else:
            exact = [Decimal(a).exp() for a in z.tolist()]
            total = sum(exact)
            truth = [a / total for a in exact]
        outputs = {"smlib": smlib.softmax(z)}
        if "scipy" in found:
            from scipy import special

            outputs["scipy"] = special.softmax(z)
        if "torch" in found:
            torch = found["torch"]
            outputs["torch"] = torch.softmax(torch.from_numpy(z), -1).numpy()
        if "jax" in found:
            outputs["jax"] = np.asarray(found["jax"].nn.softmax(z))
        for who, y in outputs.items():
            if dtype == "float32":
                error = float(np.abs(y / truth - 1).max() * 2.0**24)
            else:
                error = max(units(a, b, dtype) for a, b in zip(y, truth, strict=True))
            results.append({"who": who, "dtype": dtype, "classes": classes, "units": error})
    return results


def worker(arguments):
    """Time the functions in one setting, and print the results as JSON."""
    shapes = QUICK_SHAPES if arguments.quick else SHAPES
    seconds = 0.3 if arguments.quick else 1.0
    only = ["cross-entropy with gradient"] if "warm" in arguments.worker else None
    if "warm" in arguments.worker:
        shapes = shapes[2:]
    alone = arguments.worker.startswith("one thread")
    if alone and hasattr(os, "sched_setaffinity"):
        # JAX starts more threads despite XLA_FLAGS: on one core they run one at a time.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if "torch" in (found := imported()) and alone:
        found["torch"].set_num_threads(1)
    cpu_time = arguments.cpu_time and alone
    json.dump(timings(shapes, cpu_time, only, seconds), sys.stdout)


def main():
    """Parse the command line, measure and store the results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="time small arrays only, in few rounds")
    parser.add_argument(
        "--cpu-time",
        action="store_true",
        help="measure CPU time in the settings with one thread, for a machine that is busy",
    )
    parser.add_argument("--output", type=Path, help="the file of results")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(arguments)
        return
    results = machine()
    for label in results["missing"]:
        print(f"{label} cannot be imported: left out", file=sys.stderr)
    results["date"] = datetime.date.today().isoformat()
    results["clock"] = "CPU time" if arguments.cpu_time else "wall"
    results["timings"] = {}
    for setting, environment in SETTINGS.items():
        print(f"{setting}:", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "studies.speed", "--worker", setting]
        command += ["--quick"] * arguments.quick + ["--cpu-time"] * arguments.cpu_time
        done = subprocess.run(command, env=os.environ | environment, stdout=subprocess.PIPE, check=True)
        results["timings"][setting] = json.loads(done.stdout)
    found = imported()
    with localcontext() as context:
        context.prec = 50
        results["memory"] = memory()
        results["accuracy of cost and label gradient"] = accuracy_of_smlib()
        results["accuracy of softmax"] = accuracy_of_softmax(found)
        results["largest gap with one right digit"] = accuracy_by_gap(found)
        results["a sure answer"] = sure_answers(found)
    for row in results["largest gap with one right digit"]:
        print(
            f"  {row['dtype']}, top logit {row['top']}: {row['who']}, {row['expression']}: "
            f"right up to a gap of {row['largest gap']}",
            file=sys.stderr,
        )
    for row in results["accuracy of softmax"]:
        print(
            f"  softmax, {row['classes']} classes, {row['dtype']}: {row['who']} {row['units']:.1f} u",
            file=sys.stderr,
        )
    worst = {}
    for row in results["accuracy of cost and label gradient"]:
        for name, u in row["units"].items():
            key = name, row["dtype"]
            worst[key] = max(worst.get(key, 0.0), u)
    for (name, dtype), u in worst.items():
        print(f"  {name}, {dtype}: at most {u:.1f} u", file=sys.stderr)
    for row in results["memory"]:
        share = row["extra"] / row["logits"]
        print(
            f"  {row['function']}, {tuple(row['shape'])}, {row['dtype']}, in place: "
            f"{row['extra'] / 2**20:.2f} MiB extra ({share:.2%} of the logits)",
            file=sys.stderr,
        )
    store(results, arguments.output or RESULTS / f"{platform.machine()}.json")


if __name__ == "__main__":
    main()
