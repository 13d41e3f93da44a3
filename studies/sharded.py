"""Measure smlib.sharded on this machine: memory, the overhead of Dask, and the loss of a worker.

    python -m studies.sharded [--output FILE]

- Memory: a process computes on 16 GB of float32 logits, which are made chunk by chunk. Its peak memory is read from
  the system.
- Overhead: one core with Dask is compared with the same core without Dask, for three sizes of chunks.
- Loss: a cluster of two processes computes a cost and its gradient, with and without one of them killed.

Needs smlib's extra "sharded". Writes studies/results/sharded.json, which chapter 10 reads.
"""

import argparse
import datetime
import json
import math
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import dask
import dask.array as da
import numpy as np
from dask.diagnostics import ProgressBar

import smlib
from smlib import sharded
from studies.machine import RESULTS, machine, store

LARGE = 4000, 1_000_000
LARGE_CHUNK = 250, 8000  # 8 MB
IN_MEMORY = 1024, 65_536
CHUNKS = [(256, 256), (256, 4096), (512, 16_384)]  # 256 KiB, 4 MiB, 32 MiB
THREADS = 2
REPEATS = 7
CLUSTER = 1024, 65_536
CLUSTER_CHUNK = 128, 8192


def lazy(make, shape, chunk):
    """Return a Dask array of logits. `make(rows, columns)` computes a chunk when it is needed."""
    chunks = da.core.normalize_chunks(chunk, shape)
    meta = np.empty((0, 0), np.float32)
    return da.map_blocks(place, make, chunks=chunks, dtype=np.float32, meta=meta)


def place(make, block_info=None):
    """Return the chunk at the position that Dask passes as `block_info`."""
    (a, b), (c, d) = block_info[None]["array-location"]
    return make(slice(a, b), slice(c, d))


def of_case(rows):
    """Return a number for each case: the first term of `sums`."""
    return (np.arange(rows.start, rows.stop) % 11).astype(np.float32)


def of_class(columns):
    """Return a number for each class: the second term of `sums`."""
    return (np.arange(columns.start, columns.stop) % 97).astype(np.float32) / 8


def sums(rows, columns):
    """Return logits with known results: a number of the case plus a number of the class."""
    return of_case(rows)[:, None] + of_class(columns)


def normal(rows, columns):
    """Return random logits, the same ones whenever a chunk is computed."""
    rng = np.random.default_rng([rows.start, columns.start])
    shape = rows.stop - rows.start, columns.stop - columns.start
    return 3 * rng.standard_normal(shape, dtype=np.float32)


