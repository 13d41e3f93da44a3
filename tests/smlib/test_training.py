"""smlib.training: gradients against differences, and runs against runs by hand."""

import mpmath
import numpy as np
import pytest

from smlib.gradcheck import check_gradient
from smlib.training import History, Network, train

TWO_BY_TWO = [(output, cost) for output in ("logistic", "softmax") for cost in ("squared-error", "cross-entropy")]
DEPTHS = [(4, 3), (4, 5, 3), (4, 5, 6, 3)]
# Networks in groups, and which weights each of their layers has.
ALL = np.ones
GROUPED = [
    (((2, 2), (3, 2), 3), [[[1, 1, 1, 0, 0]] * 2 + [[0, 0, 0, 1, 1]] * 2, ALL((5, 3))]),
    (
        ((1, 3), (2, 1), (1, 4), 3),
        [
            [[1, 1, 0]] + [[0, 0, 1]] * 3,
            [[1, 0, 0, 0, 0]] * 2 + [[0, 1, 1, 1, 1]],
            ALL((5, 3)),
        ],
    ),
    ((4, (1, 2), (1, 2)), [ALL((4, 3)), [[1, 0, 0], [0, 1, 1], [0, 1, 1]]]),
    (((1, 1, 2), (2, 1, 1), 3), [[[1, 1, 0, 0], [0, 0, 1, 0]] + [[0, 0, 0, 1]] * 2, ALL((4, 3))]),
]


def make(sizes=(4, 3), output="softmax", cost="cross-entropy", seed=0):
    """Return a network."""
    return Network(sizes, output=output, cost=cost, rng=np.random.default_rng(seed))


