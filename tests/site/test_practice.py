"""Exercises and predictions that answer on the pages."""

import json

import pytest

from scripts.notebooks import code_cells
from scripts.practice import exercises, kind, predictions
from tests.site.axe import examine
from tests.site.browser import Visitor

CHAPTER = "03-the-derivative"
LABEL = "ex-derivative-temperature"
RIGHT = """def jacobian_T(z, T):
    print("called")
    return jacobian(z / T) / T


def largest_norm(T):
    return 1 / (2 * T)
"""
WRONG = RIGHT.replace("(z / T) / T", "(z / T)")


@pytest.fixture(params=["http", "file"])
def chapter(request, browser, origin, site):
    """The page of the chapter, served or opened from the file system."""
    start = origin if request.param == "http" else site.as_uri() + "/"
    visitor = Visitor(browser, start)
    visitor.page.goto(f"{start}chapters/{CHAPTER}.html")
    yield visitor.page
    visitor.context.close()
    assert visitor.left == [] and visitor.complaints == []


def form_of(page, label=LABEL):
    """Return the form of an exercise."""
    return page.locator(f"form.practice:has(#{label}-code)")


def check(page, code, label=LABEL):
    """Enter an answer, check it, and return the verdict."""
    form = form_of(page, label)
    form.locator("textarea").fill(code)
    form.get_by_role("button", name="Check").click()
    page.wait_for_function("form => form.elements.stop.disabled", arg=form.element_handle(), timeout=120_000)
    return form.get_by_role("status").inner_text()


# --- the pages


def test_every_exercise_and_prediction_that_can_be_judged_has_a_form(parsed, book):
    for slug, notebook in book.items():
        page = parsed[f"chapters/{slug}.html"]
        found = exercises(notebook)
        forms = page.select("form[data-check]")
        assert [form.textarea["id"] for form in forms] == [f"{exercise.label}-code" for exercise in found]
        assert [form.textarea.string.strip() for form in forms] == [exercise.answer for exercise in found]
        assert len(page.select("form.predict")) == sum(map(bool, predictions(notebook)))
        assert page.select(".tag_answer, .tag_check, .tag_tries") == []
        assert all("hidden" in form.attrs for form in page.select("form.practice"))
        assert bool(page.select("script[src*='practice.js']")) == bool(page.select(".cell_input"))


def test_the_page_has_the_code_that_an_exercise_may_use(parsed, book):
    for slug, notebook in book.items():
        for exercise in exercises(notebook):
            place = parsed[f"chapters/{slug}.html"].find(id=f"{exercise.label}-code")
            code = [pre for pre in place.find_all_previous("pre") if pre.find_parent(class_="cell_input")]
            shown = [pre.get_text().strip() for pre in reversed(code) if not pre.find_parent(class_="solution")]
            assert shown == exercise.before


def test_without_scripts_no_form_is_shown(browser, origin):
    visitor = Visitor(browser, origin, java_script_enabled=False)
    visitor.page.goto(f"{origin}chapters/{CHAPTER}.html")
    forms = visitor.page.locator("form.practice")
    assert forms.count() == 8 and not any(form.is_visible() for form in forms.all())
    visitor.context.close()


# --- predictions


def enter(form, place, value):
    """Answer a question of a prediction: a number is text, a choice is an index."""
    field = form.locator(f"[name$='-{place}']")
    field.nth(value).check() if isinstance(value, int) else field.fill(value)


def right_answers(questions):
    """Return what to enter for each question to be right."""
    return [q["right"] if "choices" in q else str(q["answer"]) for q in questions]


def wrong_answers(question):
    """Yield (what to enter, the reply) for wrong answers to a question."""
    if "choices" in question:
        yield from ((n, reason) for n, (_, reason) in enumerate(question["choices"]) if n != question["right"])
    else:
        yield from question["mistakes"].items()
        yield "77", question["otherwise"]


def test_a_prediction_is_judged_and_then_the_answer_opens(chapter, book):
    for form, questions in zip(chapter.locator("form.predict").all(), filter(None, predictions(book[CHAPTER]))):
        fold = form.locator("xpath=ancestor::div[contains(@class, 'admonition')]/following-sibling::*[1]")
        replies = form.locator("[id$=-reply]")
        compare = form.get_by_role("button", name="Compare")
        compare.click()
        assert replies.all_inner_texts() == ["Make a guess first: any guess will do."] * len(questions)
        assert fold.get_attribute("open") is None
        for place, value in enumerate(right_answers(questions), 1):
            enter(form, place, value)
        compare.click()
        assert all(reply.startswith("Yes.") for reply in replies.all_inner_texts())
        assert fold.get_attribute("open") is not None
        assert compare.evaluate("button => button === document.activeElement")
        for place, question in enumerate(questions, 1):
            for value, reply in wrong_answers(question):
                enter(form, place, value)
                compare.click()
                assert replies.nth(place - 1).inner_text() == f"No. {reply}"


