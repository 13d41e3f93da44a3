"""Answers and solutions, folded until the reader opens them."""

import pytest

from tests.site.browser import Visitor
from tests.site.parsing import CHAPTERS, words

CHAPTER = "chapters/02-a-distribution.html"
ANSWERED_LATER = ["Colin’s father is kept back"]  # the answer comes three pages later


def test_the_answer_to_every_question_waits_folded(parsed):
    for slug in CHAPTERS:
        page = parsed[f"chapters/{slug}.html"]
        questions = [box for box in page.select("div.admonition") if words(box.p) == "Predict first"]
        assert questions, f"{slug} asks the reader nothing: it needs a *Predict first*"
        for question in questions:
            answer = question.find_next_sibling()
            later = any(words(question).removeprefix("Predict first ").startswith(start) for start in ANSWERED_LATER)
            assert (answer.name == "details" and "open" not in answer.attrs) != later, words(question)
            assert later or answer.select(".cell_output, p"), words(question)


def test_every_solution_waits_folded(parsed):
    solutions = [box for slug in CHAPTERS for box in parsed[f"chapters/{slug}.html"].select("div.solution")]
    assert len(solutions) > 27
    for box in solutions:
        [fold] = box.find_all("details", recursive=False)
        assert words(box).endswith(words(fold)) and len(words(fold)) > len("The solution") + 20


@pytest.mark.parametrize("scripts", [True, False])
def test_an_answer_opens_with_the_keyboard(browser, origin, scripts):
    visitor = Visitor(browser, origin, java_script_enabled=scripts)
    visitor.page.goto(origin + CHAPTER)
    for fold in (visitor.page.locator("details.fold").first, visitor.page.locator("div.solution details.fold").first):
        answer = fold.locator("pre").first
        assert not answer.is_visible()
        fold.locator("summary").focus()
        visitor.page.keyboard.press("Enter")
        answer.wait_for(state="visible", timeout=5000)
    visitor.context.close()


def test_answers_and_solutions_are_open_in_print(browser, origin):
    visitor = Visitor(browser, origin, java_script_enabled=False)
    visitor.page.goto(origin + CHAPTER)
    visitor.page.emulate_media(media="print")
    heights = visitor.page.locator("details.fold > div").evaluate_all(
        "folds => folds.map(fold => fold.checkVisibility({contentVisibilityAuto: true}) && fold.offsetHeight)"
    )
    assert len(heights) > 5 and all(height > 20 for height in heights)
    visitor.context.close()


def test_a_link_into_an_answer_opens_it(visitor, origin):
    visitor.page.goto(origin + CHAPTER + "#claim-07")
    fold = visitor.page.locator("details.fold:has(#claim-07)")
    assert fold.count() == 1 and fold.get_attribute("open") is not None
