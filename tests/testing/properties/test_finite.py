"""Numbers that are finite, in the dtype of the outputs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from newton_optim import LossDerivatives
from newton_optim.testing import assert_finite
from tests.testing.losses import Y


def test_it_looks_in_the_dtype_of_the_outputs() -> None:
    y = torch.full((1, 2), 100.0)

    def overflows(y: Tensor) -> Tensor:
        return (1 + y.exp()).log().sum(-1)

    assert_finite(overflows, y.double())
    with pytest.raises(AssertionError, match=r"the value of sample 0 .* in torch.float32"):
        assert_finite(overflows, y)


@pytest.mark.parametrize("shape", [(), (3,)])
def test_what_is_too_large_for_float32_is_not_judged(shape: tuple[int, ...]) -> None:
    y = torch.tensor([[100.0, 0.0], [1.0, 2.0], [3.0, 4.0]])

    def exponential(y: Tensor) -> Tensor:
        return y.exp().sum(-1) if shape else y.exp().sum()

    assert assert_finite(exponential, y)[0] == "value"
    assert assert_finite(exponential, y.double()) == []
    assert assert_finite(exponential, y[1:]) == []


def test_the_order_leaves_out_the_hessian() -> None:
    def root(y: Tensor) -> Tensor:
        return y.abs().pow(1.5).sum(-1)

    y = torch.zeros(1, 2)
    assert_finite(root, y, order=1)
    with pytest.raises(AssertionError, match="the Hessian of sample 0 is not finite"):
        assert_finite(root, y)


class Infinite:
    """One part of its ``derivatives`` is infinite."""

    def __init__(self, part: str) -> None:
        self.part = part

    def __call__(self, y: Tensor) -> Tensor:
        return y.square().sum(-1) / 2

    def derivatives(self, y: Tensor) -> LossDerivatives:
        gradient = torch.full_like(y, torch.inf) if self.part == "gradient" else y
        hessian = torch.eye(y.shape[1]).to(y).expand(len(y), -1, -1)
        if self.part == "Hessian":
            hessian = hessian / 0
        return LossDerivatives(self(y), gradient, hessian)


@pytest.mark.parametrize("part", ["gradient", "Hessian"])
def test_a_derivatives_method_is_held_to_it_as_well(part: str) -> None:
    with pytest.raises(AssertionError, match=f"the {part} of `derivatives` of sample 0"):
        assert_finite(Infinite(part), Y)


def test_a_loss_without_a_second_derivative_passes() -> None:
    assert_finite(lambda y: y.sum(-1), Y)