def make_cases(n=7, inputs=4, classes=3, seed=1):
    """Return inputs and class indices."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, inputs)), rng.integers(classes, size=n)


def parameters(network):
    """Return all the weights and biases."""
    return [*network.weights, *network.biases]


# The gradient


@pytest.mark.parametrize("sizes", DEPTHS)
@pytest.mark.parametrize("output, cost", TWO_BY_TWO)
@pytest.mark.parametrize("soft", [False, True])
def test_gradient_of_every_layer_is_the_derivative(sizes, output, cost, soft):
    assert_gradient_is_the_derivative(make(sizes, output, cost), soft)


@pytest.mark.parametrize("sizes, present", GROUPED)
@pytest.mark.parametrize("output, cost", TWO_BY_TWO)
@pytest.mark.parametrize("soft", [False, True])
def test_gradient_of_every_grouped_layer_is_the_derivative(sizes, present, output, cost, soft):
    assert_gradient_is_the_derivative(make(sizes, output, cost), soft, present)


def assert_gradient_is_the_derivative(network, soft, present=None):
    """Compare each entry with differences; the entries of weights that are not `present` are 0."""
    rng = np.random.default_rng(2)
    for b in network.biases:
        b += rng.standard_normal(b.shape)
    x, t = make_cases()
    if soft:
        t = rng.dirichlet(np.ones(3), size=len(x))
    _, gradient = network.value_and_grad(x, t)
    for held, pieces in ((network.weights, 0), (network.biases, 1)):
        for layer, at in enumerate(held):
            varied = present[layer] if present and held is network.weights else 1

            def cost_of(values):
                held[layer] = values * varied
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


@pytest.mark.parametrize(
    "output, cost, value",
    [
        ("logistic", "squared-error", 3 * 0.5 * 0.25),
        ("logistic", "cross-entropy", 3 * np.log(2)),
        ("softmax", "squared-error", 0.5 * (4 / 9 + 1 / 9 + 1 / 9)),
        ("softmax", "cross-entropy", np.log(3)),
    ],
)
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
    ((dW, db),) = network.value_and_grad(x, t)[1]
    assert np.allclose(dW, x.T @ residual, rtol=1e-12, atol=1e-15)
    assert np.allclose(db, residual.sum(axis=0), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("output, cost", TWO_BY_TWO)
def test_class_indices_and_one_hot_targets_agree(output, cost):
    network = make((4, 5, 3), output, cost)
    x, t = make_cases()
    by_index, by_row = network.value_and_grad(x, t), network.value_and_grad(x, np.eye(3)[t])
    assert np.isclose(by_index[0], by_row[0], rtol=1e-14)
    assert np.allclose(by_index[1][0][0], by_row[1][0][0], rtol=1e-12, atol=1e-16)


# The slope of a hidden unit, h (1 − h), in both tails

SATURATING = [-40, -37, -36, -20, -10, -1, 0, 1, 10, 20, 36, 37, 38, 40]


def exact_chain(*sizes, output, cost):
    """A network whose logits are the last hidden layer and its negative; all its numbers are exact."""
    network = make((*sizes, 2), output, cost)
    network.weights = [np.zeros_like(W) for W in network.weights]
    for W in network.weights[1:-1]:
        W[...] = 0.25
    network.weights[-1][...] = 1, -1
    return network


exact, exp = (np.vectorize(function, otypes=[object]) for function in (mpmath.mpf, mpmath.exp))


def exact_gradient(network, x, t):
    """The gradient of one case with the target t, by the chain rule with 60 digits."""
    with mpmath.workdps(60):
        weights, h = [exact(W) for W in network.weights], [exact(x)]
        for W, b in zip(weights, network.biases):
            z = h[-1] @ W + exact(b)
            h.append(1 / (1 + exp(-z)))
        y = exp(z) / exp(z).sum() if network.output == "softmax" else h[-1]
        dz = y - exact(np.eye(2)[[t]])
        if network.cost == "squared-error":
            dz = y * (dz - (y * dz).sum()) if network.output == "softmax" else dz * y * (1 - y)
        gradient = []
        for W, a in zip(weights[::-1], h[-2::-1]):
            gradient.append((a.T @ dz, dz[0]))
            dz = (dz @ W.T) * a * (1 - a)
        return gradient[::-1]


def assert_close_to_exact(network, t, rtol):
    gradient = network.value_and_grad([[1.0]], [t])[1]
    for pair, truth in zip(gradient, exact_gradient(network, [[1.0]], t)):
        for part, true in zip(pair, truth):
            np.testing.assert_allclose(part, true.astype(float), rtol=rtol, atol=0)


@pytest.mark.parametrize("output, cost", TWO_BY_TWO)
@pytest.mark.parametrize("bias", SATURATING)
def test_gradient_below_a_hidden_unit_keeps_its_digits_in_both_tails(output, cost, bias):
    network = exact_chain(1, 1, output=output, cost=cost)
    network.biases[0][:] = bias
    for t in (0, 1):
        assert_close_to_exact(network, t, rtol=2e-15)


@pytest.mark.parametrize("output, cost", TWO_BY_TWO)
@pytest.mark.parametrize("bias", SATURATING)
def test_gradient_below_several_hidden_layers_keeps_its_digits_in_both_tails(output, cost, bias):
    network = exact_chain(1, 3, 2, 1, output=output, cost=cost)
    for b, start in zip(network.biases[:-1], (bias, -bias / 2, bias)):
        b[:] = start + np.arange(len(b)) / 4
    for t in (0, 1):
        assert_close_to_exact(network, t, rtol=1e-14)


def test_a_saturated_hidden_unit_is_not_flat():
    """(1 − y_1) h (1 − h) · 2, worked out in 60 digits."""
    network = exact_chain(1, 1, output="softmax", cost="cross-entropy")
    for bias, slope in ((37, 1.5031766830002963e-16), (-37, 8.5330476257440657e-17)):
        network.biases[0][:] = bias
        ((_, db), _) = network.value_and_grad([[1.0]], [1])[1]
        assert db[0] == pytest.approx(slope, rel=1e-15)


def test_a_hidden_unit_far_out_is_flat_without_a_warning():
    network = exact_chain(1, 1, output="softmax", cost="cross-entropy")
    for bias in (-1e308, -800, 800, 1e308):
        network.biases[0][:] = bias
        with np.errstate(all="raise"):
            ((_, db), _) = network.value_and_grad([[1.0]], [1])[1]
        assert db[0] == 0


def test_complex_weights_are_refused_in_every_layer():
    for layer in (0, 1, 2):
        network = make((4, 5, 6, 3))
        network.weights[layer] = network.weights[layer] + 0j
        for function in (network.outputs, network.logits, lambda x: network.value_and_grad(x, [0])):
            if function != network.logits or layer < 2:
                with pytest.raises(TypeError, match="^z has dtype complex128: it must hold real numbers"):
                    function(np.ones((1, 4)))


# The network


def test_starting_weights_are_scaled_by_their_number_of_inputs():
    network = make((400, 100, 10))
    for W, inputs in zip(network.weights, (400, 100)):
        assert np.isclose(W.std() * np.sqrt(inputs), 1, rtol=0.05)
    assert all((b == 0).all() for b in network.biases)


def test_starting_weights_of_a_group_are_scaled_by_its_own_number_of_inputs():
    W = make(((400, 25), (100, 200), 10)).weights[0]
    assert np.isclose(W[:400, :100].std() * np.sqrt(400), 1, rtol=0.05)
    assert np.isclose(W[400:, 100:].std() * np.sqrt(25), 1, rtol=0.05)


@pytest.mark.parametrize("sizes, present", GROUPED)
def test_there_are_no_weights_between_groups(sizes, present):
    network = make(sizes)
    for W, expected in zip(network.weights, present):
        assert np.array_equal(W != 0, np.array(expected, dtype=bool))


def test_a_group_hears_only_its_own_inputs():
    network = make(((2, 2), (3, 2), (1, 4), 3))
    x = make_cases()[0]
    before, after = network.layers(x), network.layers(x + [0, 0, 1, 1])
    for layer, own in ((1, 3), (2, 1)):
        changed = (before[layer] != after[layer]).all(axis=0)
        assert changed.tolist() == [False] * own + [True] * (5 - own)
    assert (before[3] != after[3]).all()


def test_next_to_a_number_a_tuple_counts_as_its_total():
    groups, whole = make((4, (2, 3), 3)), make((4, 5, 3))
    assert all(np.array_equal(a, b) for a, b in zip(parameters(groups), parameters(whole)))


@pytest.mark.parametrize("output", ["logistic", "softmax"])
def test_layers_are_the_inputs_the_hidden_units_and_the_outputs(output):
    network = make((4, 5, 6, 3), output)
    x = make_cases()[0]
    layers = network.layers(x)
    assert [h.shape for h in layers] == [(7, 4), (7, 5), (7, 6), (7, 3)]
    assert np.array_equal(layers[0], x) and np.array_equal(layers[3], network.outputs(x))
    for n in (0, 1):
        z = layers[n] @ network.weights[n] + network.biases[n]
        assert np.allclose(layers[n + 1], 1 / (1 + np.exp(-z)), rtol=1e-12)


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


def test_right_takes_any_of_several_answers():
    network = make((3, 3))
    network.weights = [np.eye(3)]
    t = [[0.5, 0, 0.5], [0.5, 0.5, 0], [1, 1, 0]]
    assert network.right([[0, 1, 2], [1, 0, 2], [0, 2, 1]], t).tolist() == [True, False, True]


def test_one_logistic_unit_is_right_on_its_targets_side_of_a_half():
    network = make((1, 1), "logistic")
    network.weights = [np.ones((1, 1))]
    right = network.right([[2.0], [-2.0], [2.0], [0.5]], [[1], [0], [0], [0.75]])
    assert right.tolist() == [True, True, False, True]
    assert network.right([[0.5], [-0.5]], [0, 0]).tolist() == [True, False], "index 0 is the one class there is"


# Training


@pytest.mark.parametrize("output, cost", TWO_BY_TWO)
@pytest.mark.parametrize("batch_size", [None, 3])
def test_cost_falls_and_cases_are_learned(output, cost, batch_size):
    x, t = make_cases(30)
    t = x[:, :3].argmax(axis=1)
    rng = np.random.default_rng(3)
    history = train(make((4, 3), output, cost), x, t, steps=400, learning_rate=0.5, batch_size=batch_size, rng=rng)
    assert history.cost[-1] < 0.5 * history.cost[0]
    assert history.accuracy[-1] >= 0.9 > history.accuracy[0]


@pytest.mark.parametrize("batch_size", [None, 3])
def test_same_seed_gives_the_same_run_to_the_last_bit(batch_size):
    x, t = make_cases(20)

    def run(seed):
        network = make((4, 5, 3), seed=seed)
        history = train(
            network,
            x,
            t,
            steps=25,
            learning_rate=0.3,
            batch_size=batch_size,
            rng=np.random.default_rng(seed),
            watch=[0, 3],
            held_out=(x[:5], t[:5]),
        )
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


def by_hand(network, x, t, order, learning_rate, momentum, weight_decay):
    """Return the parameters after the rule of `train`, applied number by number."""
    weights, biases = [W.copy() for W in network.weights], [b.copy() for b in network.biases]
    moved = [np.zeros_like(p) for p in weights + biases]
    for rows in order:
        network.weights, network.biases = weights, biases
        slopes = list(zip(*network.value_and_grad(x[rows], t[rows])[1]))
        for k, p in enumerate(weights + biases):
            for entry in np.ndindex(p.shape):
                if k < len(weights):
                    slope = slopes[0][k][entry] + weight_decay * p[entry]
                else:
                    slope = slopes[1][k - len(weights)][entry]
                moved[k][entry] = momentum * moved[k][entry] - learning_rate * slope
                p[entry] += moved[k][entry]
    return weights + biases


@pytest.mark.parametrize("sizes", [(4, 5, 3), ((2, 2), (3, 2), 3)])
@pytest.mark.parametrize("momentum, weight_decay", [(0.9, 0), (0, 0.05), (0.5, 0.1)])
@pytest.mark.parametrize("batch_size", [None, 4])
def test_momentum_and_weight_decay_follow_the_rule(sizes, momentum, weight_decay, batch_size):
    x, t = make_cases(8)
    network = make(sizes)
    train(
        network,
        x,
        t,
        steps=6,
        learning_rate=0.3,
        momentum=momentum,
        weight_decay=weight_decay,
        batch_size=batch_size,
        rng=np.random.default_rng(7),
    )
    order = [slice(None)] * 6
    if batch_size:
        rng = np.random.default_rng(7)
        order = [half for _ in range(3) for half in np.split(rng.permutation(8), 2)]
    expected = by_hand(make(sizes), x, t, order, 0.3, momentum, weight_decay)
    for after, hand in zip(parameters(network), expected):
        assert np.allclose(after, hand, rtol=1e-12, atol=1e-15)


def test_momentum_starts_at_zero_with_each_call():
    x, t = make_cases()
    network, hand = make((4, 5, 3)), make((4, 5, 3))
    for _ in range(2):
        train(network, x, t, steps=2, learning_rate=0.3, momentum=0.9)
        by_hand(hand, x, t, [slice(None)] * 2, 0.3, 0.9, 0)
    assert all(np.allclose(a, b) for a, b in zip(parameters(network), parameters(hand)))


def test_without_momentum_and_decay_a_step_is_gradient_descent_to_the_last_bit():
    x, t = make_cases()
    network, plain = make((4, 5, 3)), make((4, 5, 3))
    train(network, x, t, steps=20, learning_rate=0.3)
    for _ in range(20):
        for W, b, (dW, db) in zip(plain.weights, plain.biases, plain.value_and_grad(x, t)[1]):
            W -= 0.3 * dW
            b -= 0.3 * db
    assert all(np.array_equal(a, b) for a, b in zip(parameters(network), parameters(plain)))


@pytest.mark.parametrize("sizes, present", GROUPED)
@pytest.mark.parametrize("output, cost", TWO_BY_TWO)
def test_weights_between_groups_stay_exactly_zero(sizes, present, output, cost):
    x, t = make_cases(20)
    network = make(sizes, output, cost)
    start = [W.copy() for W in network.weights]
    train(
        network,
        x,
        t,
        steps=30,
        learning_rate=0.5,
        momentum=0.9,
        weight_decay=0.01,
        batch_size=5,
        rng=np.random.default_rng(0),
    )
    for before, after, expected in zip(start, network.weights, present):
        expected = np.array(expected, dtype=bool)
        assert (after[~expected] == 0).all()
        assert (after[expected] != before[expected]).all()


def test_recorded_costs_leave_the_decay_out():
    x, t = make_cases(20)
    network = make((4, 5, 3))
    history = train(network, x, t, steps=5, learning_rate=0.3, weight_decay=2.0)
    assert history.cost[-1] == network.value_and_grad(x, t)[0]


def overfit(steps, patience, batch_size=None):
    """Learn labels of which some are wrong, so that the held-out cost falls, rises, falls and rises."""
    x = make_cases(12)[0]
    t = (x[:, :3].argmax(axis=1) + (np.arange(12) < 3)) % 3
    network = make((4, 8, 3))
    history = train(
        network,
        x,
        t,
        steps=steps,
        learning_rate=0.1,
        momentum=0.9,
        record_every=5,
        held_out=clean_cases(),
        patience=patience,
        batch_size=batch_size,
        rng=np.random.default_rng(2),
    )
    return network, history


def clean_cases():
    """Return held-out cases whose labels are all right."""
    x = make_cases(40, seed=4)[0]
    return x, x[:, :3].argmax(axis=1)


@pytest.mark.parametrize("batch_size", [None, 5])
@pytest.mark.parametrize("patience", [2, 5])
def test_patience_stops_and_goes_back_to_the_least_held_out_cost(batch_size, patience):
    network, history = overfit(150, patience, batch_size)
    full = overfit(150, None, batch_size)[1].held_out_cost
    waited = 0
    for row in range(1, len(full)):
        waited = 0 if full[row] < full[:row].min() else waited + 1
        if waited == patience:
            break
    assert np.array_equal(history.held_out_cost, full[: row + 1])
    best = history.held_out_cost.argmin()
    assert 0 < best == row - patience and row + 1 < len(full)
    assert (best > 5) == (patience == 5), "five records outlast the first rise, two do not"
    stopped_there = overfit(int(history.step[best]), None, batch_size)[0]
    assert all(np.array_equal(a, b) for a, b in zip(parameters(network), parameters(stopped_there)))


@pytest.mark.parametrize("steps, least_is_last", [(0, True), (5, True), (13, False), (40, True)])
def test_patience_goes_back_also_when_the_steps_run_out(steps, least_is_last):
    network, history = overfit(steps, patience=100)
    assert history.step[-1] == steps
    assert network.value_and_grad(*clean_cases())[0] == history.held_out_cost.min()
    assert (history.held_out_cost.argmin() == len(history.step) - 1) == least_is_last


def test_patience_does_not_change_a_run_whose_held_out_cost_keeps_falling():
    x, t = make_cases(12)
    runs = make((4, 5, 3)), make((4, 5, 3))
    for network, patience in zip(runs, (None, 1)):
        train(network, x, t, steps=9, learning_rate=0.1, held_out=(x, t), patience=patience)
    assert all(np.array_equal(a, b) for a, b in zip(*map(parameters, runs)))


def test_a_held_out_cost_that_stays_the_same_has_not_fallen():
    network = make()
    history = train(
        network, np.zeros((3, 4)), [0, 1, 2], steps=50, learning_rate=0.1, held_out=([[1.0, 0, 0, 0]], [0]), patience=4
    )
    assert np.ptp(history.held_out_cost) == 0
    assert history.step.tolist() == [0, 1, 2, 3, 4]


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


def test_one_batch_may_hold_all_the_cases():
    x, t = make_cases(7)
    network, whole = make(), make()
    train(network, x, t, steps=3, learning_rate=0.5, batch_size=7, rng=np.random.default_rng(0))
    train(whole, x, t, steps=3, learning_rate=0.5)
    assert np.allclose(network.weights[0], whole.weights[0], rtol=1e-12)


# The history


def test_history_has_one_entry_for_each_recorded_step():
    x, t = make_cases(20)
    history = train(
        make((4, 5, 3)), x, t, steps=10, learning_rate=0.1, record_every=4, watch=[0, 7], held_out=(x[:6], t[:6])
    )
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
        return network, train(
            network,
            x,
            t,
            steps=steps,
            learning_rate=0.4,
            batch_size=batch_size,
            rng=np.random.default_rng(5),
            record_every=record_every,
            watch=[2, 11],
            held_out=held_out,
        )

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


# Errors name the argument, its value and what to do


@pytest.mark.parametrize(
    "changed, error, message",
    [
        ({"sizes": 3}, TypeError, r"sizes = 3: it must hold integers"),
        ({"sizes": (4,)}, ValueError, r"sizes = \(4,\): it must have two or more layers"),
        ({"sizes": (4, 0, 3)}, ValueError, r"sizes = \(4, 0, 3\): it must have .* at least one unit"),
        ({"sizes": (4, 2.5)}, TypeError, r"sizes = \(4, 2.5\): it must hold integers"),
        ({"sizes": ((2, 2.5), 3)}, TypeError, r"sizes = \(\(2, 2.5\), 3\): .* or tuples of them"),
        ({"sizes": ((2, 0), 3)}, ValueError, r"sizes = \(\(2, 0\), 3\): it must have .* at least one unit"),
        ({"sizes": (4, (), 3)}, ValueError, r"sizes = \(4, \(\), 3\): it must have .* at least one unit"),
        (
            {"sizes": ((2, 2), (3, 2, 1), 3)},
            ValueError,
            r"sizes = .*: 2 groups in \(2, 2\) cannot feed 3 in \(3, 2, 1\): use as many, or 6 for \(3, 2, 1\)",
        ),
        ({"sizes": (4, (1,))}, ValueError, r"sizes = \(4, \(1,\)\) ends in one unit"),
        ({"output": "relu"}, ValueError, r"output = 'relu' is unknown: it must be 'logistic' or 'softmax'"),
        (
            {"output": np.array(["softmax", "logistic"])},
            ValueError,
            r"output = array\(.*\) is unknown: it must be 'logistic'",
        ),
        ({"cost": "mse"}, ValueError, r"cost = 'mse' is unknown: it must be 'squared-error' or 'cross-entropy'"),
        ({"rng": 0}, TypeError, r"rng = 0: it must be a generator, such as numpy.random.default_rng\(0\)"),
        (
            {"sizes": (4, 1)},
            ValueError,
            r"sizes = \(4, 1\) ends in one unit, and a softmax over one class is "
            r"always 1: give it 2 classes, or choose output = \"logistic\"$",
        ),
    ],
)
def test_a_bad_argument_of_a_network_is_an_error(changed, error, message):
    good = {"sizes": (4, 3), "output": "softmax", "cost": "cross-entropy", "rng": np.random.default_rng(0)}
    arguments = good | changed
    with pytest.raises(error, match=f"^{message}"):
        Network(arguments.pop("sizes"), **arguments)


@pytest.mark.parametrize(
    "changed, error, message",
    [
        ({"x": np.zeros((7, 5))}, ValueError, r"x has shape \(7, 5\): the network takes \(cases, 4\)"),
        ({"x": np.zeros(4)}, ValueError, r"x has shape \(4,\)"),
        ({"x": np.full((7, 4), np.nan)}, ValueError, r"x\[0, 0\] = nan is not an input: it must be finite"),
        ({"x": np.zeros((0, 4))}, ValueError, r"x has shape \(0, 4\): it must hold at least one case$"),
        ({"t": np.zeros(6, int)}, ValueError, r"t has shape \(6,\): for 7 cases, class indices have shape"),
        ({"t": np.full(7, 3)}, ValueError, r"t\[0\] = 3 is not a class index: .* \(7, 3\), .* has 3 classes"),
        ({"t": np.full(7, -1)}, ValueError, r"t\[0\] = -1 is not a class index"),
        ({"t": np.zeros(7)}, TypeError, r"t has dtype float64: labels must be integers, the class indices"),
        ({"t": np.full((7, 3), 1.5)}, ValueError, r"t\[0, 0\] = 1.5 is not a probability: it must lie between 0 and 1"),
        ({"t": np.full((7, 3), "a")}, TypeError, r"t has dtype <U1: it must hold real numbers"),
        ({"steps": -1}, ValueError, r"steps = -1: it must be 0 or more"),
        ({"steps": 2.0}, TypeError, r"steps = 2.0: it must be an integer"),
        ({"learning_rate": 0}, ValueError, r"learning_rate = 0: it must be a positive, finite number$"),
        ({"learning_rate": np.inf}, ValueError, r"learning_rate = inf: it must be a positive, finite number$"),
        ({"learning_rate": np.nan}, ValueError, r"learning_rate = nan: it must be a positive, finite number$"),
        ({"batch_size": 0}, ValueError, r"batch_size = 0: it must be 1 or more"),
        ({"batch_size": 8}, ValueError, r"batch_size = 8 is more than the 7 cases of x"),
        ({"batch_size": 2}, TypeError, r"rng = None: it must be a generator"),
        ({"record_every": 0}, ValueError, r"record_every = 0: it must be 1 or more"),
        ({"watch": [7]}, ValueError, r"watch = 7 is not a row of x, which has 7 rows"),
        ({"watch": [-1]}, ValueError, r"watch = -1: it must be 0 or more"),
        ({"watch": [0.5]}, TypeError, r"watch = 0.5: it must be an integer"),
        ({"x": make_cases()[0] + 0j}, TypeError, "x has dtype complex128: it must hold real numbers"),
        ({"x": make_cases()[0].astype(np.longdouble)}, TypeError, "x has dtype .*: it must hold real numbers"),
        ({"x": np.ma.masked_array(make_cases()[0])}, TypeError, "x is a masked array: pass x.data"),
        ({"x": [[1.0], [1.0, 2.0]]}, ValueError, "x is not an array: "),
        ({"t": np.ma.masked_array(make_cases()[1])}, TypeError, "t is a masked array: pass t.data"),
        ({"t": [[1.0], [1.0, 2.0]]}, ValueError, "t is not an array: "),
        ({"watch": 3}, TypeError, "watch = 3: it must be a sequence of rows of x$"),
        ({"learning_rate": "0.1"}, TypeError, "learning_rate = '0.1': it must be a number"),
        ({"learning_rate": [0.1]}, TypeError, r"learning_rate = \[0.1\]: it must be a number"),
        ({"momentum": 1}, ValueError, r"momentum = 1: it must be a number from 0 to below 1$"),
        ({"momentum": -0.1}, ValueError, r"momentum = -0.1: it must be a number from 0 to below 1"),
        ({"momentum": "0.9"}, TypeError, r"momentum = '0.9': it must be a number"),
        ({"weight_decay": -1}, ValueError, r"weight_decay = -1: it must be a finite number, 0 or more$"),
        ({"weight_decay": np.inf}, ValueError, r"weight_decay = inf: it must be a finite number, 0 or more"),
        ({"weight_decay": None}, TypeError, r"weight_decay = None: it must be a number"),
        ({"patience": 0, "held_out": make_cases()}, ValueError, r"patience = 0: it must be 1 or more"),
        ({"patience": 2.5}, TypeError, r"patience = 2.5: it must be an integer"),
        ({"patience": 2}, ValueError, r"patience = 2 needs .*: give held_out = \(x, t\)"),
        (
            {"x": np.zeros((7, 5)), "sizes": ((2, 2), (1, 1), 3)},
            ValueError,
            r"x has shape \(7, 5\): the network takes \(cases, 4\)",
        ),
        ({"held_out": make_cases()[0]}, ValueError, r"held_out is not a pair: it must be a tuple \(x, t\)$"),
        ({"held_out": make_cases() * 2}, ValueError, r"held_out is not a pair"),
        ({"held_out": (np.zeros((0, 4)), [])}, ValueError, r"held_out\[0\] has shape \(0, 4\): it must hold"),
        ({"held_out": (np.zeros((2, 4)), [0])}, ValueError, r"held_out\[1\] has shape \(1,\): for 2 cases"),
        ({"held_out": (np.zeros((2, 3)), [0, 1])}, ValueError, r"held_out\[0\] has shape \(2, 3\)"),
    ],
)
def test_a_bad_argument_of_train_is_an_error(changed, error, message):
    x, t = make_cases()
    arguments = {"x": x, "t": t, "steps": 1, "learning_rate": 0.1} | changed
    network = make(arguments.pop("sizes", (4, 3)))
    with pytest.raises(error, match=f"^{message}"):
        train(network, **arguments)


def test_the_mean_cost_needs_a_case():
    with pytest.raises(ValueError, match=r"^x has shape \(0, 4\): it must hold at least one case$"):
        make((4, 3)).value_and_grad(np.zeros((0, 4)), [])