def test_the_replies_to_predictions_are_accessible(visitor, origin, book):
    visitor.page.goto(f"{origin}chapters/{CHAPTER}.html")
    for form, questions in zip(visitor.page.locator("form.predict").all(), predictions(book[CHAPTER])):
        for place, value in enumerate(right_answers(questions), 1):
            enter(form, place, value if place > 1 else "77" if isinstance(value, str) else 1 - bool(value))
        form.get_by_role("button", name="Compare").click()
    assert "No. " in visitor.page.inner_text("main") and "Yes. " in visitor.page.inner_text("main")
    assert not any(examine(visitor.page).values())


def test_numbers_may_be_written_in_several_ways(visitor, origin):
    visitor.page.goto(f"{origin}chapters/{CHAPTER}.html")
    form = visitor.page.locator("form.predict").first
    for entered in ["0.2", "−0.2", "1/5", "20 %", "2e-1", "0,2"]:
        enter(form, 3, entered)
        form.get_by_role("button").click()
        assert ("what you added" in form.inner_text()) == ("−" not in entered), entered
        enter(form, 3, "about " + entered)
        form.get_by_role("button").click()
        assert "Enter a number" in form.inner_text(), entered


# --- exercises


def test_without_pyodide_in_the_site_a_check_says_what_it_needs(visitor, origin):
    kernel = {"pyodideUrl": "https://example.org/pyodide.js", "loadPyodideOptions": {"packages": []}}
    config = {"jupyter-config-data": {"litePluginSettings": {"kernel": kernel}}}
    visitor.page.route("**/jupyter-lite.json", lambda route: route.fulfill(body=json.dumps(config)))
    visitor.page.goto(f"{origin}chapters/{CHAPTER}.html")
    assert "make live" in check(visitor.page, RIGHT)
    assert visitor.left == []


@pytest.mark.rare
def test_an_answer_is_checked_in_the_page(bundled, chapter):
    form = form_of(chapter)
    for code, verdict, details in [
        (WRONG, "Not yet. The factor 1/T is missing: z/T moves by 1/T of z.", "called"),
        (RIGHT, "Right. Every entry gains the factor 1/T", "called"),
        (RIGHT.replace("2 *", "0 *"), "Your code stopped with ZeroDivisionError", "line 7: return 1 / (0 * T)"),
        (RIGHT.replace(":", "", 1), "Python cannot read line 1", "SyntaxError"),
        ("x = 1", "The check needs jacobian_T and largest_norm", ""),
        ("raise SystemExit", "Your code stopped with SystemExit", "line 1"),
    ]:
        assert verdict in check(chapter, code)
        assert details in form.locator(".practice-details").inner_text()
        assert chapter.evaluate("document.activeElement.textContent") == "Check"
    form.get_by_role("button", name="Start afresh").click()
    assert form.locator("textarea").input_value().count("return ...") == 2
    assert form.locator(".practice-details").inner_text() == ""


@pytest.mark.rare
def test_a_check_without_end_can_be_stopped(bundled, visitor, origin):
    page = visitor.page
    page.goto(f"{origin}chapters/{CHAPTER}.html")
    form = form_of(page)
    form.locator("textarea").fill("while True:\n    pass")
    form.get_by_role("button", name="Check").click()
    form.get_by_text("Running …").wait_for(timeout=120_000)
    other = form_of(page, "ex-derivative-half")
    other.get_by_role("button", name="Check").click()
    assert "other code is running" in other.get_by_role("status").inner_text()
    form.get_by_role("button", name="Stop").click()
    assert form.get_by_role("status").inner_text() == "Stopped."
    assert page.evaluate("document.activeElement.name") == "code"
    assert check(page, RIGHT).startswith("Right.")
    assert not any(examine(page).values())


@pytest.mark.rare
def test_every_starter_gets_a_verdict(bundled, visitor, origin, book):
    page = visitor.page
    page.goto(f"{origin}chapters/{CHAPTER}.html")
    for exercise in exercises(book[CHAPTER]):
        assert "dots" in check(page, exercise.answer, exercise.label)


# --- cells


OPEN_ALL = "document.querySelectorAll('details').forEach(details => { details.open = true; })"


def cell_of(page, number):
    """Return a code cell of the page."""
    return page.locator(".cell:has(.cell_input)").nth(number)


def run_cell(page, cell):
    """Run the version of a cell in its open editor, and return the verdict."""
    cell.get_by_role("button", name="Run", exact=True).click()
    form = cell.locator("form").element_handle()
    page.wait_for_function("form => form.elements.stop.disabled", arg=form, timeout=120_000)
    return cell.locator("form .practice-verdict").inner_text()


