from __future__ import annotations

import mpmath
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.sorting._distributions import DISTRIBUTIONS
from newton_optim.sorting._log_weights import log_weight_slopes, log_weight_values, log_weights
from tests.asserts import EPS
from tests.sorting.mp_network import mp_weight, mp_weight_derivatives

STEEPNESS = 10.0
# A weight e^(-k) has the condition number k, and is a normal number up to k = 709.
TOLERANCE = 2 * 709 * EPS[torch.float64]
distributions = st.sampled_from(DISTRIBUTIONS)
# Up to the scores of 1,000 standard deviations, at and beside the kinks.
scaled_differences = st.floats(-1e4, 1e4) | st.sampled_from([0.0, 1e-9, 0.249, 0.25, 0.251, -30.0])


def tensor(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def exact(name: str, v: float) -> tuple[mpmath.mpf, mpmath.mpf, mpmath.mpf]:
    """`log f(v)` and its first two derivatives."""
    with mpmath.workdps(60):
        f, other = mp_weight(name, v, STEEPNESS), mp_weight(name, -v, STEEPNESS)
        first, second = mp_weight_derivatives(name, v, STEEPNESS)
        value = mpmath.log1p(-other) if other < 0.5 else mpmath.log(f)
        return value, first / f, second / f - (first / f) ** 2


def assert_slopes(
    name: str, v: float, found: tuple[Tensor, Tensor], sign: float = 1.0, floor: float = 1e-300
) -> None:
    """First and second derivative at `v` are right to rounding.

    The second one is added to squares of the slopes on both sides: it has their rounding, too.
    """
    _, first, second = exact(name, v)
    _, other, _ = exact(name, -v)
    assert abs(sign * found[0].item() - first) <= TOLERANCE * abs(first) + floor
    size = abs(second) + (first + other) ** 2
    if name == "logistic_phi":  # Near a tie, the sum of two terms of opposite sign.
        size += first / (abs(v) + 1e-9)
    assert abs(found[1].item() - second) <= TOLERANCE * size


@given(distributions, scaled_differences)
@example("gaussian", -1e4)
@example("logistic", 1e4)
def test_values_are_right_however_small_the_weight(name: str, v: float) -> None:
    values = (*log_weights(name, tensor(v), STEEPNESS), *log_weight_values(name, tensor(v), 10.0))
    for actual, sign in zip(values, (1.0, -1.0, 1.0, -1.0), strict=True):
        truth = exact(name, sign * v)[0]
        # Of a fat-tailed weight near one, the logarithm keeps what the weight itself has.
        floor = 1e-300 if name in ("logistic", "logistic_phi", "gaussian") else 3e-16
        assert abs(actual.item() - truth) <= TOLERANCE * abs(truth) + floor


@given(distributions, scaled_differences)
@example("gaussian", -1e4)
@example("gaussian", 8.0)
def test_slopes_in_closed_form(name: str, v: float) -> None:
    slopes = log_weight_slopes(name, tensor(v), STEEPNESS)
    assert_slopes(name, v, (slopes.keep, slopes.keep_curvature))
    assert_slopes(name, -v, (slopes.swap, slopes.swap_curvature))


@given(distributions, scaled_differences)
@example("gaussian", -1e4)
def test_slopes_by_autograd(name: str, v: float) -> None:
    for side, sign in ((0, 1.0), (1, -1.0)):
        x = tensor(v).requires_grad_()
        (first,) = torch.autograd.grad(log_weights(name, x, STEEPNESS)[side], x, create_graph=True)
        (second,) = torch.autograd.grad(first, x)
        if name in ("reciprocal", "optimal") and abs(v) in (0.0, 0.25):
            continue  # At a kink, each side is right.
        # Autograd adds the three parts of the slope of "reciprocal", two of which cancel.
        floor = EPS[torch.float64] if name == "reciprocal" else 1e-300
        assert_slopes(name, sign * v, (first, second), sign, floor)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_batching_needs_no_fallback(name: str) -> None:
    v = torch.linspace(-20.0, 20.0, 7, dtype=torch.float64)
    mapped = torch.func.vmap(lambda x: log_weight_slopes(name, x, STEEPNESS))(v)
    for actual, expected in zip(mapped, log_weight_slopes(name, v, STEEPNESS), strict=True):
        torch.testing.assert_close(actual, expected)
