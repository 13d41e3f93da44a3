"""The two families: the outputs are those of the chapter's network, and they stay hidden until the reader guesses."""

import re

import numpy as np
import pytest

from smlib.datasets import family_trees
from smlib.training import Network, train
from tests.site.browser import PHONE, ROOT
from tests.site.explorables.explorable import to_nine_digits

TREES = family_trees()
PEOPLE, RELATIONS = TREES.people, TREES.relations
OTHERS = ("Alfonso", "mother"), ("Colin", "aunt"), ("Gina", "nephew"), ("Colin", "nephew")
HELD_OUT = ("Colin", "father"), ("Arthur", "wife"), ("Sophia", "uncle"), ("Maria", "daughter")
STORED = """() => Object.fromEntries([...document.querySelectorAll("#explore-family-data li")].map(
  item => [item.dataset.name, item.textContent]))"""
# The class names of each person's place in the trees.
LOOKS = """stage => [...stage.querySelectorAll("[role=option]")].map(tile => tile.className.split(" ").slice(1))"""
BARS = """stage => [...stage.querySelectorAll(".track")].map(track => {
  const bar = track.querySelector(".bar").getBoundingClientRect();
  return [getComputedStyle(track).visibility, bar.width / track.getBoundingClientRect().width];
})"""
MIDDLES = """stage => [...stage.querySelectorAll("[role=option]")].map(tile => {
  const box = tile.getBoundingClientRect();
  return [box.x + box.width / 2, box.y];
})"""
LEAST_LABEL = """stage => Math.min(...[...stage.querySelectorAll(".name, .track, text, button")].map(
  part => parseFloat(getComputedStyle(part).fontSize)))"""
OUTLINES = """tiles => tiles.map(tile => getComputedStyle(tile)).map(
  ({outlineStyle, outlineWidth}) => outlineStyle === "none" ? "none" : `${outlineStyle} ${outlineWidth}`)"""
CUT_OFF = """stage => [...stage.querySelectorAll(".person, button")].filter(
  part => part.scrollWidth > part.clientWidth + 1).map(part => part.textContent)"""


@pytest.fixture
def family(opened):
    """The explorable on its own page."""
    return opened("family")


@pytest.fixture(scope="module")
def trained():
    """The network of the chapter, trained without the four questions."""
    asked = np.array([question(*words) for words in HELD_OUT])
    told = ~(TREES.pairs[:, None] == asked).all(axis=2).any(axis=1)
    assert told.sum() == 100
    network = untrained()
    settings = dict(steps=5000, learning_rate=0.4, momentum=0.9, weight_decay=2e-4, record_every=5000)
    train(network, TREES.x[told], TREES.t[told], **settings)
    return network


def untrained():
    """Return a network of the chapter's shape."""
    sizes = ((24, 12), (6, 6), 12, 6, 24)
    return Network(sizes, output="softmax", cost="cross-entropy", rng=np.random.default_rng(10))


def question(name, relation):
    """Return the two numbers of a question."""
    return PEOPLE.index(name), RELATIONS.index(relation)


def stored(family):
    """Return the network whose weights the page holds, read back from their hexadecimal digits."""
    digits = family.page.evaluate(STORED)["weights"]
    numbers = (np.array([int(digits[k : k + 4], 16) for k in range(0, len(digits), 4)]) - 32768) / 2000
    people, relations, *rest = np.split(numbers, np.cumsum([144, 72, 12, 144, 12, 72, 6, 144]))
    network = untrained()
    network.weights[0][:] = 0
    network.weights[0][:24, :6], network.weights[0][24:, 6:] = people.reshape(24, 6), relations.reshape(12, 6)
    for layer, (bias, weight) in enumerate(zip(rest[::2], [None, *rest[1::2]])):
        network.biases[layer][:] = bias
        if layer:
            network.weights[layer][:] = weight.reshape(network.weights[layer].shape)
    return network


def outputs(network, name, relation, shift=0.0):
    """Return the outputs for a question, after the person's row has moved toward the other family."""
    p, r = question(name, relation)
    x = np.zeros(36)
    x[[p, 24 + r]] = 1
    table = network.weights[0]
    before = table.copy()
    table[p, :6] += shift * (1 if p < 12 else -1) * (table[12:24, :6].mean(axis=0) - table[:12, :6].mean(axis=0))
    y, row = network.outputs(x[None])[0], table[p, :6].copy()
    table[:] = before
    return y, row


def ask(family, name, relation):
    """Click a person and a relation."""
    family.control("another").press("Enter")
    person(family, name).click()
    family.control(relation).press("Enter")