def peak():
    """Return the peak memory of this process in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"))[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in bytes, on macOS


def memory(what):
    """Compute `what` from the large logits, compare it with the known value, and return time and memory."""
    z = lazy(sums, LARGE, LARGE_CHUNK)
    cases, classes = LARGE
    before = peak()
    start = time.perf_counter()
    row = of_class(slice(0, classes)).astype(np.float64)
    with ProgressBar(out=sys.stderr), dask.config.set(scheduler="threads", num_workers=THREADS):
        if what == "logsumexp":
            value = sharded.logsumexp(z).compute()
            truth = of_case(slice(0, cases)) + smlib.logsumexp(row)
            error = float(np.abs(value / truth - 1).max())
        else:
            t = np.arange(cases) * (classes // cases)
            C, gradient = sharded.cross_entropy_value_and_grad(z, t, reduction="sum")
            C, steepest = dask.compute(C, gradient.min())
            own = np.exp(row[t] - smlib.logsumexp(row))
            error = max(abs(float(C) / -np.log(own).sum() - 1), abs(steepest / (own - 1).min() - 1))
    return {
        "what": what,
        "shape": LARGE,
        "chunk": LARGE_CHUNK,
        "dtype": "float32",
        "bytes of logits": z.nbytes,
        "chunks": z.npartitions,
        "threads": THREADS,
        "seconds": time.perf_counter() - start,
        "peak before": before,
        "peak": peak(),
        "relative error": error,
    }


def overhead():
    """Measure the overhead of Dask on one core, for logits in memory.

    The same work is timed in three ways: smlib on the whole array, a loop over chunks, and Dask on chunks. The overhead
    is the difference between the last two. CPU time does not count other work on the machine. Each timed call follows
    an untimed one.
    """
    z = normal(slice(0, IN_MEMORY[0]), slice(0, IN_MEMORY[1]))
    t = np.arange(len(z)) * 7
    out = np.empty_like(z)
    calls = {
        "logsumexp": lambda: smlib.logsumexp(z),
        "cross-entropy with gradient": lambda: smlib.cross_entropy_value_and_grad(z, t, out=out),
    }
    for chunk in CHUNKS:
        lazy_z = da.from_array(z, chunks=chunk).map_blocks(np.array)
        lazy_z = lazy_z.persist(scheduler="synchronous")
        rows, columns = lazy_z.numblocks
        blocks = [[lazy_z.blocks[i, j].compute() for j in range(columns)] for i in range(rows)]
        calls |= with_chunks(chunk, lazy_z, blocks, t, out)
    times = {name: [] for name in calls}
    with dask.config.set(scheduler="synchronous"):
        for _ in range(REPEATS):
            for name, call in calls.items():
                call()
                start = time.process_time()
                call()
                times[name].append(time.process_time() - start)
    seconds = {name: statistics.median(taken) for name, taken in times.items()}
    results = []
    for function in ("logsumexp", "cross-entropy with gradient"):
        for chunk in CHUNKS:
            chunks = math.ceil(IN_MEMORY[0] / chunk[0]) * math.ceil(IN_MEMORY[1] / chunk[1])
            loop, with_dask = seconds[function, chunk, "loop"], seconds[function, chunk, "Dask"]
            row = {
                "function": function,
                "shape": IN_MEMORY,
                "dtype": "float32",
                "chunk": chunk,
                "bytes of a chunk": 4 * chunk[0] * chunk[1],
                "chunks": chunks,
                "NumPy seconds": seconds[function],
                "loop seconds": loop,
                "Dask seconds": with_dask,
            }
            results.append(row)
            print(
                f"  {function}, chunks of {row['bytes of a chunk'] / 2**20:.2f} MiB: Dask takes "
                f"{with_dask / seconds[function]:.2f} times as long as smlib on the whole array and "
                f"{with_dask / loop:.2f} times as long as a loop over chunks, "
                f"{(with_dask - loop) / chunks * 1e6:.0f} µs more per chunk",
                file=sys.stderr,
                flush=True,
            )
    return results


def with_chunks(chunk, lazy_z, blocks, t, out):
    """Return {(function, chunk, how): call} for a loop over chunks and for Dask."""
    rows = [slice(i, i + chunk[0]) for i in range(0, len(out), chunk[0])]
    starts = range(0, out.shape[1], chunk[1])

    def merged(states):
        """Merge the states of the chunks of a row."""
        return sharded._merged(np.concatenate(states, axis=2), (2,), True)

    def logsumexp_in_a_loop():
        """Compute logsumexp chunk by chunk."""
        for row in blocks:
            whole = merged([sharded._output_states(block, over=(1,)) for block in row])
            sharded._log_sums(whole, [0, 1], np.float32)

    def cost_in_a_loop():
        """Compute the costs and write their gradient to `out`, chunk by chunk."""
        for r, row in zip(rows, blocks):
            pieces = [(block, t[r], [start]) for block, start in zip(row, starts)]
            states = [sharded._cost_states(*piece, over=(1,)) for piece in pieces]
            whole = merged(states)
            sharded._costs(whole)
            for piece, state, start in zip(pieces, states, starts):
                gradient = sharded._gradient(*piece, state, whole, len(out))
                out[r, start : start + chunk[1]] = gradient

    def cost_with_dask():
        """Compute the cost and write its gradient to `out` with Dask."""
        C, gradient = sharded.cross_entropy_value_and_grad(lazy_z, t)
        dask.compute(C, da.store(gradient, out, lock=False, compute=False))

    return {
        ("logsumexp", chunk, "loop"): logsumexp_in_a_loop,
        ("logsumexp", chunk, "Dask"): lambda: sharded.logsumexp(lazy_z).compute(),
        ("cross-entropy with gradient", chunk, "loop"): cost_in_a_loop,
        ("cross-entropy with gradient", chunk, "Dask"): cost_with_dask,
    }


def lost_worker():
    """Compute a cost and its gradient on a cluster, with and without a worker killed halfway."""
    import distributed

    z = lazy(normal, CLUSTER, CLUSTER_CHUNK)
    t = np.arange(CLUSTER[0]) * 7
    both = sharded.cross_entropy_value_and_grad(z, t)
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            memory_limit=0,
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.gather(client.compute(both))
        start = time.perf_counter()
        expected = client.gather(client.compute(both))
        undisturbed = time.perf_counter() - start
        victim = next(iter(client.run(os.getpid).values()))
        start = time.perf_counter()
        futures = client.compute(both)
        time.sleep(undisturbed / 2)
        done = [future.done() for future in futures]
        os.kill(victim, signal.SIGKILL)
        results = client.gather(futures)
        disturbed = time.perf_counter() - start
    dense = smlib.cross_entropy_value_and_grad(z.compute(), t)
    return {
        "shape": CLUSTER,
        "chunk": CLUSTER_CHUNK,
        "workers": 2,
        "seconds": undisturbed,
        "seconds with a worker killed": disturbed,
        "done when it was killed": done,
        "cost": float(results[0]),
        "same cost": bool(results[0] == expected[0]),
        "same gradient": bool(np.array_equal(results[1], expected[1])),
        "cost from smlib": float(dense[0]),
        "largest difference from smlib's gradient": float(np.abs(results[1] - dense[1]).max()),
        "largest entry of the gradient": float(np.abs(dense[1]).max()),
    }


def main():
    """Parse the command line, measure and store the results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--output", type=Path, help="the file of results")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        json.dump(memory(arguments.worker), sys.stdout)
        return
    import distributed

    results = machine()
    results |= {"dask": dask.__version__, "distributed": distributed.__version__}
    results |= {"date": datetime.date.today().isoformat(), "memory": []}
    for what in ("logsumexp", "cross-entropy with gradient"):
        size = 4 * LARGE[0] * LARGE[1] / 1e9
        print(f"{what} of {size:.0f} GB of logits:", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "studies.sharded", "--worker", what]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        results["memory"].append(row := json.loads(done.stdout))
        print(
            f"  {row['seconds']:.0f} s, at most {row['peak'] / 2**20:.0f} MiB "
            f"({row['peak before'] / 2**20:.0f} before), error {row['relative error']:.1e}",
            file=sys.stderr,
        )
    print("one core with Dask, compared with the same core without:", file=sys.stderr)
    results["overhead"] = overhead()
    print("a cluster of two processes:", file=sys.stderr)
    results["lost worker"] = row = lost_worker()
    print(
        f"  {row['seconds']:.1f} s, {row['seconds with a worker killed']:.1f} s with one killed; "
        f"same cost: {row['same cost']}, same gradient: {row['same gradient']}",
        file=sys.stderr,
    )
    store(results, arguments.output or RESULTS / "sharded.json")


if __name__ == "__main__":
    main()
