"""A few hostile calls of every public function; `make fuzz` tries many."""

import pytest

import smlib
from smlib import datasets, many_classes, sharded, symbolic, training
from tests.smlib import properties as fuzzing

EXAMPLES = 60


@pytest.mark.parametrize("prop", fuzzing.SHARES, ids=lambda prop: prop.__name__)
def test_hostile_calls_are_refused_or_right(prop):
    tried, error = fuzzing.fuzz(prop, max(2, int(EXAMPLES * fuzzing.SHARES[prop])), seed=0)
    if error is not None:
        raise error
    assert tried > 1


def test_every_public_function_is_tried():
    names = {prop.__name__ for prop in fuzzing.SHARES}
    assert set(smlib.__all__) <= names
    assert {f"sharded_{name}" for name in sharded.__all__} <= names
    assert set(many_classes.__all__) == {"RunningLogSumExp", "linear_cross_entropy"}
    assert set(training.__all__) == {"Network", "History", "train"}
    assert {name for name in datasets.__all__ if name.islower()} == {"digits", "split", "family_trees"}
    assert {name for name in symbolic.__all__ if callable(getattr(symbolic, name)) and len(name) > 1} == {
        "logits",
        "targets",
        "softmax",
        "softmax_jacobian",
        "cross_entropy",
        "cross_entropy_gradient",
        "general_softmax",
        "general_jacobian",
        "general_cross_entropy",
        "general_gradient",
        "at_size",
    }
