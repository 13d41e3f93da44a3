"""Reward a model that writes for true sentences, with a baseline and without.

    python -m studies.rewards

The model is the one of chapter 12: `smlib.letters.LetterModel`, trained on the 112 facts. It then learns from its own
sentences alone, by REINFORCE (R. J. Williams, 1992): gradient descent on −A log p, where p is the probability of the
sentence and A its reward, 1 if it is true and 0 if not, changed as ARMS says.
Needs NumPy, tqdm and ten minutes. Writes studies/results/rewards.json, which chapter 12 reads.
"""

import copy

import numpy as np
from tqdm import tqdm

from smlib.letters import LetterModel, encode, sentences
from studies.machine import RESULTS, machine, store

SEEDS = range(10)
TRAINING, UPDATES, EVERY = 800, 120, 20
RATE, SENTENCES = 0.01, 48
ARMS = {
    "baseline": lambda R: R - R.mean(),
    "none": lambda R: R,
    "none, 1 added": lambda R: R + 1,
}


def truth(model):
    """Return the probability of a true sentence, and the effective number of facts among the true ones."""
    p = np.exp(model.log_probability(sentences()))
    q = p / p.sum()
    return float(p.sum()), float(np.exp(-(q * np.log(q)).sum()))


def run(start, seed, arm, updates=UPDATES):
    """Return the record of a run from a copy of the model `start`."""
    model, rng = copy.deepcopy(start), np.random.default_rng(seed)
    facts, seen = set(sentences()), [truth(model)]
    for update in range(1, updates + 1):
        lines = model.write(SENTENCES, rng)
        A = ARMS[arm](np.array([line in facts for line in lines], dtype=float))
        x, t, where = encode(lines)
        _, gradient = model.value_and_grad(x, t, A[:, np.newaxis] * where / SENTENCES)
        for name, g in gradient.items():
            model.weights[name] -= RATE * g
        if update % EVERY == 0:
            seen.append(truth(model))
    true, facts = zip(*seen)
    return {"seed": seed, "arm": arm, "true": [round(x, 4) for x in true], "facts": [round(x, 2) for x in facts]}


def main():
    """Make all runs, and store them."""
    start = LetterModel(np.random.default_rng(0))
    start.train(sentences(), steps=TRAINING, rng=np.random.default_rng(0))
    jobs = [(seed, arm) for seed in SEEDS for arm in ARMS]
    runs = [run(start, *job) for job in tqdm(jobs, unit="run")]
    about = machine()
    del about["peers"], about["missing"]
    settings = {"training": TRAINING, "updates": UPDATES, "every": EVERY, "rate": RATE, "sentences": SENTENCES}
    store({"machine": about, **settings, "runs": runs}, RESULTS / "rewards.json")


if __name__ == "__main__":
    main()