def test_a_cell_can_be_edited_and_put_back(chapter):
    cell = cell_of(chapter, 1)
    code = cell.locator(".cell_input")
    edit = cell.get_by_role("button", name="Edit and run code cell 2")
    edit.click()
    field = cell.locator("textarea")
    assert field.input_value().startswith("def softmax(z):") and not code.is_visible()
    assert field.evaluate("field => field === document.activeElement")
    assert cell.get_by_label("Your version of this cell").count() == 1
    field.fill("1")
    cell.get_by_role("button", name="Put back").click()
    assert code.is_visible() and edit.evaluate("button => button === document.activeElement")
    edit.click()
    assert field.input_value().startswith("def softmax(z):")


@pytest.mark.rare
def test_a_cell_runs_after_the_cells_before_it_as_they_are_now(bundled, visitor, origin):
    page = visitor.page
    page.goto(f"{origin}chapters/{CHAPTER}.html")
    page.evaluate(OPEN_ALL)
    first, second = cell_of(page, 1), cell_of(page, 2)
    for cell in (first, second):
        cell.get_by_role("button", name="Edit and run").click()
    assert run_cell(page, second) == "This is what your version shows."
    shown = second.locator(".practice-details")
    assert shown.inner_text().strip() == second.locator(".cell_output").inner_text().strip()
    first.locator("textarea").fill(first.locator("textarea").input_value().replace("2.0, 1.0, 0.0", "0.0, 0.0, 0.0"))
    run_cell(page, second)
    assert "y_2: 0.3333 -> 0.3792   +0.0458" in shown.inner_text()
    first.locator("textarea").fill("z = zz")
    assert "Code cell 2 comes before, and failed." in run_cell(page, second)
    assert not any(examine(page).values())
    assert visitor.left == [] and visitor.complaints == []


@pytest.mark.rare
def test_the_cells_of_a_chapter_show_what_is_stored(bundled, visitor, origin, book):
    page = visitor.page
    page.goto(f"{origin}chapters/{CHAPTER}.html")
    page.evaluate(OPEN_ALL)
    stored = [cell for cell in code_cells(book[CHAPTER]) if not kind(cell)]
    assert page.locator(".cell:has(.cell_input)").count() == len(stored)
    for number, notebook_cell in enumerate(stored):
        cell = cell_of(page, number)
        cell.get_by_role("button", name="Edit and run").click()
        assert run_cell(page, cell) == "This is what your version shows."
        shown = cell.locator(".practice-details")
        printed = "".join(output.get("text", "") for output in notebook_cell.outputs)
        assert "".join(shown.locator("pre").all_text_contents()) == printed
        data = [output.get("data", {}) for output in notebook_cell.outputs]
        assert shown.locator("img").count() == sum("image/png" in part for part in data)
        if any("text/latex" in part for part in data):
            shown.locator(".formula > math").wait_for()
    assert visitor.left == [] and visitor.complaints == []


def test_enter_keeps_the_indentation(visitor, origin):
    visitor.page.goto(f"{origin}chapters/{CHAPTER}.html")
    field = form_of(visitor.page).locator("textarea")
    visitor.page.route("**/jupyter-lite.json", lambda route: route.abort())
    field.fill("")
    field.focus()
    visitor.page.keyboard.type("def f(x):\ny = x\nreturn y")
    assert field.input_value() == "def f(x):\n    y = x\n    return y"
    visitor.page.keyboard.press("Control+Enter")
    form_of(visitor.page).get_by_text("Failed to fetch").wait_for()


# A worker that answers at once, without Python.
STAND_IN = """addEventListener("message", () => postMessage({result: {
  right: null, says: "This is what your version shows.", details: "", output: "", pictures: [],
  formula: "\\\\frac{e^{z_i}}{\\\\sum_{k=1}^{K} e^{z_k}}"}}));"""


def test_a_formula_that_code_shows_is_typeset(visitor, origin):
    page = visitor.page
    kernel = {"pyodideUrl": "./static/pyodide/pyodide.js", "loadPyodideOptions": {"packages": ["smlib.whl"]}}
    config = {"jupyter-config-data": {"litePluginSettings": {"kernel": kernel}}}
    page.route("**/jupyter-lite.json", lambda route: route.fulfill(body=json.dumps(config)))
    page.route("**/practice-worker.js", lambda route: route.fulfill(body=STAND_IN, content_type="text/javascript"))
    page.goto(f"{origin}chapters/{CHAPTER}.html")
    cell = cell_of(page, 0)
    cell.get_by_role("button", name="Edit and run").click()
    cell.get_by_role("button", name="Run", exact=True).click()
    shown = cell.get_by_role("group", name="The value")
    shown.locator("math mfrac").wait_for()
    assert "\\" not in shown.inner_text()
    assert [url for url in visitor.asked if "temml" in url] == [f"{origin}_static/temml/temml.min.js"]
    assert (visitor.complaints, visitor.left) == ([], [])
