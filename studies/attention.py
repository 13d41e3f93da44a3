"""Train the letter model with right and wrong backward lines of attention's softmax.

    python -m studies.attention

Each line of RULES trains ten models, seeds 0 to 9, for 600 steps of Adam as in `LetterModel.train`.
Needs NumPy, tqdm and six minutes on one core. Writes studies/results/attention.json, which chapter 11 reads.

The wrong lines amplify rounding: on another processor their costs differ from the second digit on after 600 steps,
while their order stays. Those of the right line agree to all digits that are stored.
"""

import numpy as np
from tqdm import tqdm

from smlib.letters import LetterModel, encode, sentences, through_softmax
from studies.machine import RESULTS, machine, store

SEEDS = range(10)
STEPS = 600
EVERY = 30


def without_mean(P, dP):
    """Return P ∘ dP minus the plain mean of each row over the letters that it may see: rows that sum to zero."""
    seen = np.tril(np.ones(P.shape[-2:], dtype=bool))
    dS = P * dP
    return np.where(seen, dS - dS.sum(axis=-1, keepdims=True) / seen.sum(axis=-1, keepdims=True), 0)


RULES = {
    "right": through_softmax,
    "D forgotten": lambda P, dP: P * dP,
    "diagonal only": lambda P, dP: P * (1 - P) * dP,
    "frozen": lambda P, dP: np.zeros_like(P),
    "mean subtracted": without_mean,
}


def judged(model, lines):
    """Return the cost of a letter, the share of true sentences, the entropy of the weights, and the mean score size."""
    x, _, where = encode(lines)
    log_p = model.log_probability(lines)
    found = model.activities(x)
    entropy = -(found.P * np.log(np.maximum(found.P, 1e-300))).sum(axis=-1)
    seen = np.tril(np.ones(found.P.shape[-2:], dtype=bool))
    mean = np.where(seen, found.S, 0).sum(axis=-1) / seen.sum(axis=-1)
    return -log_p.sum() / where.sum(), np.exp(log_p).sum(), entropy[where].mean(), np.abs(mean[where]).mean()


def trained(rule, seed, steps=STEPS):
    """Return the costs on the way, the last judgment and what the trained model writes."""
    lines = sentences()
    x, _, where = encode(lines)
    rng = np.random.default_rng(seed)
    model, costs = LetterModel(rng), []

    def watch(step):
        if step % EVERY == 0:
            costs.append(-model.log_probability(lines).sum() / where.sum())

    model.train(lines, steps=steps, rng=rng, dscores=RULES[rule], watch=watch)
    end = judged(model, lines)
    return [*costs, end[0]], end, model.write(6, np.random.default_rng(seed))


def run(seeds=SEEDS, steps=STEPS, output=RESULTS / "attention.json"):
    """Train all models and write the results."""
    about = machine()
    del about["peers"], about["missing"]
    results = about | {"steps": list(range(0, steps + 1, EVERY)), "seeds": list(seeds), "rules": {}}
    for rule in RULES:
        runs = [trained(rule, seed, steps) for seed in tqdm(seeds, desc=rule)]
        ends = np.array([end for _, end, _ in runs])
        names = ("cost", "true", "entropy", "mean_score")
        results["rules"][rule] = {
            "costs": [[round(float(c), 4) for c in costs] for costs, _, _ in runs],
            **{name: [float(f"{v:.4g}") for v in column] for name, column in zip(names, ends.T)},
            "writes": [line.strip() for line in runs[0][2]],
        }
    store(results, output)


if __name__ == "__main__":
    run()
