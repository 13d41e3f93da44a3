"""scripts.verdicts: what the notebooks of a class say."""

import nbformat
import pytest

from scripts import verdicts
from scripts.notebooks import chapters, read, without_solutions

PATH = chapters()["03-the-derivative"]


@pytest.fixture
def handed_in():
    """A chapter as a class gets it, with the checks by exercise."""
    notebook = without_solutions(read(PATH))
    return notebook, verdicts.checks(notebook)


def test_the_verdict_of_each_exercise_is_listed(handed_in, tmp_path, capsys):
    notebook, checks = handed_in
    checks["ex-derivative-log"].outputs[0].data["text/plain"] = "Right. L projects."
    checks["ex-derivative-half"].outputs = []
    nbformat.write(notebook, tmp_path / "ada.ipynb")
    verdicts.main(tmp_path / "ada.ipynb")
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == ["ada.ipynb"] * 5
    found = {label: said for _, label, said in lines}
    assert found["ex-derivative-log"] == "Right. L projects."
    assert found["ex-derivative-half"] == verdicts.NO_VERDICT
    assert found["ex-derivative-temperature"].startswith("Not yet. ")


def test_a_check_that_is_not_the_books_is_named(handed_in):
    notebook, checks = handed_in
    book = verdicts.checks(read(PATH))
    checks["ex-derivative-log"].source += "\nprint('Right.')"
    del book["ex-derivative-half"]
    found = dict(verdicts.verdicts(notebook, book))
    assert found["ex-derivative-log"] == found["ex-derivative-half"] == verdicts.NOT_THE_BOOKS


def test_without_notebooks_it_says_what_to_give():
    with pytest.raises(SystemExit, match="NOTEBOOK"):
        verdicts.main()
