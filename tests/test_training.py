"""Networks and gradient descent: gradients against differences, runs against runs by hand."""

import numpy as np
import pytest

from smlib.gradcheck import check_gradient
from smlib.training import History, Network, train

TWO_BY_TWO = [
    (output, cost)
    for output in ("logistic", "softmax")
    for cost in ("squared-error", "cross-entropy")
]
DEPTHS = [(4, 3), (4, 5, 3), (4, 5, 6, 3)]


def make(sizes=(4, 3), output="softmax", cost="cross-entropy", seed=0):
    return Network(sizes, output=output, cost=cost, rng=np.random.default_rng(seed))


def make_cases(n=7, inputs=4, classes=3, seed=1):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, inputs)), rng.integers(classes, size=n)


def parameters(network):
    return [*network.weights, *network.biases]


# The gradient


@pytest.mark.parametrize("sizes", DEPTHS)
@pytest.mark.parametrize("output, cost", TWO_BY_TWO)
@pytest.mark.parametrize("soft", [False, True])
def test_gradient_of_every_layer_is_the_derivative(sizes, output, cost, soft):
    network = make(sizes, output, cost)
    rng = np.random.default_rng(2)
    for b in network.biases:
        b += rng.standard_normal(b.shape)
    x, t = make_cases()
    if soft:
        t = rng.dirichlet(np.ones(3), size=len(x))
    _, gradient = network.value_and_grad(x, t)
    for held, pieces in ((network.weights, 0), (network.biases, 1)):
        for layer, at in enumerate(held):

            def cost_of(values):
                held[layer] = values
                return network.value_and_grad(x, t)[0]

            error = check_gradient(cost_of, at.copy(), gradient[layer][pieces])
            held[layer] = at
            assert error < 1e-6, (layer, pieces)