def person(family, name):
    """Return a person's place in the trees."""
    return family.stage.locator(f"#explore-family-{PEOPLE.index(name)}")


def column(shown, what, names):
    """Return the numbers shown of a kind, in order."""
    return np.array([shown[f"{what}-{name}"] for name in names])


def marked(family, look):
    """Return the names of those who are marked in a way."""
    return [PEOPLE[p] for p, looks in enumerate(family.stage.evaluate(LOOKS)) if look in looks]


def row_of(network, name):
    """Return the six weights of a person."""
    return network.weights[0][PEOPLE.index(name), :6]


def decimals(family):
    """Return the numbers with two decimals in the sentence."""
    return [float(number) for number in re.findall(r"\d+\.\d\d\b", family.said())]


# --- the numbers


def test_the_page_holds_the_chapters_network_and_facts(family, trained):
    network, listed = stored(family), family.page.evaluate(STORED)
    for found, expected in zip(network.weights + network.biases, trained.weights + trained.biases):
        assert np.allclose(found, expected, rtol=0, atol=0.5001 / 2000)
    assert [[int(digit, 36) for digit in fact] for fact in listed["facts"].split()] == TREES.facts.tolist()
    assert [tuple(int(digit, 36) for digit in words) for words in listed["held"].split()] == [
        question(*words) for words in HELD_OUT
    ]
    assert sum(map(len, listed.values())) < 4096


@pytest.mark.parametrize("shift", [0, 0.35, 1])
def test_outputs_and_weights_are_the_networks(family, trained, shift):
    network = stored(family)
    for name, relation in HELD_OUT + OTHERS:
        ask(family, name, relation)
        family.move("shift", shift)
        y, row = outputs(network, name, relation, shift)
        shown = family.shown()
        assert column(shown, "output", PEOPLE) == to_nine_digits(y)
        assert column(shown, "unit", range(1, 7)) == to_nine_digits(row)
        assert column(shown, "output", PEOPLE) == pytest.approx(outputs(trained, name, relation, shift)[0], abs=0.002)


# --- the guess


def test_the_outputs_are_hidden_until_the_reader_has_guessed(family):
    for relation, guess in [("father", "Arthur"), ("mother", "Victoria")]:
        family.control(relation).press("Enter")
        assert {state for state, _ in family.stage.evaluate(BARS)} == {"hidden"}
        assert marked(family, "right") == [] and "Network" not in family.said()
        assert person(family, "James").get_attribute("aria-label") == "James"
        person(family, guess).click()
        shares = column(family.shown(), "output", PEOPLE)
        states, bars = zip(*family.stage.evaluate(BARS))
        assert set(states) == {"visible"} and bars == pytest.approx(shares, abs=0.01)
        assert marked(family, "guess") == [guess] and f"You: {guess}, " in family.said()
    assert marked(family, "right") == ["Victoria"]


def test_after_the_guess_a_click_asks_about_someone_else(family):
    person(family, "James").click()
    person(family, "Sophia").click()
    assert marked(family, "asked") == ["Sophia"] and "Who is Sophia’s father?" in family.stage.inner_text()
    assert {state for state, _ in family.stage.evaluate(BARS)} == {"hidden"}
    family.control("another").press("Enter")
    person(family, "Colin").click()
    assert marked(family, "asked") == ["Colin"] and marked(family, "guess") == []
    family.control("show").press("Enter")
    assert marked(family, "right") == ["James"] and marked(family, "guess") == []


def test_questions_that_were_held_out_are_marked(family):
    for name, relation in [*HELD_OUT, ("Colin", "mother"), ("Maria", "son"), ("Sophia", "aunt")]:
        ask(family, name, relation)
        held = (name, relation) in HELD_OUT
        assert family.stage.locator(".held").count() == held
        assert family.said().startswith("Held out of training." if held else "In training.")


def test_right_answers_are_marked_and_said(family):
    for name, relation, right, said in [
        ("Sophia", "uncle", ["Emilio", "Tomaso"], "Right: Emilio and Tomaso, "),
        ("Arthur", "wife", ["Margaret"], "wrong. Right: Margaret, "),
        ("Colin", "nephew", [], "nobody is right."),
    ]:
        ask(family, name, relation)
        family.control("show").press("Enter")
        assert marked(family, "right") == right and said in family.said()
        for answer in right:
            assert person(family, answer).get_attribute("aria-label").endswith(", right")


# --- the settings to try: each says what there is to see


