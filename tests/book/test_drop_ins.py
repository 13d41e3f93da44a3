"""The functions for PyTorch and JAX in studies/ against smlib in float64, where their library can be imported."""

import importlib.util

import numpy as np
import pytest

import smlib
from studies import rounding

LIBRARIES = [name for name in ("torch", "jax") if importlib.util.find_spec(name)]
if not LIBRARIES:
    pytest.skip("neither PyTorch nor JAX can be imported", allow_module_level=True)

U = 2.0**-24


def torch_costs(z, t, dtype="float32", scale=1.0):
    """Return the costs of PyTorch's drop-in times a factor, and the gradient of their sum, in float64."""
    torch = importlib.import_module("torch")
    cost = importlib.import_module("studies.rivals_torch").RivalCrossEntropy.apply
    leaf = torch.tensor(z, dtype=getattr(torch, dtype), requires_grad=True)
    costs = scale * cost(leaf, torch.tensor(t))
    costs.sum().backward()
    assert leaf.grad.dtype == leaf.dtype
    return costs.detach().double().numpy(), leaf.grad.double().numpy()


def jax_costs(z, t, dtype="float32", scale=1.0):
    """Return the same of JAX's drop-in, compiled."""
    jax = importlib.import_module("jax")
    cost = importlib.import_module("studies.rivals_jax").rival_cross_entropy
    z = jax.numpy.asarray(z, dtype)

    def summed(z):
        costs = scale * cost(z, np.int32(t))
        return costs.sum(), costs

    (_, costs), g = jax.jit(jax.value_and_grad(summed, has_aux=True))(z)
    assert g.dtype == z.dtype
    return np.asarray(costs, float), np.asarray(g.astype("float32"), float)


@pytest.fixture(params=LIBRARIES)
def drop_in(request):
    """Return the drop-in of a library."""
    return {"torch": torch_costs, "jax": jax_costs}[request.param]


def error(values, truth, least=1e-33):
    """Return the largest relative error in units of roundoff, of numbers that are far above the smallest float32."""
    return float((np.abs(values - truth) / np.maximum(np.abs(truth), least)).max() / U)


def truth(z, t):
    """Return the costs and the gradient of their sum, computed in float64."""
    return smlib.cross_entropy_value_and_grad(np.float64(z), t, reduction="none")


@pytest.mark.parametrize("top", [0.0, 3.0, 37.5, -20.3])
@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_costs_and_gradients_keep_their_digits_however_sure_the_case(drop_in, classes, top):
    rng = np.random.default_rng(classes)
    gaps = np.array([-80.0, -20.0, -1.0, 0.0, 1.0, 10.0, 17.0, 30.0, 60.0])
    z = np.float32(top - gaps[:, None] - rng.random((len(gaps), classes)))
    t = rng.integers(classes, size=len(gaps))
    z[np.arange(len(t)), t] = top
    for ours, exact in zip(drop_in(z, t), truth(z, t)):
        assert error(ours, exact) <= 8


@pytest.mark.parametrize("shape", [(7,), (3, 7), (2, 3, 7), (2, 0, 7), (1, 50_000)])
def test_any_leading_shape(drop_in, shape):
    rng = np.random.default_rng(0)
    z, t = np.float32(rng.normal(0, 5, shape)), rng.integers(7, size=shape[:-1])
    costs, g = drop_in(z, t)
    expected, slopes = truth(z, t)
    assert costs.shape == shape[:-1] and g.shape == shape
    assert costs.size == 0 or max(error(costs, expected), error(g, slopes)) <= 8


def test_bfloat16_logits_are_computed_in_float32(drop_in):
    rng = np.random.default_rng(0)
    z = np.round(rng.normal(0, 5, (40, 30)) * 8) / 8  # exact in bfloat16
    t = z.argmax(axis=1)
    z[np.arange(40), t] = 30
    costs, g = drop_in(z, t, "bfloat16")
    expected, slopes = truth(z, t)
    assert error(costs, expected) <= 8
    assert error(g, slopes) <= 2.0**16  # half a unit of bfloat16


def test_a_masked_class_has_no_part_and_a_label_without_probability_costs_infinity(drop_in):
    costs, g = drop_in(np.float32([[0, -np.inf, 1], [0, -np.inf, 1]]), np.array([0, 1]))
    assert costs[1] == np.inf
    np.testing.assert_allclose(costs[0], np.log1p(np.e), rtol=1e-6)
    np.testing.assert_allclose(g[0], [1 / (1 + np.e) - 1, 0, np.e / (1 + np.e)], rtol=1e-6)


def test_a_label_that_is_no_class_is_an_error_or_costs_infinity(drop_in):
    z = np.float32(np.random.default_rng(0).normal(size=(2, 200)))
    try:
        costs, _ = drop_in(z, np.array([-100, 3]))
    except (IndexError, RuntimeError):
        return
    assert costs[0] == np.inf and costs[1] < np.inf


def test_labels_of_another_shape_are_an_error(drop_in):
    for z, t in (((4, 3), (1,)), ((4, 3), (4, 1)), ((2, 5, 5), (2, 1))):
        with pytest.raises(AssertionError):
            drop_in(np.zeros(z, np.float32), np.zeros(t, int))


def test_a_small_factor_keeps_the_digits_of_the_gradient(drop_in):
    z, t = np.float32([[60.0, 50.0]]), np.array([0])
    for ours, exact in zip(drop_in(z, t, scale=1e-16), truth(z, t)):
        assert error(ours, exact * 1e-16) <= 8


def test_pytorch_refuses_a_second_derivative():
    torch = pytest.importorskip("torch")
    cost = importlib.import_module("studies.rivals_torch").RivalCrossEntropy.apply
    z = torch.tensor([[1.0, 0.0]], requires_grad=True)
    with pytest.raises(AssertionError, match="no second derivative"):
        torch.autograd.grad(cost(z, torch.tensor([0])).sum(), z, create_graph=True)


def test_in_a_training_it_does_what_the_study_found(drop_in, monkeypatch):
    monkeypatch.setattr(rounding, "STEPS", 600)
    monkeypatch.setitem(rounding.SLOPES, "drop-in", lambda z, t: np.float32(drop_in(z, t)[1]))
    monkeypatch.setitem(rounding.ARMS, "drop-in", ("drop-in", np.float32, "adam", {}))
    ours, same = (rounding.run(("parity", 1, arm)) for arm in ("drop-in", "rivals32"))
    assert ours["residual"] <= 1e-6 and ours["zero_labels"] == 0
    np.testing.assert_allclose(ours["last_cost"], same["last_cost"], rtol=0.01)
