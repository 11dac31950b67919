"""Functions whose second derivative autograd cannot see: trap 2 of the design."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

import newton_optim
from tests.asserts import REFUSALS, assert_close, newton_step_by_autograd
from tests.functions import TracedOnceSquare, TracedSquare


class OnceSquare(torch.autograd.Function):
    """x² with a backward that says that it cannot be differentiated."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * x * grad


class NumpySquare(torch.autograd.Function):
    """x² with a backward that leaves PyTorch without saying so."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        product = 2 * x.numpy(force=True) * grad.numpy(force=True)
        return torch.from_numpy(product).to(x.device)


class HandWrittenReLU(torch.autograd.Function):
    """Piecewise linear: its own second derivative is zero, rightly."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * (x > 0)


class TutorialReLU(HandWrittenReLU):
    """The same as PyTorch's own tutorial writes it."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        result = grad.clone()
        result[x < 0] = 0
        return result


class ChoosingReLU(HandWrittenReLU):
    """The same with `where`, between the gradient and a constant."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return torch.where(x > 0, grad, torch.tensor(0.0, dtype=grad.dtype))


class TracedReLU(TracedSquare):
    """A hand-written ReLU as `torch.func` wants it."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * (x > 0)


Elementwise = Callable[[Tensor], Tensor]
PLACES: dict[str, Callable[[Elementwise, Tensor], Tensor]] = {
    "alone": lambda f, y: f(y),
    "weighted": lambda f, y: 3 * f(y),
    "inside": lambda f, y: f(y).cosh(),
    "after": lambda f, y: f(y.sin()),
    "between": lambda f, y: f(y.sin()).exp(),
    "beside": lambda f, y: f(y) + y.pow(4),
    "beside, one coordinate": lambda f, y: torch.cat([f(y[:, :1]), y[:, 1:].pow(4)], dim=1),
    "multiplied": lambda f, y: f(y) * y.exp(),
    "twice": lambda f, y: f(f(y)),
}


def apply(function: Any) -> Elementwise:
    """`function.apply`, typed."""
    return lambda x: function.apply(x)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("function", [OnceSquare, NumpySquare, TracedOnceSquare])
@pytest.mark.parametrize("shape", ["scalar", "vector"])
def test_untraceable_functions_in_a_tensor_are_refused(
    place: str, function: Any, shape: str
) -> None:
    parameter = torch.randn(4, 3, requires_grad=True)
    y = parameter * 1
    losses = PLACES[place](apply(function), y).sum(dim=1)
    loss = losses if shape == "vector" else losses.mean()
    with pytest.raises(ValueError, match="fisher"):
        newton_optim.newton_target(loss, y)
    base = torch.optim.SGD([parameter], lr=1.0)
    before = parameter.detach().clone()
    y = parameter * 1
    losses = PLACES[place](apply(function), y).sum(dim=1)
    with pytest.raises(ValueError, match="fisher"):
        newton_optim.NewtonLossOptimizer(base).step(lambda: (y, losses))
    assert torch.equal(parameter, before)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("function", [OnceSquare, NumpySquare, TracedOnceSquare])
def test_untraceable_functions_in_a_callable_are_refused(place: str, function: Any) -> None:
    y = torch.randn(4, 3)
    loss = newton_optim.NewtonLoss(lambda y: PLACES[place](apply(function), y).sum(dim=1))
    with pytest.raises(REFUSALS, match=r"fisher|entry point|tensor"):
        loss(y.requires_grad_())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("function", [OnceSquare, NumpySquare, TracedOnceSquare])
@pytest.mark.parametrize("curvature", ["fisher", "identity"])
def test_first_derivatives_take_untraceable_functions(
    place: str, function: Any, curvature: str
) -> None:
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)

    def loss(y: Tensor) -> Tensor:
        return PLACES[place](apply(function), y).sum(dim=1)

    plain = PLACES[place](torch.square, y).sum(dim=1)
    expected = newton_optim.newton_target(plain, y, curvature=curvature)
    assert_close(newton_optim.newton_target(loss(y), y, curvature=curvature), expected)
    if function is TracedOnceSquare:  # `torch.func` does not take the others.
        assert_close(newton_optim.newton_target(loss, y, curvature=curvature), expected)


def test_untraceable_functions_beside_the_outputs_are_not_refused() -> None:
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    loss = (y.cosh() * apply(OnceSquare)(weight)).sum(dim=1)
    squares = weight.detach().square()
    expected = newton_step_by_autograd(lambda y: (y.cosh() * squares).sum(dim=1), y)
    assert_close(newton_optim.newton_target(loss, y), expected)


@pytest.mark.parametrize("place", ["inside", "between", "beside", "multiplied"])
@pytest.mark.parametrize("form", ["tensor", "callable"])
@pytest.mark.parametrize(
    ("function", "peer"), [(TracedReLU, torch.relu), (TracedSquare, torch.square)]
)
def test_traceable_functions_are_not_refused(
    place: str, form: str, function: Any, peer: Elementwise
) -> None:
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)

    def loss(y: Tensor) -> Tensor:
        return (PLACES[place](apply(function), y) + 0.5 * y.square()).sum(dim=1)

    def expected(y: Tensor) -> Tensor:
        return (PLACES[place](peer, y) + 0.5 * y.square()).sum(dim=1)

    z_star = newton_optim.newton_target(loss(y) if form == "tensor" else loss, y)
    assert_close(z_star, newton_step_by_autograd(expected, y))
