"""smlib.letters: the gradient against differences, and what is written against its probability."""

import numpy as np
import pytest

from smlib.gradcheck import check_gradient
from smlib.letters import LENGTH, LETTERS, LetterModel, draw, encode, sentences, through_softmax
from smlib.outputs import softmax, softmax_jacobian

FEW = sentences()[:3]


def make(seed=0):
    """Return a model with its first weights."""
    return LetterModel(np.random.default_rng(seed))


def test_every_fact_is_a_sentence():
    lines = sentences()
    assert len(set(lines)) == 112
    assert "Colin's aunt is Jennifer.\n" in lines and "Colin's aunt is Margaret.\n" in lines
    assert all(line.endswith(".\n") and line.count("\n") == 1 for line in lines)


def test_any_fact_can_be_formed():
    longest = max(sentences(np.ndindex(24, 12, 24)), key=len)
    assert len(longest) == LENGTH and not set(longest) - set(LETTERS)


def test_encoded_sentences_are_predicted_from_the_letters_before():
    x, t, where = encode(FEW)
    assert x.shape == t.shape == where.shape == (3, LENGTH)
    assert [("".join(LETTERS[i] for i in row[mask])) for row, mask in zip(t, where)] == FEW
    assert (x[:, 1:] == t[:, :-1]).all() and (x[:, 0] == LETTERS.index("\n")).all()


@pytest.mark.parametrize("line, complaint", [("Zoë\n", "letter 'Z'"), ("a" * 40, "longer than 39")])
def test_a_sentence_that_cannot_be_encoded_is_named(line, complaint):
    with pytest.raises(ValueError, match=rf"lines\[1\] = .*{complaint}"):
        encode([FEW[0], line])


@pytest.mark.parametrize("name", ["E", "position", "q", "k", "v", "o", "U", "c", "W", "b"])
def test_gradient_is_the_derivative(name):
    model, rng = make(), np.random.default_rng(1)
    x, t = rng.integers(len(LETTERS), size=(2, 2, 5))
    weights = rng.standard_normal((2, 5))
    gradient = model.value_and_grad(x, t, weights)[1][name]
    at = np.flatnonzero(gradient)[:40]  # the others are 0, or are checked with these

    def cost(values):
        other = make()
        other.weights[name].flat[at] = values
        return other.value_and_grad(x, t, weights)[0]

    assert check_gradient(cost, model.weights[name].flat[at], gradient.flat[at]) < 1e-7


def test_only_the_line_at_the_scores_is_replaced():
    model, (x, t, where) = make(), encode(FEW)
    right = model.value_and_grad(x, t, where)[1]
    frozen = model.value_and_grad(x, t, where, dscores=lambda P, dP: 0 * P)[1]
    assert not frozen["q"].any() and not frozen["k"].any()
    assert all((right[name] == frozen[name]).all() for name in ("v", "o", "U", "c", "W", "b"))


def test_through_softmax_is_the_product_with_the_jacobian():
    S, dP = np.random.default_rng(2).standard_normal((2, 3, 4))
    expected = (softmax_jacobian(S) @ dP[..., np.newaxis])[..., 0]
    np.testing.assert_allclose(through_softmax(softmax(S), dP), expected, rtol=0, atol=1e-15)


def test_a_letter_reads_no_later_letter():
    model, (x, _, _) = make(), encode(FEW)
    changed = x.copy()
    changed[:, 20:] = 5
    np.testing.assert_array_equal(model.activities(x).z[:, :20], model.activities(changed).z[:, :20])


def test_updates_are_those_of_adam():
    model, w = make(), make().weights["c"]
    mean = square = 0
    for step, g in enumerate([3.0, -1.0, 0.5], start=1):
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g**2
        w = w - 0.01 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        model.update({"c": np.full_like(w, g)}, 0.01)
    np.testing.assert_allclose(model.weights["c"], w, rtol=1e-12)


def test_training_lowers_the_cost_and_repeats():
    def trained():
        model, steps = make(), []
        model.train(sentences(), steps=30, rng=np.random.default_rng(1), watch=steps.append)
        assert steps == list(range(30))
        return model

    model = trained()
    assert -model.log_probability(FEW).mean() < 0.8 * -make().log_probability(FEW).mean()
    np.testing.assert_array_equal(model.weights["W"], trained().weights["W"])


def test_probabilities_are_those_of_the_letters():
    model, line = make(), FEW[0]
    x, t, _ = encode([line])
    z = model.activities(x).z[0, : len(line)] / 2
    product = np.prod(softmax(z)[np.arange(len(line)), t[0, : len(line)]])
    assert model.log_probability([line], T=2.0)[0] == pytest.approx(np.log(product), rel=1e-12)


def test_many_sentences_have_the_probabilities_of_few():
    model, lines = make(), sentences(list(np.ndindex(24, 12, 2)))
    assert len(lines) > 500
    np.testing.assert_allclose(model.log_probability(lines)[-3:], model.log_probability(lines[-3:]), rtol=1e-12)


def test_classes_are_drawn_with_the_probabilities_of_softmax():
    z = np.array([2.0, 1.0, 0.0, -np.inf])
    n = 20_000
    counts = np.bincount(draw(np.tile(z, (n, 1)), np.random.default_rng(3)), minlength=4)
    expected = n * softmax(z)
    assert counts[3] == 0
    assert (((counts - expected)[:3] ** 2) / expected[:3]).sum() < 13.8  # chi-square, 2 degrees, 0.1 %


def test_what_is_written_can_be_scored():
    model = make()
    model.train(sentences(), steps=60, rng=np.random.default_rng(1))
    lines = model.write(8, np.random.default_rng(4))
    assert len(lines) == 8 and all(line.find("\n") in (-1, len(line) - 1) for line in lines)
    assert np.isfinite(model.log_probability(lines)).all()


def test_always_the_most_probable_letter():
    model = make()
    line = model.write(1, None, choose=lambda z, rng: z.argmax(axis=-1))[0]
    x, t, _ = encode([line])
    assert (model.activities(x).z[0].argmax(axis=-1) == t[0])[: len(line)].all()
