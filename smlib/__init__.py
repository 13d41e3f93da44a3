"""Softmax, its derivative and its cross-entropy, accurate over the whole range of logits.

The notation is the lecture's: logits `z`, outputs `y`, targets `t`, cost `C`;
K classes along the last axis, N cases along the others. Logarithms are natural,
and costs are in nats.
"""

from smlib.costs import (
    cross_entropy,
    cross_entropy_value_and_grad,
    logistic_cross_entropy,
    logistic_cross_entropy_value_and_grad,
    squared_error,
    squared_error_value_and_grad,
)
from smlib.gradcheck import check_gradient
from smlib.outputs import (
    log_softmax,
    logistic,
    logsumexp,
    softmax,
    softmax_jacobian,
    softmax_jvp,
)

__version__ = "0.1.0"

__all__ = [
    "check_gradient",
    "cross_entropy",
    "cross_entropy_value_and_grad",
    "log_softmax",
    "logistic",
    "logistic_cross_entropy",
    "logistic_cross_entropy_value_and_grad",
    "logsumexp",
    "softmax",
    "softmax_jacobian",
    "softmax_jvp",
    "squared_error",
    "squared_error_value_and_grad",
]
