"""Count the test digits that smlib's networks and scikit-learn's classifiers read correctly.

    python -m studies.digits

All are trained on the same 1437 digits and tested on the same 360. Their settings were chosen without the 360.
Needs NumPy. scikit-learn is left out, with a message, if it cannot be imported.
Writes studies/results/digits.json, which the page of measurements reads.
"""

import contextlib
import warnings

import numpy as np

from smlib import cross_entropy
from smlib.datasets import digits, split
from smlib.training import Network, train
from studies.machine import RESULTS, machine, store

PEERS = ("scikit-learn", "SciPy")  # scikit-learn's solvers are SciPy's
SEEDS = range(10)  # for everything that draws random numbers
LINEAR, HIDDEN = "linear softmax", "32 hidden units"
OURS = [
    (
        LINEAR,
        "smlib, 1000 steps",
        'Network((64, 10), output="softmax", cost="cross-entropy", rng=rng)',
        "train(network, x, t, steps=1000, learning_rate=1.0, record_every=1000)",
    ),
    (
        HIDDEN,
        "smlib, 100 passes",
        'Network((64, 32, 10), output="softmax", cost="cross-entropy", rng=rng)',
        "train(network, x, t, steps=4500, learning_rate=1.0, batch_size=32, rng=rng, record_every=4500)",
    ),
]
THEIRS = [
    (LINEAR, "LogisticRegression", "LogisticRegression(max_iter=10000)"),
    (LINEAR, "the same, no penalty", "LogisticRegression(C=np.inf, max_iter=10000)"),
    (HIDDEN, "MLPClassifier", "MLPClassifier(32, max_iter=1000, random_state=seed)"),
    (
        HIDDEN,
        "the same, logistic",
        'MLPClassifier(32, activation="logistic", max_iter=1000, random_state=seed)',
    ),
    (
        HIDDEN,
        "the same, our steps",
        'MLPClassifier(32, activation="logistic", solver="sgd", learning_rate_init=1.0, momentum=0.0, '
        "alpha=0.0, batch_size=32, max_iter=100, n_iter_no_change=100, random_state=seed)",
    ),
]


def cases():
    """Return x, t for training and x, t for the test, split as in chapter 7."""
    images, names = digits()
    train_rows, test_rows = split(len(names), held_out=360)
    return images[train_rows], names[train_rows], images[test_rows], names[test_rows]


def own(make, run, seed):
    """Return how many test digits a network of smlib reads correctly, and its mean cost over all test digits."""
    x, t, x_test, t_test = cases()
    rng = np.random.default_rng(seed)
    network = eval(make, {"Network": Network, "rng": rng})
    eval(run, {"train": train, "network": network, "x": x, "t": t, "rng": rng})
    z = network.logits(x_test)
    return int((z.argmax(axis=1) == t_test).sum()), float(cross_entropy(z, t_test))


def peer(make, seed):
    """Return the same two numbers for a classifier of scikit-learn."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    x, t, x_test, t_test = cases()
    names = {"LogisticRegression": LogisticRegression, "MLPClassifier": MLPClassifier}
    classifier = eval(make, names | {"np": np, "seed": seed})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # max_iter is meant to end some of the trainings
        classifier.fit(x, t)
    y = classifier.predict_proba(x_test)
    return int((y.argmax(axis=1) == t_test).sum()), float(-np.log(y[np.arange(len(y)), t_test]).mean())


def row(who, model, name, expression, results):
    """Print the results of all seeds, and return them as a row."""
    right, cost = (list(column) for column in zip(*results))
    print(f"{model}, {name}: {min(right)} to {max(right)} of 360 right, median cost {np.median(cost):.3f}")
    print(f"    {expression}", flush=True)
    return {"who": who, "model": model, "name": name, "expression": expression, "right": right, "cost": cost}


def measure():
    """Return a row for each classifier, the linear ones first."""
    rows = []
    for model, name, make, run in OURS:
        results = [own(make, run, seed) for seed in SEEDS]
        rows.append(row("smlib", model, name, f"network = {make}; {run}", results))
    with contextlib.suppress(ImportError):
        for model, name, make in THEIRS:
            seeds = SEEDS if "seed" in make else [0]
            rows.append(row("scikit-learn", model, name, make, [peer(make, seed) for seed in seeds]))
    return sorted(rows, key=lambda row: row["model"] == HIDDEN)


def main():
    """Measure all classifiers and store the results."""
    about = machine()
    about["peers"] = {name: about["peers"][name] for name in PEERS if name in about["peers"]}
    about["missing"] = [name for name in PEERS if name in about["missing"]]
    for name in about["missing"]:
        print(f"{name} cannot be imported: left out")
    results = about | {"rng": "numpy.random.default_rng(seed)", "seeds": list(SEEDS), "rows": measure()}
    store(results, RESULTS / "digits.json")


if __name__ == "__main__":
    main()
