"""The pad: what it counts is ink, and the outputs are those of the chapter's network at the same step."""

import numpy as np
import pytest

import smlib
from smlib.datasets import digits, split
from smlib.training import Network, train
from tests.site.browser import PHONE
from tests.site.explorables.explorable import finger, to_nine_digits

STEPS = [0, 1, 10, 55, 140, 300, 1000]
STORED = """() => [...document.querySelectorAll("#explore-pad-data li")].map(li => [li.dataset.name, li.textContent])"""
INK = """stage => [...stage.querySelectorAll(".ink")].map(square => Number(square.getAttribute("fill-opacity")))"""


@pytest.fixture
def pad(opened):
    """The explorable on its own page."""
    return opened("pad")


@pytest.fixture(scope="module")
def trained():
    """Images and names to train, and the chapter's weights and biases after each number of steps."""
    images, names = digits()
    rows, _ = split(len(names), held_out=360)
    network = Network((64, 10), output="softmax", cost="cross-entropy", rng=np.random.default_rng(0))
    network.weights[0][:] = 0
    found = {0: (np.zeros((64, 10)), np.zeros(10))}
    for before, step in zip(STEPS, STEPS[1:]):
        train(network, images[rows], names[rows], steps=step - before, learning_rate=1.0)
        found[step] = network.weights[0].copy(), network.biases[0].copy()
    return images[rows], names[rows], found


def column(found, name):
    """Return the numbers of the ten classes."""
    return np.array([found[f"{name}-{i}"] for i in range(10)])


def stored(pad):
    """Return the images and the weights that the page holds, read back from their hexadecimal digits."""
    items = dict(pad.page.evaluate(STORED))
    images = {
        name: np.array([int(text[k : k + 2], 16) for k in range(0, 128, 2)]) / 16
        for name, text in items.items()
        if not name.startswith("step")
    }
    weights = {
        int(name.removeprefix("step ")): (np.array([int(text[k : k + 3], 16) for k in range(0, 1950, 3)]) - 2048) / 500
        for name, text in items.items()
        if name.startswith("step")
    }
    return images, weights


def test_the_page_holds_the_chapters_weights_and_images(pad, trained):
    x, t, found = trained
    images, weights = stored(pad)
    for name, image in images.items():
        meant, row = map(int, name.split())
        assert t[row] == meant and np.array_equal(image, x[row])
    assert list(weights) == STEPS[1:]
    for step, both in weights.items():
        assert np.allclose(both, np.vstack([found[step][0], found[step][1]]).ravel(), rtol=0, atol=0.00101)


def test_outputs_and_errors_are_the_networks(pad, trained):
    x, _, found = trained
    images, weights = stored(pad)
    for name in ("1 1166", "3 37", "8 13"):
        pad.control("source").select_option(name)
        meant, row = map(int, name.split())
        for place, step in enumerate(STEPS):
            pad.move("step", place)
            shown = pad.shown()
            y = smlib.softmax(x[row] @ found[step][0] + found[step][1])
            assert column(shown, "output") == pytest.approx(y, abs=0.003)
            assert column(shown, "error") == pytest.approx(y - np.eye(10)[meant], abs=0.003)
            if step:
                W = weights[step].reshape(65, 10)
                assert column(shown, "output") == to_nine_digits(smlib.softmax(np.append(images[name], 1) @ W))


def test_it_starts_with_the_chapters_digit_on_its_way(pad):
    shown = pad.shown()
    assert [round(shown[f"output-{i}"], 2) for i in (1, 9)] == [0.25, 0.58]
    assert "At step 55 the network reads a 9, with probability 0.58" in pad.said()
    pad.move("step", 6)
    assert [round(pad.shown()[f"output-{i}"], 2) for i in (1, 9)] == [0.91, 0.08]
    assert "reads a 1" in pad.said()


def test_the_mouse_draws_and_ink_is_counted_in_squares(pad):
    pad.control("clear").press("Enter")
    assert pad.stage.evaluate(INK) == [0] * 64 and pad.control("meant").input_value() == "none"
    pad.move("step", 6)
    box = pad.stage.locator(".paper").bounding_box()
    at = lambda column, row: (box["x"] + (column + 0.5) * box["width"] / 8, box["y"] + (row + 0.5) * box["height"] / 8)
    mouse = pad.page.mouse
    mouse.move(*at(3.5, 0))
    mouse.down()
    mouse.move(*at(3.5, 7))
    mouse.up()
    ink = np.reshape(pad.stage.evaluate(INK), (8, 8))
    assert np.all(ink[1:7, 3:5] >= 0.4) and np.all(ink[:, :3] == 0) and np.all(ink[:, 5:] == 0)
    assert np.all(ink * 16 == np.round(ink * 16))
    shown = column(pad.shown(), "output")
    _, weights = stored(pad)
    assert shown == to_nine_digits(smlib.softmax(np.append(ink, 1) @ weights[1000].reshape(65, 10)))
    assert shown.argmax() == 1 and pad.control("source").input_value() == "own"


def test_the_keyboard_draws(pad):
    pad.control("clear").press("Enter")
    paper = pad.stage.locator(".paper")
    for key in ("ArrowRight", "ArrowUp", " "):
        paper.press(key)
    assert [p for p, ink in enumerate(pad.stage.evaluate(INK)) if ink] == [8 * 2 + 4]
    assert pad.stage.locator("[aria-live=polite]").text_content() == "Row 3, column 5: ink 1.00"
    paper.press(" ")
    assert sum(pad.stage.evaluate(INK)) == 0


def test_a_finger_draws_and_the_page_stays(opened_with):
    pad = opened_with("pad", has_touch=True, is_mobile=True)
    pad.resize(PHONE)
    pad.control("clear").tap()
    pad.stage.locator(".paper").scroll_into_view_if_needed()
    box = pad.stage.locator(".paper").bounding_box()
    middle = np.array([box["x"] + box["width"] / 2, box["y"] + 20])
    assert finger(pad.page, middle, middle + [0, 120]) == 0
    assert sum(pad.stage.evaluate(INK)) > 3
