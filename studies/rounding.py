"""Train small networks for a long time in float32, with several slopes of the same cost.

    python -m studies.rounding [task ...]

Runs with the same task and seed start from the same weights and see the same cases; they differ in what ARMS says. All
cases form one batch. What counts as an excursion, and what else is measured, is in `Watch`.
Writes studies/results/rounding.json, one record a run, which chapter 6 reads. A run that is stored is not run again.

StableMax and the orthogonal gradient are the remedies of L. Prieto et al., "Grokking at the edge of numerical
stability" (2025), as in the authors' code: it computes StableMax in float64, and projects each array of parameters by
itself and keeps the length of its gradient. The float64 cost, the projection of the slopes to a sum of zero, the larger
epsilon of Adam and the last layer without its mean are those of H. Liu et al., "Grokking or glitching? How
low-precision drives slingshot loss spikes" (2026).
"""

import json
import multiprocessing
import os
import sys

import numpy as np
from tqdm import tqdm

from smlib import cross_entropy
from smlib.datasets import digits, family_trees, split
from studies.machine import RESULTS, machine, store

SEEDS = range(20)
STEPS = 5000
BETA1, BETA2 = 0.9, 0.98
# The arms whose costs are compared step by step.
COMPARED = ("rivals32", "float64 cost", "usual64")

# arm: slope, dtype of the network, optimizer, and what else is changed
ARMS = {
    "usual32": ("usual", np.float32, "adam", {}),
    "rivals32": ("rivals", np.float32, "adam", {}),
    "usual64": ("usual", np.float64, "adam", {}),
    "float64 cost": ("usual, float64", np.float32, "adam", {}),
    "zero-sum projection": ("projected", np.float32, "adam", {}),
    "StableMax": ("StableMax", np.float32, "adam", {}),
    "orthogonal gradient": ("usual", np.float32, "adam", {"orthogonal": True}),
    "epsilon 1e-5": ("usual", np.float32, "adam", {"epsilon": 1e-5}),
    "no mean in W": ("usual", np.float32, "adam", {"centered": True}),
    "usual32, gradient descent": ("usual", np.float32, "gradient descent", {}),
    "rivals32, gradient descent": ("rivals", np.float32, "gradient descent", {}),
    "usual32, momentum": ("usual", np.float32, "momentum", {}),
    "rivals32, momentum": ("rivals", np.float32, "momentum", {}),
}
RATES = {"adam": 1e-3, "gradient descent": 0.3, "momentum": 0.03}


# Tasks: inputs and labels to train on and, where there is something to generalize to, to test on.


def one_hot(indices, n):
    """Return rows that have ones at the given places, each place in its own group of `n` inputs."""
    x = np.zeros((len(indices), indices.shape[1] * n))
    np.put_along_axis(x, indices + n * np.arange(indices.shape[1]), 1.0, axis=1)
    return x


