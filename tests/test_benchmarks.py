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
