"""The parts of studies/rounding.py, and its results."""

import json

import numpy as np
import pytest

import smlib
from studies import rounding
from studies.machine import RESULTS

LABELS = np.array([0, 2, 1, 0])


def logits(scale=2.0):
    return np.random.default_rng(0).normal(0, scale, (4, 3))


@pytest.mark.parametrize("name", ["usual", "rivals", "usual, float64"])
def test_slopes_of_cross_entropy_are_its_gradient(name):
    z = logits()
    expected = smlib.cross_entropy_value_and_grad(z, LABELS, reduction="sum")[1]
    np.testing.assert_allclose(rounding.SLOPES[name](z, LABELS), expected, rtol=1e-12)
    assert rounding.SLOPES[name](np.float32(z), LABELS).dtype == np.float32


def test_slopes_of_stable_max_are_the_gradient_of_its_cost():
    def cost(z):
        s = np.where(z >= 0, z + 1, 1 / (1 - np.minimum(z, 0)))
        return -np.log(s[np.arange(4), LABELS] / s.sum(axis=1)).sum()

    assert smlib.check_gradient(cost, logits(), rounding.stable_max(logits(), LABELS)) < 1e-8


def test_projected_slopes_are_the_usual_ones_without_their_mean():
    z = logits()
    g = rounding.projected(z, LABELS)
    np.testing.assert_allclose(g.sum(axis=1), 0, atol=1e-15)
    difference = rounding.usual(z, LABELS) - g
    np.testing.assert_allclose(difference, difference[:, :1] * np.ones(3), atol=1e-15)


def test_rounding_breaks_the_zero_sum_of_the_usual_slopes_only():
    z = np.float32([[20.0, 0.0, -1.0]])
    usual, rivals = (rounding.zero_sum_residual(rounding.SLOPES[name](z, [0])) for name in ("usual", "rivals"))
    assert usual == 1 and rivals < 1e-6
    assert rounding.zero_sum_residual(np.zeros((2, 3))).tolist() == [0, 0]


def test_the_gradient_of_the_layers_is_the_derivative():
    x = np.random.default_rng(1).normal(size=(4, 5))
    layers = rounding.Layers(np.random.default_rng(2), (5, 6, 6, 3), np.float64)
    layers.vector[:] = np.random.default_rng(3).normal(size=layers.vector.size)  # no unit stands at its kink

    def cost(vector):
        layers.vector[:] = vector
        return smlib.cross_entropy(layers.forward(x)[1], LABELS)

    inputs, z = layers.forward(x)
    layers.backward(inputs, smlib.cross_entropy_value_and_grad(z, LABELS)[1])
    assert smlib.check_gradient(cost, layers.vector.copy(), layers.gradient.copy()) < 1e-7


def test_an_orthogonal_gradient_is_orthogonal_to_each_array_and_keeps_its_length():
    layers = rounding.Layers(np.random.default_rng(0), (5, 4, 3), np.float64)
    layers.vector[:] = np.random.default_rng(1).normal(size=layers.vector.size)
    layers.gradient[:] = np.random.default_rng(2).normal(size=layers.vector.size)
    lengths = [np.linalg.norm(g) for g in layers.slopes]
    layers.make_orthogonal()
    for w, g, length in zip(layers.arrays, layers.slopes, lengths):
        assert abs((w * g).sum()) < 1e-12
        np.testing.assert_allclose(np.linalg.norm(g), length)


def test_adam_steps_by_the_rate_under_a_constant_gradient_and_descent_by_the_gradient():
    gradient = np.array([2.0, -1e-3])
    adam, descent, momentum = (rounding.updates(name, gradient) for name in rounding.RATES)
    for step in range(1, 5):
        np.testing.assert_allclose(adam(step), [-1e-3, 1e-3], rtol=1e-4)
        np.testing.assert_allclose(descent(step), -0.3 * gradient)
        np.testing.assert_allclose(momentum(step), -0.03 * gradient * (1 - 0.9**step) / 0.1)
    np.testing.assert_allclose(rounding.updates("adam", gradient, epsilon=1.0)(1)[1], 1e-6 / 1.001)


def test_an_excursion_is_a_rise_far_above_the_least_cost_and_is_counted_once(monkeypatch):
    monkeypatch.setattr(rounding, "STEPS", 12)
    watch = rounding.Watch(least=0.0)
    for step, cost in enumerate([1e-4, 1.0, 1e-4, 5e-3, 1e-4, 0.5, 0.05, 0.2, 5e-4, 0.3, 1e-6, 5e-4], 1):
        watch.see(step, np.array([[-np.log(np.expm1(cost)), 0.0]]), np.array([0]))
    assert watch.excursions == 2  # 0.5 and 0.3: not 1.0, which is early, nor 0.005 or 0.0005
    assert abs(watch.worst - 0.5) < 1e-12


def test_the_least_cost_is_the_entropy_of_the_labels_of_equal_inputs():
    x = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert abs(rounding.least_cost(x, np.array([0, 1, 2, 2])) - (np.log(3) + 2 * np.log(1.5)) / 4) < 1e-12


def test_tasks_are_what_they_say():
    x, t, x_test, t_test = rounding.addition(np.random.default_rng(0))
    a, b = x_test[:, :31].argmax(axis=1), x_test[:, 31:].argmax(axis=1)
    assert len(t) + len(t_test) == 31**2 and ((a + b) % 31 == t_test).all()
    x, t, x_test, t_test = rounding.parity(np.random.default_rng(0))
    assert ((x_test[:, :3] > 0).sum(axis=1) % 2 == t_test).all() and len(
        np.unique(np.vstack([x, x_test]), axis=0)
    ) == 1400
    x, t, x_test, t_test = rounding.by_heart(np.random.default_rng(0))
    assert len(np.unique(x, axis=0)) == 300 and len(t_test) == 360
    x, t, *_ = rounding.sentences(np.random.default_rng(0))
    assert (x.sum(axis=1) == 6).all() and 0.05 < rounding.least_cost(x, t) < 0.5


def test_runs_of_a_seed_start_alike_and_repeat(monkeypatch):
    monkeypatch.setattr(rounding, "STEPS", 200)
    usual, again, rivals = (rounding.run(("parity", 3, arm)) for arm in ("usual32", "usual32", "rivals32"))
    assert usual == again
    np.testing.assert_allclose(usual["last_cost"], rivals["last_cost"], rtol=1e-3)
    assert usual["last_cost"] < 0.1 * usual["worst_cost"] and rivals["costs"][-1] == rivals["last_cost"]


def test_the_results_hold_every_run_and_the_cure_holds_the_sum():
    runs = json.loads((RESULTS / "rounding.json").read_text(encoding="utf-8"))["runs"]
    assert not rounding.jobs(rounding.TASKS, runs) and len(runs) == 20 * len(rounding.TASKS) * len(rounding.ARMS)
    assert {run["steps"] for run in runs} == {rounding.STEPS}
    for run in runs:
        assert run["optimizer"] == rounding.ARMS[run["arm"]][2]
        if run["arm"].startswith("rivals32"):
            assert run["residual"] <= 1e-6 and run["zero_labels"] == 0 and run["excursions"] == 0
