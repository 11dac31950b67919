"""An error in float32 alone is seen, in each derivative."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim import LossDerivatives
from newton_optim.testing import assert_float32_matches_float64, strategies
from tests.testing.functions import cube, elementwise, half_square
from tests.testing.losses import Y


@settings(max_examples=20)
@given(strategies.outputs(m=3, samples=2), st.sampled_from([1e-2, 1e-3]))
def test_an_error_of_a_thousandth_in_float32_alone_is_seen(y: Tensor, error: float) -> None:
    def loss(y: Tensor) -> Tensor:
        factor = 1.0 if y.dtype == torch.float64 else 1 + error
        return factor * (y - 1).square().sum(-1)

    with pytest.raises(AssertionError, match=r"the float32 gradient: sample \d differs by"):
        assert_float32_matches_float64(loss, y)


def test_an_error_in_the_hessian_alone_is_seen() -> None:
    def slope(y: Tensor) -> Tensor:
        return 3 * y * (y if y.dtype == torch.float64 else y.detach())

    function = elementwise(cube, slope)
    with pytest.raises(AssertionError, match="the float32 Hessian"):
        assert_float32_matches_float64(lambda y: function(y).sum(-1), Y)


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


class Once:
    """Its backward cannot be differentiated; its ``derivatives`` have the Hessian."""

    def __call__(self, y: Tensor) -> Tensor:
        return elementwise(half_square, lambda y: y, once=True)(y).sum(-1)

    def derivatives(self, y: Tensor) -> LossDerivatives:
        identity = torch.eye(y.shape[1], dtype=y.dtype, device=y.device)
        return LossDerivatives(y.square().sum(-1) / 2, y, identity.expand(len(y), -1, -1))


def test_a_stated_hessian_that_autograd_lacks_is_not_compared() -> None:
    assert_float32_matches_float64(Once(), Y)