def test_each_setting_asks_its_question(family):
    asked = family.stage.locator(".explore-title")
    for setting, words in [("twin", "Alfonso’s father"), ("couple", "Arthur’s wife"), ("moved", "Colin’s mother")]:
        family.control(setting).press("Enter")
        assert asked.inner_text().startswith(f"Who is {words}?")
        assert family.control("shift").input_value() == str(int(setting == "moved"))
    family.control("reset").press("Enter")
    assert asked.inner_text().startswith("Who is Colin’s father?")


def test_each_setting_says_what_there_is_to_see(family):
    network, held = stored(family), [question(*words) for words in HELD_OUT]
    told = [fact for fact in TREES.facts.tolist() if tuple(fact[:2]) not in held]
    apart = lambda a, b: np.linalg.norm(row_of(network, a) - row_of(network, b))
    for setting, name, right in [("new", "Colin", "James"), ("couple", "Arthur", "Margaret")]:
        family.control(setting).press("Enter")
        near = min((other for other in PEOPLE if other != name), key=lambda other: apart(name, other))
        count = sum(fact[2] == PEOPLE.index(right) for fact in told)
        assert f"Nearest row: {near}’s, " in family.said() and f" away. {right} answers {count} of" in family.said()
        assert decimals(family) == pytest.approx([apart(name, near)], abs=0.00501)
    family.control("twin").press("Enter")
    off = np.abs(row_of(network, "Alfonso") - row_of(network, "Colin"))
    assert f"in unit {off.argmax() + 1}, and by at most" in family.said() and "Colin’s row differs" in family.said()
    assert decimals(family) == pytest.approx(np.sort(off)[:-3:-1], abs=0.00501)
    family.control("moved").press("Enter")
    _, row = outputs(network, "Colin", "mother", 1)
    distances = [np.linalg.norm(row - row_of(network, name)) for name in ("Colin", "Alfonso")]
    assert decimals(family) == pytest.approx(distances, abs=0.00501) and distances[1] < distances[0] / 2
    family.control("show").press("Enter")
    y, _ = outputs(network, "Colin", "mother", 1)
    assert "Network: Lucia, " in family.said() and "right for Alfonso." in family.said()
    assert decimals(family)[0] == pytest.approx(y[PEOPLE.index("Lucia")], abs=0.00501)


# --- the keyboard, and the room


def test_arrow_keys_go_through_the_list_and_the_lines(family):
    trees, middles = family.stage.locator(".trees"), np.array(family.stage.evaluate(MIDDLES))
    at = lambda: marked(family, "at")[0]
    seen = []
    for key in ["Home", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowRight", *6 * ["ArrowDown"]]:
        trees.press(key)
        seen.append(at())
        assert trees.get_attribute("aria-activedescendant") == f"explore-family-{PEOPLE.index(at())}"
    lines = [middles[PEOPLE.index(name)][1] for name in seen]
    assert np.all(np.diff(lines[-6:-1]) > 0) and lines[-1] == max(lines)
    assert seen[:4] == ["Colin", "Victoria", "Penelope", "Penelope"]
    assert seen[4:7] == ["Christopher", "Christopher", "Penelope"]
    trees.press("Enter")
    assert marked(family, "guess") == [seen[-1]]
    trees.press(" ")
    assert marked(family, "asked") == [seen[-1]]


@pytest.mark.parametrize("colors", ["none", "active"])
def test_who_is_asked_about_and_the_guess_are_outlined(family, colors):
    family.page.emulate_media(forced_colors=colors)
    person(family, "Lucia").click()
    outlines = family.stage.locator(".person").evaluate_all(OUTLINES)
    expected = {"Colin": "solid 2px", "Lucia": "dashed 2px"}
    assert outlines == [expected.get(name, "none") for name in PEOPLE]


def test_no_answer_changes_the_height_and_no_name_is_cut_off(family):
    for size in ({"width": 1366, "height": 768}, PHONE):
        family.resize(size)
        heights = set()
        for name, relation in [*HELD_OUT, ("Christopher", "father"), ("Charlotte", "uncle"), ("Francesca", "daughter")]:
            ask(family, name, relation)
            person(family, "Christopher").click()
            heights.add(family.stage.bounding_box()["height"])
            assert family.stage.evaluate(CUT_OFF) == []
        assert len(heights) == 1
        assert family.stage.evaluate(LEAST_LABEL) >= 11


def test_the_script_is_small():
    assert (ROOT / "assets" / "explore-family.js").stat().st_size <= 10 * 1024
