"""What the README says of speed is what the results say."""

import importlib.util
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_the_readme_is_the_one_of_the_results():
    readme = load("readme")
    text = (ROOT / "README.md").read_text()
    results = json.loads(readme.RESULTS.read_text())
    assert readme.written(text, results) == text
    assert "JAX" not in "".join(readme.table(results | {"peers": {"SciPy": "1.17.1"}}))
    row = next(row for row in results["timings"]["one thread"] if row["shape"] == readme.SHAPES[0])
    row["E"] *= 2
    assert readme.written(text, results) != text


def test_smlib_reads_as_many_digits_as_its_results_say():
    digits = load("digits")
    results = json.loads((ROOT / "benchmarks" / "results" / "digits.json").read_text())
    rows = {row["expression"]: row for row in results["rows"] if row["who"] == "smlib"}
    assert len(rows) == len(digits.OURS)
    for model, name, make, run in digits.OURS:
        row = rows[f"network = {make}; {run}"]
        assert (row["model"], row["name"]) == (model, name)
        right, cost = digits.own(make, run, seed=1)
        assert right == row["right"][1]
        assert abs(cost / row["cost"][1] - 1) < 1e-6


def test_the_peers_of_the_digits_are_the_ones_that_were_run():
    digits = load("digits")
    results = json.loads((ROOT / "benchmarks" / "results" / "digits.json").read_text())
    rows = [row for row in results["rows"] if row["who"] != "smlib"]
    assert [(row["model"], row["name"], row["expression"]) for row in rows] == digits.THEIRS
    for row in results["rows"]:
        by_chance = "rng=rng" in row["expression"] or "seed" in row["expression"]
        assert len(row["right"]) == len(row["cost"]) == (len(results["seeds"]) if by_chance else 1)
        assert all(0 <= right <= 360 for right in row["right"])
