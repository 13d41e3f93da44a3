"""Count the held-out questions about Hinton's family trees that networks answer correctly.

    python -m studies.family_trees [METHOD ...] [--more | --widths | --choose] [--output FILE]

As in 1986, networks are trained on 100 of the 104 pairs of a person and a relation, and tested on the other 4. This is
repeated on 20 splits. --more measures 30 further splits. --widths measures wider networks on all 50 splits, with the
settings chosen for six units a word. --choose compares settings on 30 other splits.
Needs NumPy, tqdm and a few minutes per method.
Writes studies/results/family_trees.json, or family_trees_widths.json with --widths; chapter 9 reads both. Methods that
are not named keep their results there.

Training amplifies differences in the last bits, so the counts depend on the kind of processor.
results/family_trees_avx2.json, which chapter 9 names, holds the counts of the 20 splits without AVX-512. It was written
with --output and NPY_DISABLE_CPU_FEATURES="X86_V4 AVX512_ICL AVX512_SPR" OPENBLAS_CORETYPE=Haswell.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
from tqdm import tqdm

from smlib.datasets import family_trees, split
from smlib.training import Network, train
from studies.machine import machine, store

RESULTS = Path(__file__).parent / "results" / "family_trees.json"
RESULTS_OF_WIDTHS = RESULTS.with_name("family_trees_widths.json")
SPLITS = {
    "methods": range(20),  # as many as Quinlan used
    "more": range(20, 50),
    "widths": range(50),
    "choice": range(1000, 1030),  # the settings were chosen on these
}
HELD_OUT = 4
SOFTMAX = {"output": "softmax", "cost": "cross-entropy"}
METHODS = {
    "logistic": {
        "says": "logistic outputs and squared error; the output biases start at −log 23",
        "units": {"output": "logistic", "cost": "squared-error"},
    },
    "softmax": {"says": "softmax outputs and cross-entropy", "units": SOFTMAX, "networks": 5},
    "both ways": {
        "says": "softmax and cross-entropy, and each fact that is trained on is also read backwards",
        "units": SOFTMAX,
        "backwards": True,
        "networks": 5,
    },
}
WIDTHS = {  # the layers between inputs and outputs, where METHODS have ((6, 6), 12, 6)
    "wide": {"says": "wide tables and wide layers above", "units": SOFTMAX, "hidden": ((24, 12), 24, 24)},
    "wide tables": {"says": "wide tables, narrow layers above", "units": SOFTMAX, "hidden": ((24, 12), 12, 6)},
    "wide top": {"says": "narrow tables, a wide last layer", "units": SOFTMAX, "hidden": ((6, 6), 12, 24)},
}
PROTOCOL = {
    "split": "train, test = smlib.datasets.split(104, held_out=4, seed=seed), rows of family_trees().pairs",
    "network": "rng = numpy.random.default_rng(seed); "
    "Network(((24, 12), (6, 6), 12, 6, 24), output=output, cost=cost, rng=rng); the second to the "
    "fifth network of a split are drawn from the same rng in turn. The widths have other hidden layers",
    "start": "with logistic outputs, network.biases[-1][:] = -numpy.log(23) before training: all "
    "outputs start near 1/24, as those of a softmax do",
    "targets": "softmax: family_trees().t, the probability shared among the right answers; "
    "logistic: 1 for each right answer",
    "training": "train(network, x, t, steps=steps, learning_rate=learning_rate, momentum=momentum, "
    "weight_decay=weight_decay) for each stage in turn, all cases in one batch",
    "backwards": "each fact (p, r, q) that is trained on also says that p is among the answers to "
    "(q, r backwards): 24 relation inputs, 12 of them backwards. A test pair's facts are left out "
    "in both directions, and the test asks forwards only",
    "average": "the mean of the outputs of the five networks of a split",
}
CRITERIA = {
    "ranked": "right when every right answer has a larger output than every wrong one",
    "half": "logistic: right when every right answer's output is above ½ and every other below; "
    "softmax: right when the right answers together have more than ½ of the probability",
}


def stages(steps, learning_rate, weight_decay, peak=1):
    """Return the stages of a training, as keyword arguments of `train`.

    Unless `peak` is 1, the weight decay rises toward `peak` times `weight_decay` in four stages, and then returns to
    `weight_decay`. From the start, a strong decay would keep the small weights from growing.
    """
    rising = [] if peak == 1 else [weight_decay * peak * (i + 0.5) / 4 for i in range(4)]
    each = round(0.7 * steps / 4)
    parts = [(each, decay) for decay in rising] + [(steps - each * len(rising), weight_decay)]
    return [
        {"steps": n, "learning_rate": learning_rate, "momentum": 0.9, "weight_decay": float(f"{decay:.6g}")}
        for n, decay in parts
    ]


GRID = {
    "logistic": [
        {"steps": 8000, "learning_rate": rate, "weight_decay": decay, "peak": peak}
        for rate, decay, peak in ((3.0, 0.0, 1), (3.0, 1e-5, 1), (3.0, 3e-5, 4), (3.0, 6e-5, 2), (5.0, 3e-5, 4))
    ],
    "softmax": [
        {"steps": 6000, "learning_rate": 1.0, "weight_decay": decay, "peak": peak}
        for decay, peak in ((3e-4, 1), (6e-4, 2), (6e-4, 3), (1e-3, 2))
    ],
    "both ways": [
        {"steps": 4000, "learning_rate": 1.0, "weight_decay": decay, "peak": peak}
        for decay, peak in ((1e-4, 1), (5e-5, 4), (1e-4, 4), (2e-4, 2))
    ],
}
CHOSEN = {"logistic": 2, "softmax": 1, "both ways": 0}  # indices into the lists of GRID


def cases(seed, method):
    """Return x, t for training, and the rows of the pairs for the test."""
    trees = family_trees()
    rows, test = split(len(trees.pairs), held_out=HELD_OUT, seed=seed)
    if not method.get("backwards"):
        t = trees.t if method["units"] is SOFTMAX else (trees.t > 0).astype(float)
        return trees.x[rows], t[rows], test
    questions = {tuple(pair) for pair in trees.pairs[test].tolist()}
    answers = {}
    for p, r, q in trees.facts.tolist():
        if (p, r) not in questions:
            answers.setdefault((p, r), []).append(q)
            answers.setdefault((q, 12 + r), []).append(p)
    x, t = np.zeros((len(answers), 48)), np.zeros((len(answers), 24))
    for row, ((p, r), right) in enumerate(sorted(answers.items())):
        x[row, [p, 24 + r]] = 1
        t[row, right] = 1 / len(right)
    return x, t, test


def trained(seed, method, plan, networks, tick):
    """Return the trained networks of a split, and the rows of the pairs for the test."""
    x, t, test = cases(seed, method)
    rng = np.random.default_rng(seed)
    sizes = ((24, x.shape[1] - 24), *method.get("hidden", ((6, 6), 12, 6)), 24)
    made = []
    for _ in range(networks):
        network = Network(sizes, rng=rng, **method["units"])
        if network.output == "logistic":
            network.biases[-1][:] = -np.log(23)
        for stage in plan:
            train(network, x, t, record_every=stage["steps"], progress=tick, **stage)
        made.append(network)
    return made, test


def questions(network):
    """Return the inputs of all 104 pairs, padded to the width of the network."""
    x = family_trees().x
    return np.pad(x, [(0, 0), (0, len(network.weights[0]) - x.shape[1])])


def judged(y, logistic):
    """Return {criterion: 104 booleans, True for a right answer}."""
    right = family_trees().t > 0
    least, most = np.where(right, y, np.inf).min(axis=1), np.where(right, -np.inf, y).max(axis=1)
    half = (least > 0.5) & (most < 0.5) if logistic else (y * right).sum(axis=1) > 0.5
    return {"ranked": least > most, "half": half}


def features():
    """Return four features of each person that the six units may encode."""
    trees = family_trees()
    men = np.isin(np.arange(24), trees.facts[np.isin(trees.facts[:, 1], range(0, 12, 2)), 2])
    english = trees.people[:12]
    young, old = ("Colin", "Charlotte"), ("Christopher", "Penelope", "Andrew", "Christine")
    left = ("Christopher", "Penelope", "Margaret", "Arthur", "Victoria")
    generation = [1 if name in old else 3 if name in young else 2 for name in english]
    branch = [-1 if name in left else 0 if name in young else 1 for name in english]
    return {
        "nationality": np.repeat([1.0, -1.0], 12),
        "generation": np.array(generation * 2, float),
        "branch": np.array(branch * 2, float),
        "sex": np.where(men, 1.0, -1.0),
    }


def readable(network):
    """Return R² of a linear fit of each feature to the weights of the six person units."""
    inputs = np.hstack([np.ones((24, 1)), network.weights[0][:24, :6]])
    shares = {}
    for name, feature in features().items():
        rest = feature - inputs @ np.linalg.lstsq(inputs, feature, rcond=None)[0]
        shares[name] = round(1 - float(rest @ rest / ((feature - feature.mean()) ** 2).sum()), 3)
    return shares


def interval(right, n, level=0.95):
    """Return Clopper and Pearson's interval for the share `right` / `n`.

    At its low end, the probability of `right` or more is (1 − level)/2.
    At its high end, the probability of `right` or fewer is (1 − level)/2.
    """

    def chance(p, counts):
        """Return the probability that the number of right answers is in `counts`, if the share is p."""
        return math.fsum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in counts)

    def solve(rises, counts):
        """Return the share at which `chance` is (1 − level)/2. `rises` says if it grows with the share."""
        low, high = 0.0, 1.0
        for _ in range(60):
            p = (low + high) / 2
            low, high = (p, high) if (chance(p, counts) < (1 - level) / 2) == rises else (low, p)
        return p

    low = 0.0 if right == 0 else solve(True, range(right, n + 1))
    high = 1.0 if right == n else solve(False, range(right + 1))
    return [low, high]


def total(repetitions, *keys):
    """Return the number of right answers, the number of questions, and the interval of the share."""
    right = [answer for repetition in repetitions for answer in repetition[keys[0]][keys[1]]]
    return {
        "right": sum(right),
        "of": len(right),
        "interval": [round(end, 4) for end in interval(sum(right), len(right))],
    }


def repetition(seed, method, plan, tick):
    """Train the networks of one split, and return their results."""
    networks, test = trained(seed, method, plan, method.get("networks", 1), tick)
    logistic = networks[0].output == "logistic"
    y = [network.outputs(questions(network)) for network in networks]
    verdict = judged(y[0], logistic)
    found = {
        "seed": seed,
        "test": test.tolist(),
        "one": {name: right[test].tolist() for name, right in verdict.items()},
        "trained": int(np.delete(verdict["ranked"], test).sum()),
    }
    if "hidden" not in method:
        found["readable"] = readable(networks[0])
    if not logistic:
        t = family_trees().t[test]
        found["test_cost"] = [round(float(c), 6) for c in -(t * np.log(y[0][test])).sum(axis=1)]
    if len(networks) > 1:
        verdict = judged(np.mean(y, axis=0), logistic)
        found["average"] = {name: right[test].tolist() for name, right in verdict.items()}
    return found


def measure(name, plan, seeds, tick):
    """Print and return the results of a method on the splits."""
    method = (METHODS | WIDTHS)[name]
    repetitions = [repetition(seed, method, plan, tick) for seed in seeds]
    ways = ["one"] + ["average"] * (method.get("networks", 1) > 1)
    totals = {way: {key: total(repetitions, way, key) for key in CRITERIA} for way in ways}
    for way in ways:
        for criterion, found in totals[way].items():
            tqdm.write(f"{name}, {way}, {criterion}: {found['right']} of {found['of']}")
    return {
        "method": method["says"],
        **method["units"],
        "networks": method.get("networks", 1),
        **{key: method[key] for key in method if key == "hidden"},
        "stages": plan,
        "totals": totals,
        "repetitions": repetitions,
    }


def compare(name, settings, seeds, tick):
    """Print and return how many test pairs a network answers correctly with each setting."""
    rows = []
    for setting in settings:
        right = trained_right = 0
        for seed in seeds:
            (network,), test = trained(seed, METHODS[name], stages(**setting), 1, tick)
            ranked = judged(network.outputs(questions(network)), network.output == "logistic")["ranked"]
            right += int(ranked[test].sum())
            trained_right += int(np.delete(ranked, test).sum())
        each = {"right": right, "of": HELD_OUT * len(seeds), "trained": round(trained_right / len(seeds), 1)}
        rows.append(setting | each)
        tqdm.write(f"{name}: {rows[-1]}")
    return rows


def run(methods, what="methods", output=RESULTS, splits=None, shorter=1):
    """Measure `methods` and write the results. `splits` and `shorter` make a test fast.

    At most `splits` splits are used, and the numbers of steps are divided by `shorter`.
    """
    about = machine()
    del about["peers"], about["missing"]
    old = json.loads(output.read_text(encoding="utf-8")) if output.exists() else {}
    results = about | {
        "protocol": PROTOCOL,
        "criteria": CRITERIA,
        "interval": "Clopper and Pearson, 95 %, as if the answers were independent",
        "seeds_of_choice": list(SPLITS["choice"]),
        "seeds_of_report": list(SPLITS["methods"]),
        "seeds_of_more": list(SPLITS["more"]),
    }
    for part in SPLITS:
        if part == what or part in old:
            results[part] = old.get(part, {})
    seeds = SPLITS[what][:splits]
    for name in methods:
        tuned = "softmax" if what == "widths" else name
        settings = GRID[name] if what == "choice" else [GRID[tuned][CHOSEN[tuned]]]
        settings = [setting | {"steps": setting["steps"] // shorter} for setting in settings]
        networks = 1 if what == "choice" else (METHODS | WIDTHS)[name].get("networks", 1)
        steps = sum(setting["steps"] for setting in settings) * networks * len(seeds)
        with tqdm(total=steps, desc=name, unit=" steps") as bar:

            def tick(steps, bar=bar):
                """Yield the steps, then advance the progress bar."""
                yield from steps
                bar.update(len(steps))

            if what == "choice":
                results[what][name] = compare(name, settings, seeds, tick)
            else:
                results[what][name] = measure(name, stages(**settings[0]), seeds, tick)
        results[what] = {each: results[what][each] for each in METHODS | WIDTHS if each in results[what]}
    store(results, output)


def main():
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("methods", nargs="*", metavar="METHOD", help=f"{', '.join(METHODS)}; default: all")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--more", action="store_const", dest="what", const="more", help="measure 30 further splits")
    other.add_argument("--widths", action="store_const", dest="what", const="widths", help="measure wider networks")
    other.add_argument(
        "--choose", action="store_const", dest="what", const="choice", help="compare settings on 30 other splits"
    )
    parser.add_argument("--output", type=Path, help="the file of results")
    arguments = parser.parse_args()
    known = WIDTHS if arguments.what == "widths" else METHODS
    unknown = set(arguments.methods) - set(known)
    if unknown:
        parser.error(f"unknown METHOD {', '.join(unknown)}: choose from {', '.join(known)}")
    output = arguments.output or (RESULTS_OF_WIDTHS if arguments.what == "widths" else RESULTS)
    run(arguments.methods or list(known), arguments.what or "methods", output)


if __name__ == "__main__":
    main()
