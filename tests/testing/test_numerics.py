"""float32 against float64: what rounding explains passes, what it does not fails."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from newton_optim import LossDerivatives
from newton_optim.testing import (
    assert_derivatives_match,
    assert_finite,
    assert_float32_matches_float64,
    strategies,
)
from tests.testing.broken import T, Y, smooth


@settings(max_examples=20)
@given(strategies.outputs(m=3, samples=2), st.sampled_from([1e-2, 1e-3]))
def test_an_error_of_a_thousandth_in_float32_alone_is_seen(y: Tensor, error: float) -> None:
    def loss(y: Tensor) -> Tensor:
        factor = 1.0 if y.dtype == torch.float64 else 1 + error
        return factor * (y - 1).square().sum(-1)

    with pytest.raises(AssertionError, match=r"the float32 gradient: sample \d is off by"):
        assert_float32_matches_float64(loss, y)


def test_the_hessian_alone() -> None:
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, y: Tensor) -> Tensor:
            ctx.save_for_backward(y)
            return y**3

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Tensor:
            (y,) = ctx.saved_tensors
            return 3 * grad * y * (y if y.dtype == torch.float64 else y.detach())

    with pytest.raises(AssertionError, match="the float32 Hessian"):
        assert_float32_matches_float64(lambda y: Cube.apply(y).sum(-1), Y)


class Unstable:
    """Its `derivatives` lose digits in float32."""

    def __call__(self, y: Tensor) -> Tensor:
        return y.square().sum(-1) / 2

    def derivatives(self, y: Tensor) -> LossDerivatives:
        gradient = (y + 1e6) - 1e6
        return LossDerivatives(
            self(y), gradient, torch.eye(y.shape[1]).to(y).expand(len(y), -1, -1)
        )


def test_a_derivatives_method_is_held_to_it_as_well() -> None:
    with pytest.raises(AssertionError, match="float32 gradient of `derivatives`"):
        assert_float32_matches_float64(Unstable(), Y)


def test_tensors_of_modules_partials_and_containers_are_cast() -> None:
    class Weighted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("weight", torch.randn(3, 3))

        def forward(self, y: Tensor, rest: dict[str, Any]) -> Tensor:
            return (y @ self.weight @ rest["matrix"][0]).square().sum(-1)

    rest = {"matrix": [torch.randn(3, 3)], "name": "x"}
    loss = Weighted()
    assert_float32_matches_float64(loss, Y, rest)
    assert_float32_matches_float64(partial(loss, rest=rest), Y)
    assert loss.weight.dtype == rest["matrix"][0].dtype == torch.float32


def test_finite_looks_in_the_dtype_of_the_outputs() -> None:
    y = torch.full((1, 2), 100.0)

    def overflows(y: Tensor) -> Tensor:
        return y.exp().sum(-1)

    assert_finite(overflows, y.double())
    with pytest.raises(AssertionError, match=r"the value of sample 0 .* in torch.float32"):
        assert_finite(overflows, y)


def test_a_loss_without_derivatives_cannot_match_them() -> None:
    with pytest.raises(TypeError, match="must have a `derivatives` method"):
        assert_derivatives_match(smooth, Y, T)


def test_derivatives_that_raise_are_told() -> None:
    class Raises(Unstable):
        def derivatives(self, y: Tensor) -> LossDerivatives:
            raise NotImplementedError("later")

    with pytest.raises(AssertionError, match="`derivatives` raised NotImplementedError: later"):
        assert_derivatives_match(Raises(), Y)


@settings(max_examples=20)
@given(strategies.outputs(m=3, samples=2))
def test_what_the_condition_amplifies_is_not_the_fault_of_the_loss(y: Tensor) -> None:
    """The phase of the wave is rounded: float32 is off by a thousandth, and cannot be better."""
    assert_float32_matches_float64(lambda y: (31415 * y).sin().sum(-1), y + 1)
