"""Kinks are found, returned and do not fail; a wrong derivative does."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.testing import assert_twice_differentiable, strategies
from newton_optim.testing._properties._smoothness import describe_kinks
from tests.testing.functions import elementwise, half_square
from tests.testing.losses import T, Y, smooth
from tests.testing.practice.derivatives import soft_dtw


def absolute(y: Tensor, t: Tensor) -> Tensor:
    return (y - t).abs().sum(-1) + y.square().sum(-1)


def bent(y: Tensor, t: Tensor) -> Tensor:
    """The curvature jumps at t."""
    return torch.where(y > t, y - t, 0.0).square().sum(-1) + y.square().sum(-1)


@pytest.mark.parametrize("loss", [absolute, bent])
def test_it_returns_where_the_loss_has_kinks(loss: Any) -> None:
    y = Y.clone()
    y[1, 2] = T[1, 2]
    y[3, 0] = T[3, 0]
    assert assert_twice_differentiable(loss, y, T) == [(1, 2), (3, 0)]
    assert assert_twice_differentiable(loss, Y, T) == []
    assert assert_twice_differentiable(smooth, y, T) == []


@settings(max_examples=50)
@given(
    st.sampled_from([absolute, bent]),
    st.floats(-4.0, 4.0) | st.sampled_from([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]),
)
def test_a_kink_within_reach_of_the_step_never_fails(loss: Any, distance: float) -> None:
    step = 2.0**-13
    y = torch.zeros(1, 2, dtype=torch.float64)
    t = torch.tensor([[distance * step, 5.0]], dtype=torch.float64)
    assert set(assert_twice_differentiable(loss, y, t, step=step)) <= {(0, 0)}


@settings(max_examples=20)
@given(strategies.outputs(m=2, samples=2, dtype=torch.float64), st.sampled_from([1e-5, 1e-2]))
def test_a_small_error_in_the_hessian_is_seen(y: Tensor, error: float) -> None:
    """A part of the loss is hidden from the second derivative alone."""
    almost = elementwise(half_square, lambda y: (1 - error) * y + error * y.detach())
    with pytest.raises(AssertionError, match="Hessian times a direction"):
        assert_twice_differentiable(lambda y: almost(y).sum(-1), y)


def test_the_step_is_an_option() -> None:
    def ripples(y: Tensor) -> Tensor:
        return (1e4 * y).sin().sum(-1)

    assert assert_twice_differentiable(ripples, Y, step=1e-7) == []
    assert len(assert_twice_differentiable(ripples, Y)) > 0
    with pytest.raises(ValueError, match="step must be above 0"):
        assert_twice_differentiable(ripples, Y, step=0.0)


def test_a_domain_that_ends_within_reach_fails_with_the_step() -> None:
    p = torch.tensor([[1e-6]])
    with pytest.raises(AssertionError, match="with outputs moved by step="):
        assert_twice_differentiable(
            lambda p: torch.nn.functional.binary_cross_entropy(p, torch.ones_like(p)), p
        )


def test_kinks_are_a_remark() -> None:
    assert describe_kinks([]) == ""
    assert describe_kinks([(0, 1)]) == "kinks at (sample, coordinate) (0, 1)"
    assert describe_kinks([(i, 0) for i in range(4)]).endswith("(0, 0), (1, 0), (2, 0), …")


def test_the_rounding_of_the_operators_is_no_error() -> None:
    """The slope of a sum of exponentials of large numbers has few digits, also in float64."""
    generator = torch.Generator().manual_seed(5)
    y, t = (torch.randn(4, 6, generator=generator) for _ in range(2))
    assert_twice_differentiable(soft_dtw, 100 * y, t)