@pytest.mark.parametrize("output, cost", TWO_BY_TWO)
def test_the_mean_does_not_count_cases_twice(output, cost):
    network = make((4, 5, 3), output, cost)
    x, t = make_cases()
    once, gradient_once = network.value_and_grad(x, t)
    twice, gradient_twice = network.value_and_grad(np.tile(x, (2, 1)), np.tile(t, 2))
    assert np.isclose(once, twice, rtol=1e-14)
    for pair_once, pair_twice in zip(gradient_once, gradient_twice):
        for one, two in zip(pair_once, pair_twice):
            assert np.allclose(one, two, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("output, cost, value", [
    ("logistic", "squared-error", 3 * 0.5 * 0.25),
    ("logistic", "cross-entropy", 3 * np.log(2)),
    ("softmax", "squared-error", 0.5 * (4 / 9 + 1 / 9 + 1 / 9)),
    ("softmax", "cross-entropy", np.log(3)),
])
def test_cost_where_all_logits_are_zero(output, cost, value):
    """Worked out by hand, in nats."""
    network = make((4, 3), output, cost)
    network.weights[0][:] = 0
    assert np.isclose(network.value_and_grad(*make_cases())[0], value, rtol=1e-14)


@pytest.mark.parametrize("output", ["logistic", "softmax"])
def test_gradient_of_cross_entropy_is_output_minus_target(output):
    network = make((4, 3), output, "cross-entropy")
    x, t = make_cases()
    residual = (network.outputs(x) - np.eye(3)[t]) / len(x)
    (dW, db), = network.value_and_grad(x, t)[1]
    assert np.allclose(dW, x.T @ residual, rtol=1e-12, atol=1e-15)
    assert np.allclose(db, residual.sum(axis=0), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("output, cost", TWO_BY_TWO)
def test_class_indices_and_one_hot_targets_agree(output, cost):
    network = make((4, 5, 3), output, cost)
    x, t = make_cases()
    by_index, by_row = network.value_and_grad(x, t), network.value_and_grad(x, np.eye(3)[t])
    assert np.isclose(by_index[0], by_row[0], rtol=1e-14)
    assert np.allclose(by_index[1][0][0], by_row[1][0][0], rtol=1e-12, atol=1e-16)


# The network


def test_starting_weights_are_scaled_by_their_number_of_inputs():
    network = make((400, 100, 10))
    for W, inputs in zip(network.weights, (400, 100)):
        assert np.isclose(W.std() * np.sqrt(inputs), 1, rtol=0.05)
    assert all((b == 0).all() for b in network.biases)


def test_outputs_are_worked_out_by_hand():
    network = make((1, 1, 2), "softmax")
    network.weights = [np.array([[np.log(3)]]), np.array([[np.log(16.0), 0]])]
    network.biases = [np.zeros(1), np.array([0, np.log(8.0)])]
    assert np.allclose(network.logits([[1.0]]), [[0.75 * np.log(16), np.log(8)]])
    assert np.allclose(network.outputs([[1.0]]), [[0.5, 0.5]])
    network.output = "logistic"
    assert np.allclose(network.outputs([[1.0]]), [[8 / 9, 8 / 9]])


@pytest.mark.parametrize("output, total", [("softmax", True), ("logistic", False)])
def test_only_softmax_outputs_sum_to_one(output, total):
    y = make((4, 3), output).outputs(make_cases()[0])
    assert np.allclose(y.sum(axis=1), 1) == total


def test_right_counts_the_largest_output():
    network = make((3, 3))
    network.weights = [np.eye(3)]
    x = np.array([[2.0, 1, 0], [0, 2, 1], [0, 1, 2]])
    assert network.right(x, [0, 1, 0]).tolist() == [True, True, False]
    assert network.right(x, np.eye(3)[[0, 1, 0]]).tolist() == [True, True, False]


def test_one_logistic_unit_is_right_on_its_targets_side_of_a_half():
    network = make((1, 1), "logistic")
    network.weights = [np.ones((1, 1))]
    right = network.right([[2.0], [-2.0], [2.0]], [[1], [0], [0]])
    assert right.tolist() == [True, True, False]


# Training


@pytest.mark.parametrize("output, cost", TWO_BY_TWO)
@pytest.mark.parametrize("batch_size", [None, 3])
def test_cost_falls_and_cases_are_learned(output, cost, batch_size):
    x, t = make_cases(30)
    t = x[:, :3].argmax(axis=1)
    rng = np.random.default_rng(3)
    history = train(make((4, 3), output, cost), x, t, steps=400, learning_rate=0.5,
                    batch_size=batch_size, rng=rng)
    assert history.cost[-1] < 0.5 * history.cost[0]
    assert history.accuracy[-1] >= 0.9 > history.accuracy[0]


@pytest.mark.parametrize("batch_size", [None, 3])
def test_same_seed_gives_the_same_run_to_the_last_bit(batch_size):
    x, t = make_cases(20)

    def run(seed):
        network = make((4, 5, 3), seed=seed)
        history = train(network, x, t, steps=25, learning_rate=0.3, batch_size=batch_size,
                        rng=np.random.default_rng(seed), watch=[0, 3], held_out=(x[:5], t[:5]))
        return parameters(network), vars(history)

    (first, seen), (second, seen_again), (other, _) = run(0), run(0), run(1)
    assert all(np.array_equal(a, b) for a, b in zip(first, second))
    assert all(np.array_equal(seen[name], seen_again[name]) for name in seen)
    assert not np.array_equal(first[0], other[0])


def test_one_step_is_the_gradient_times_the_learning_rate():
    x, t = make_cases()
    network, after = make((4, 5, 3)), make((4, 5, 3))
    gradient = network.value_and_grad(x, t)[1]
    train(after, x, t, steps=1, learning_rate=0.7)
    for layer, (dW, db) in enumerate(gradient):
        assert np.allclose(after.weights[layer], network.weights[layer] - 0.7 * dW, rtol=1e-14)
        assert np.allclose(after.biases[layer], network.biases[layer] - 0.7 * db, rtol=1e-14)


def test_a_pass_over_the_batches_uses_each_case_once():
    """Tiny steps from one point add up to the gradient of each case, once."""
    x, t = make_cases(8)
    rate = 1e-9
    network, start = make(), make()
    train(network, x, t, steps=4, learning_rate=rate, batch_size=2, rng=np.random.default_rng(0))
    moved = (start.weights[0] - network.weights[0]) / rate
    assert np.allclose(moved, 4 * start.value_and_grad(x, t)[1][0][0], rtol=1e-5, atol=1e-6)


def test_last_batch_may_be_smaller():
    x, t = make_cases(7)
    network, start = make(), make()
    train(network, x, t, steps=3, learning_rate=1e-9, batch_size=3, rng=np.random.default_rng(0))
    order = np.random.default_rng(0).permutation(7)
    batches = order[:3], order[3:6], order[6:]
    expected = sum(start.value_and_grad(x[b], t[b])[1][0][0] for b in batches)
    moved = (start.weights[0] - network.weights[0]) / 1e-9
    assert np.allclose(moved, expected, rtol=1e-5, atol=1e-6)


# The history


def test_history_has_one_entry_for_each_recorded_step():
    x, t = make_cases(20)
    history = train(make((4, 5, 3)), x, t, steps=10, learning_rate=0.1, record_every=4,
                    watch=[0, 7], held_out=(x[:6], t[:6]))
    assert isinstance(history, History)
    assert history.step.tolist() == [0, 4, 8, 10]
    for name in ("cost", "accuracy", "held_out_cost", "held_out_accuracy"):
        assert getattr(history, name).shape == (4,), name
    assert history.gradient_norm.shape == (4, 2)
    assert history.outputs.shape == (4, 2, 3)


def test_history_without_held_out_or_watched_cases():
    history = train(make(), *make_cases(), steps=2, learning_rate=0.1)
    assert history.held_out_cost is None and history.held_out_accuracy is None
    assert history.outputs.shape == (3, 0, 3)


def test_history_of_no_steps_is_the_start():
    history = train(make(), *make_cases(), steps=0, learning_rate=0.1)
    assert history.step.tolist() == [0]


@pytest.mark.parametrize("batch_size", [None, 4])
def test_history_is_what_the_network_says(batch_size):
    """Each recorded row against a run stopped there and measured from outside."""
    x, t = make_cases(12)
    held_out = make_cases(5, seed=9)

    def run(steps, record_every):
        network = make((4, 5, 3))
        return network, train(network, x, t, steps=steps, learning_rate=0.4, batch_size=batch_size,
                              rng=np.random.default_rng(5), record_every=record_every,
                              watch=[2, 11], held_out=held_out)

    history = run(6, 2)[1]
    for row, step in enumerate([0, 2, 4, 6]):
        network = run(step, 1)[0]
        C, gradient = network.value_and_grad(x, t)
        norms = [np.linalg.norm(np.append(dW.ravel(), db)) for dW, db in gradient]
        assert np.isclose(history.cost[row], C, rtol=1e-13)
        assert history.accuracy[row] == network.right(x, t).mean()
        assert np.isclose(history.held_out_cost[row], network.value_and_grad(*held_out)[0])
        assert history.held_out_accuracy[row] == network.right(*held_out).mean()
        assert np.allclose(history.gradient_norm[row], norms, rtol=1e-12)
        assert np.allclose(history.outputs[row], network.outputs(x[[2, 11]]), rtol=1e-13)


def test_recording_does_not_change_the_run():
    x, t = make_cases(20)
    often, seldom = make((4, 5, 3)), make((4, 5, 3))
    train(often, x, t, steps=9, learning_rate=0.3, record_every=1)
    train(seldom, x, t, steps=9, learning_rate=0.3, record_every=5, watch=[1])
    assert all(np.array_equal(a, b) for a, b in zip(parameters(often), parameters(seldom)))


def test_inputs_are_left_alone():
    x, t = make_cases()
    before = x.copy(), t.copy()
    train(make(), x, t, steps=3, learning_rate=0.5)
    assert np.array_equal(x, before[0]) and np.array_equal(t, before[1])


def test_progress_wraps_the_steps():
    seen = []

    def progress(steps):
        assert len(steps) == 5
        for step in steps:
            seen.append(step)
            yield step

    train(make(), *make_cases(), steps=5, learning_rate=0.1, progress=progress)
    assert seen == [0, 1, 2, 3, 4]


# Refusals name the argument, its value and the cure


@pytest.mark.parametrize("changed, error, message", [
    ({"sizes": 3}, TypeError, r"sizes = 3: give integers"),
    ({"sizes": (4,)}, ValueError, r"sizes = \(4,\): give two or more layers"),
    ({"sizes": (4, 0, 3)}, ValueError, r"sizes = \(4, 0, 3\): give .* at least one unit"),
    ({"sizes": (4, 2.5)}, TypeError, r"sizes = \(4, 2.5\): give integers"),
    ({"output": "relu"}, ValueError, r"output = 'relu': choose one of 'logistic', 'softmax'"),
    ({"cost": "mse"}, ValueError, r"cost = 'mse': choose one of 'squared-error', 'cross-entropy'"),
    ({"hidden": "tanh"}, ValueError, r"hidden = 'tanh': choose one of 'logistic'"),
    ({"rng": 0}, TypeError, r"rng = 0: give a generator, such as numpy.random.default_rng\(0\)"),
    ({"sizes": (4, 1)}, ValueError, r"sizes = \(4, 1\) ends in one unit.*output = \"logistic\""),
])
def test_network_refuses(changed, error, message):
    good = {"sizes": (4, 3), "output": "softmax", "cost": "cross-entropy",
            "rng": np.random.default_rng(0)}
    arguments = good | changed
    with pytest.raises(error, match=message):
        Network(arguments.pop("sizes"), **arguments)


@pytest.mark.parametrize("changed, error, message", [
    ({"x": np.zeros((7, 5))}, ValueError, r"x has shape \(7, 5\): the network takes \(cases, 4\)"),
    ({"x": np.zeros(4)}, ValueError, r"x has shape \(4,\)"),
    ({"x": np.full((7, 4), np.nan)}, ValueError, r"x\[0, 0\] = nan: give finite numbers"),
    ({"t": np.zeros(6, int)}, ValueError, r"t has shape \(6,\): for 7 cases give class indices"),
    ({"t": np.full(7, 3)}, ValueError, r"t\[0\] = 3 is not a class index.* 0 to 2"),
    ({"t": np.full(7, -1)}, ValueError, r"t\[0\] = -1 is not a class index"),
    ({"t": np.zeros(7)}, TypeError, r"t has dtype float64: class indices are integers"),
    ({"t": np.full((7, 3), 1.5)}, ValueError, r"t\[0, 0\] = 1.5: give targets from 0 to 1"),
    ({"t": np.full((7, 3), "a")}, TypeError, r"t has dtype <U1: give targets as numbers"),
    ({"steps": -1}, ValueError, r"steps = -1: give 0 or more"),
    ({"steps": 2.0}, TypeError, r"steps = 2.0: give an integer"),
    ({"learning_rate": 0}, ValueError, r"learning_rate = 0: give a positive"),
    ({"learning_rate": np.nan}, ValueError, r"learning_rate = nan: give a positive"),
    ({"batch_size": 0}, ValueError, r"batch_size = 0: give 1 or more"),
    ({"batch_size": 8}, ValueError, r"batch_size = 8 is more than the 7 cases of x"),
    ({"batch_size": 2}, TypeError, r"rng = None: give a generator"),
    ({"record_every": 0}, ValueError, r"record_every = 0: give 1 or more"),
    ({"watch": [7]}, ValueError, r"watch = 7 is not a row of x, which has 7 rows"),
    ({"watch": [0.5]}, TypeError, r"watch = 0.5: give an integer"),
    ({"x": make_cases()[0] + 0j}, TypeError, "x has dtype complex128: give real numbers"),
    ({"learning_rate": "0.1"}, TypeError, "learning_rate = '0.1': give a number"),
    ({"learning_rate": [0.1]}, TypeError, r"learning_rate = \[0.1\]: give a number"),
    ({"held_out": make_cases()[0]}, ValueError, r"held_out is not a pair: give a tuple \(x, t\)"),
    ({"held_out": (np.zeros((2, 3)), [0, 1])}, ValueError, r"held_out\[0\] has shape \(2, 3\)"),
])
def test_train_refuses(changed, error, message):
    x, t = make_cases()
    arguments = {"x": x, "t": t, "steps": 1, "learning_rate": 0.1} | changed
    with pytest.raises(error, match=message):
        train(make(), **arguments)