def addition(rng, p=31):
    """Half of all sums modulo p to learn, the others to test."""
    pairs = np.stack(np.divmod(np.arange(p * p), p), axis=1)
    rows = rng.permutation(p * p)
    x, t = one_hot(pairs, p), pairs.sum(axis=1) % p
    some, others = rows[: p * p // 2], rows[p * p // 2 :]
    return x[some], t[some], x[others], t[others]


def parity(rng, bits=20, of=3, cases=400):
    """Is the sum of the first 3 of 20 bits odd? 400 cases to learn, 1000 others to test."""
    x = rng.permutation(2**bits)[: cases + 1000, None] >> np.arange(bits) & 1
    t = x[:, :of].sum(axis=1) % 2
    x = 2.0 * x - 1
    return x[:cases], t[:cases], x[cases:], t[cases:]


def by_heart(rng, cases=300):
    """300 digits to learn by heart, and 360 others to test."""
    images, names = digits()
    rows, others = split(len(names), held_out=360)
    some = rng.choice(rows, cases, replace=False)
    return images[some], names[some], images[others], names[others]


def sentences(rng, facts=16, window=6):
    """Which letter follows six letters of a text of 16 facts about two families? Only a part of them is certain."""
    trees = family_trees()
    chosen = trees.facts[np.sort(rng.permutation(len(trees.facts))[:facts])]
    text = "".join(f"{trees.people[p]} {trees.relations[r]} {trees.people[q]}. ".lower() for p, r, q in chosen)
    letters = sorted(set(text))
    code = np.array([letters.index(c) for c in text])
    places = np.arange(window, len(code))
    x = one_hot(code[places[:, None] - np.arange(window, 0, -1)], len(letters))
    return x, code[places], None, None


TASKS = {"addition": addition, "parity": parity, "digits": by_heart, "sentences": sentences}


def least_cost(x, t):
    """Return the cost of the best possible answers: the entropy of the labels of equal inputs."""
    _, kind, size = np.unique(x, axis=0, return_inverse=True, return_counts=True)
    counts = np.zeros((len(size), t.max() + 1))
    np.add.at(counts, (kind.reshape(-1), t), 1)
    shares = counts[counts > 0] / np.repeat(size, (counts > 0).sum(axis=1))
    return float(-(counts[counts > 0] * np.log(shares)).sum() / len(t))


# Slopes: the derivative of the mean cost with respect to the logits, by several ways.


def usual(z, t):
    """Return softmax minus one at the label, as most programs compute it."""
    y = np.exp(z - z.max(axis=1, keepdims=True))
    y /= y.sum(axis=1, keepdims=True)
    y[np.arange(len(t)), t] -= 1
    return y


def rivals(z, t):
    """Return the same with the label's slope summed over its rivals."""
    rows = np.arange(len(t))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    total = e.sum(axis=1)
    e[rows, t] = 0
    e[rows, t] = -e.sum(axis=1)
    return e / total[:, None]


def projected(z, t):
    """Return the usual slope minus its mean over the classes, so that it sums to zero."""
    g = usual(z, t)
    return g - g.mean(axis=1, keepdims=True)


def usual_float64(z, t):
    """Return the usual slope computed in float64."""
    return usual(z.astype(np.float64), t).astype(z.dtype)


def stable_max(z, t):
    """Return the slope of the logarithm of StableMax, s / Σ s with s = 1 + z above 0 and 1 / (1 − z) below."""
    x = z.astype(np.float64)
    s = np.where(x >= 0, 1 + x, 1 / (1 + np.abs(x)))
    q = s / s.sum(axis=1, keepdims=True)
    q[np.arange(len(t)), t] -= 1
    return (q / (1 + np.abs(x))).astype(z.dtype)


SLOPES = {
    "usual": usual,
    "rivals": rivals,
    "projected": projected,
    "usual, float64": usual_float64,
    "StableMax": stable_max,
}


# The network: two layers of 128 rectified linear units.


class Layers:
    """Weights and biases as views of one vector, and the gradient as views of another."""

    def __init__(self, rng, sizes, dtype):
        shapes = [shape for m, n in zip(sizes, sizes[1:]) for shape in ((m, n), (n,))]
        ends = np.cumsum([np.prod(shape) for shape in shapes])
        self.vector, self.gradient = np.zeros((2, ends[-1]), dtype)
        self.arrays, self.slopes = (
            [part.reshape(shape) for part, shape in zip(np.split(v, ends[:-1]), shapes)]
            for v in (self.vector, self.gradient)
        )
        for W in self.arrays[::2]:
            W[...] = rng.uniform(-1, 1, W.shape) / np.sqrt(len(W))

    def forward(self, x):
        """Return the inputs of all layers, and the logits."""
        inputs = [x]
        for W, b in zip(self.arrays[:-2:2], self.arrays[1::2]):
            inputs.append(np.maximum(inputs[-1] @ W + b, 0))
        return inputs, inputs[-1] @ self.arrays[-2] + self.arrays[-1]

    def backward(self, inputs, g):
        """Write the gradient, given the slopes of the logits."""
        for i in range(len(inputs) - 1, -1, -1):
            np.matmul(inputs[i].T, g, out=self.slopes[2 * i])
            np.sum(g, axis=0, out=self.slopes[2 * i + 1])
            if i:
                g = (g @ self.arrays[2 * i].T) * (inputs[i] > 0)

    def make_orthogonal(self):
        """Take from each array's gradient its part along the array, and keep its length."""
        for w, g in zip(self.arrays, self.slopes):
            length = np.linalg.norm(g)
            g -= (w * g).sum() / ((w * w).sum() + 1e-30) * w
            g *= length / (np.linalg.norm(g) + 1e-30)


def updates(optimizer, gradient, epsilon=1e-8):
    """Return a function of the number of the step that turns the gradient into the change of the parameters."""
    dtype, rate = gradient.dtype.type, RATES[optimizer]
    m, v = np.zeros_like(gradient), np.zeros_like(gradient)

    def adam(step):
        m[...] += dtype(1 - BETA1) * (gradient - m)
        v[...] += dtype(1 - BETA2) * (gradient * gradient - v)
        size = np.sqrt(v / dtype(1 - BETA2**step)) + dtype(epsilon)
        return dtype(-rate / (1 - BETA1**step)) * m / size

    def descent(step):
        m[...] *= dtype(0.9 if optimizer == "momentum" else 0)
        m[...] -= dtype(rate) * gradient
        return m

    return adam if optimizer == "adam" else descent


class Watch:
    """What is measured in a run. The excess is the mean cost, in float64, above the least possible one.

    An excursion begins when the excess is above 0.001 and above 100 times the least excess so far, and ends when it is
    below 10 times. Excursions are counted, and the worst cost is the largest excess, after a sixth of the steps.
    """

    def __init__(self, least):
        self.least, self.best, self.away = least, np.inf, False
        self.excursions, self.worst, self.cost = 0, 0.0, []

    def see(self, step, z, t):
        """Take in the logits of a step."""
        C = float(cross_entropy(z, t, reduction="none").mean(dtype=np.float64)) - self.least
        self.cost.append(C)
        if step > STEPS // 6:
            self.worst = max(self.worst, C)
            if C > max(1e-3, 100 * self.best) and not self.away:
                self.away = True
                self.excursions += 1
            self.away &= bool(C > 10 * self.best)
        self.best = min(self.best, C)


def zero_sum_residual(g):
    """Return |Σ g| / Σ |g| in each row of slopes; 0 where all slopes are 0."""
    g = g.astype(np.float64)
    size = np.abs(g).sum(axis=1)
    return np.abs(g.sum(axis=1)) / np.where(size > 0, size, 1)


def rounded(a):
    """Return a number to six digits."""
    return float(f"{a:.6g}")


def run(job):
    """Train one network, and return what was measured."""
    task, seed, arm = job
    slope, dtype, optimizer, changes = ARMS[arm]
    rng = np.random.default_rng([seed, list(TASKS).index(task)])
    x, t, x_test, t_test = TASKS[task](rng)
    layers = Layers(rng, (x.shape[1], 128, 128, t.max() + 1), dtype)
    watch, x, rows = Watch(least_cost(x, t)), x.astype(dtype), np.arange(len(t))
    update = updates(optimizer, layers.gradient, changes.get("epsilon", 1e-8))
    generalized, zeros, residuals, largest = None, [], [], 0.0
    for step in range(1, STEPS + 1):
        inputs, z = layers.forward(x)
        watch.see(step, z, t)
        g = SLOPES[slope](z, t)
        if step % 10 == 0:
            zeros.append(float((g[rows, t] == 0).mean()))
            residuals.append(float(zero_sum_residual(g).mean()))
            largest = max(largest, float(np.abs(z).max()))
        layers.backward(inputs, g / dtype(len(t)))
        if changes.get("orthogonal"):
            layers.make_orthogonal()
        layers.vector += update(step)
        if changes.get("centered"):
            W, b = layers.arrays[-2:]
            W -= W.mean(axis=1, keepdims=True)
            b -= b.mean()
        if x_test is not None and step % 100 == 0:
            accuracy = float((layers.forward(x_test.astype(dtype))[1].argmax(axis=1) == t_test).mean())
            if generalized is None and accuracy >= 0.95:
                generalized = step
    late = slice(len(zeros) // 2, None)
    record = {
        "task": task,
        "seed": seed,
        "arm": arm,
        "optimizer": optimizer,
        "steps": STEPS,
        "excursions": watch.excursions,
        "worst_cost": rounded(watch.worst),
        "last_cost": rounded(watch.cost[-1]),
        "largest_logit": rounded(largest),
        "residual": rounded(np.mean(residuals[late])),
        "zero_labels": rounded(np.mean(zeros[late])),
        "test_accuracy": None if x_test is None else rounded(accuracy),
        "generalized": generalized,
    }
    if arm in COMPARED:
        record["costs"] = [rounded(C) for C in watch.cost[99::100]]
    return record


def jobs(tasks, done):
    """Return the runs that are not stored yet, the arms of a seed one after the other."""
    have = {(r["task"], r["seed"], r["arm"]) for r in done}
    wanted = [(task, seed, arm) for seed in SEEDS for task in tasks for arm in ARMS]
    return [job for job in wanted if job not in have]


def main(tasks):
    """Make the runs that are missing, and store all."""
    path = RESULTS / "rounding.json"
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"runs": []}
    runs = results["runs"]
    left = jobs(tasks or TASKS, runs)
    results["machine"] = machine()
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for record in tqdm(pool.imap_unordered(run, left), total=len(left), unit="run"):
            runs.append(record)
            if len(runs) % 20 == 0 or len(runs) == len(TASKS) * len(SEEDS) * len(ARMS):
                store(results, path)


if __name__ == "__main__":
    main(sys.argv[1:])
