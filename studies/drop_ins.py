"""Time the functions for PyTorch and JAX that sum over the rivals, beside the libraries' own costs.

    python -m studies.drop_ins

Forward and backward in float32 on one thread of the CPU: the mean cost and its gradient by the logits, as a user calls
it; JAX's are compiled. On a GPU that PyTorch can use, PyTorch's are timed there too. Times are medians of interleaved
calls.
Needs PyTorch or JAX. Writes studies/results/drop_ins.json, which the book's page for their users reads.
"""

import importlib
import time

import numpy as np

from smlib import cross_entropy_value_and_grad
from studies.machine import RESULTS, imported, machine, store, use_one_core
from studies.many_classes import medians

SHAPES = [(128, 1000), (1024, 32768)]


def torch_calls(torch, z, t, device):
    """Return {name: a function that returns the gradient} for PyTorch on a device."""
    rivals = importlib.import_module("studies.rivals_torch").RivalCrossEntropy.apply
    leaf, labels = torch.tensor(z, device=device, requires_grad=True), torch.tensor(t, device=device)

    def gradient(cost):
        leaf.grad = None
        cost(leaf, labels).backward()
        if device != "cpu":
            torch.cuda.synchronize()
        return leaf.grad

    return {
        "cross_entropy": lambda: gradient(torch.nn.functional.cross_entropy),
        "RivalCrossEntropy": lambda: gradient(lambda z, t: rivals(z, t).mean()),
    }


def jax_calls(jax, z, t):
    """Return the same for JAX."""
    rivals = importlib.import_module("studies.rivals_jax").rival_cross_entropy
    z, t = jax.device_put(z), jax.device_put(np.int32(t))

    def usual(z, t):
        return -jax.numpy.take_along_axis(jax.nn.log_softmax(z), t[:, None], 1).mean()

    calls = {"log_softmax": usual, "rival_cross_entropy": lambda z, t: rivals(z, t).mean()}
    compiled = {name: jax.jit(jax.value_and_grad(cost)) for name, cost in calls.items()}
    return {name: (lambda f=f: jax.block_until_ready(f(z, t))[1]) for name, f in compiled.items()}


def rows(library, device, shape, calls, exact):
    """Return a result for each call: its time, and the largest error of its gradient, relative to each entry."""
    errors = {}
    for name, call in calls.items():
        g = call()
        g = np.asarray(g.cpu() if library == "PyTorch" else g, float)
        errors[name] = float((np.abs(g - exact) / np.abs(exact)).max() * 2**24)
    seconds = medians(calls, time.perf_counter, 8.0)
    usual = next(iter(seconds.values()))
    found = []
    for name, s in seconds.items():
        print(f"{library} on {device}, {shape}: {name} {s:.4g} s ({s / usual:.2f}), {errors[name]:.3g} u", flush=True)
        found.append({"library": library, "device": device, "shape": shape, "name": name, "seconds": s})
        found[-1]["units"] = errors[name]
    return found


def main():
    """Measure what can be imported, and store the results."""
    use_one_core()
    found, results = imported(), []
    if not found.keys() & {"torch", "jax"}:
        print("Neither PyTorch nor JAX can be imported: nothing to measure")
        return
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        z = np.float32(3 * rng.standard_normal(shape))
        t = rng.integers(shape[1], size=shape[0])
        exact = cross_entropy_value_and_grad(z.astype(float), t)[1]
        if torch := found.get("torch"):
            torch.set_num_threads(1)
            for device in ["cpu", "cuda"][: 1 + torch.cuda.is_available()]:
                results += rows("PyTorch", device, shape, torch_calls(torch, z, t, device), exact)
        if jax := found.get("jax"):
            results += rows("JAX", "cpu", shape, jax_calls(jax, z, t), exact)
    store(machine() | {"rows": results}, RESULTS / "drop_ins.json")


if __name__ == "__main__":
    main()
