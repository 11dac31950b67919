"""Everything on CPU tensors while the default device is another one: "meta" here."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim.smoothing import FenchelYoungLoss, StochasticSmoothing
from tests.asserts import hessian_of
from tests.smoothing.smoothing_strategies import NOISES, best, sign


@pytest.fixture
def y() -> Tensor:
    return torch.randn(3, 2, device="cpu", requires_grad=True)


def generator() -> torch.Generator:
    return torch.Generator(device="cpu").manual_seed(0)


def assert_the_same(make: Any, y: Tensor, *args: Tensor) -> None:
    """The loss and its derivatives, with and without another default device."""
    expected, closed = make()(y, *args), make().derivatives(y.detach(), *args)
    with torch.device("meta"):
        loss, derivatives = make()(y, *args), make().derivatives(y.detach(), *args)
        (gradient,) = torch.autograd.grad(loss.sum(), y)
        hessian = hessian_of(derivatives)
        make_without_generator = make(generator=None)
        assert make_without_generator(y, *args).device.type == "cpu"
    assert torch.equal(loss, expected)
    torch.testing.assert_close(gradient, derivatives.gradient)
    assert torch.equal(hessian, hessian_of(closed))


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("control_variate", [True, "leave_one_out"])
def test_stochastic_smoothing(noise: str, control_variate: Any, y: Tensor) -> None:
    def make(**options: Any) -> StochasticSmoothing:
        options = {"generator": generator(), **options}
        return StochasticSmoothing(
            sign, sigma=0.5, num_samples=6, noise=noise, control_variate=control_variate, **options
        )

    assert_the_same(make, y)


@pytest.mark.parametrize("maximize", [True, False])
def test_fenchel_young(maximize: bool, y: Tensor) -> None:
    def make(**options: Any) -> FenchelYoungLoss:
        options = {"generator": generator(), **options}
        return FenchelYoungLoss(
            best, sigma=0.5, num_samples=6, maximize=maximize, reduction="sum", **options
        )

    assert_the_same(make, y, torch.zeros(3, 2, device="cpu"))
