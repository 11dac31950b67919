"""What a search for hidden second derivatives does to graphs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import newton_optim
from tests.asserts import assert_close, assert_right_or_refused, newton_step_by_autograd
from tests.derivatives.test_hidden import (
    PLACES,
    ChoosingReLU,
    HandWrittenReLU,
    NumpySquare,
    TutorialReLU,
    apply,
)


@pytest.mark.parametrize("place", ["inside", "between", "beside", "multiplied"])
@pytest.mark.parametrize("relu", [HandWrittenReLU, TutorialReLU, ChoosingReLU])
def test_a_hand_written_relu_of_the_old_style_is_not_refused(place: str, relu: Any) -> None:
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    loss = (PLACES[place](apply(relu), y) + 0.5 * y.square()).sum(dim=1)
    expected = newton_step_by_autograd(
        lambda y: (PLACES[place](torch.relu, y) + 0.5 * y.square()).sum(dim=1), y
    )
    assert_close(newton_optim.newton_target(loss, y), expected)


def test_an_old_style_function_in_a_callable_is_right_or_refused_with_its_cause() -> None:
    """`torch.func` needs `setup_context`; the message of its absence must lead somewhere."""
    y = torch.randn(4, 3, dtype=torch.float64)
    loss = lambda y: HandWrittenReLU.apply(y).cosh().sum(dim=1)  # noqa: E731
    expected = newton_step_by_autograd(lambda y: y.relu().cosh().sum(dim=1), y)
    assert_right_or_refused(lambda: newton_optim.newton_target(loss, y), expected)


class ScaledSquare(NumpySquare):
    """A backward that detaches on the side: what it gives back still depends on x."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        size = x.detach().abs().amax() + 1.0
        return 2 * (x / size) * grad * size


class HalfNumpySquare(NumpySquare):
    """A backward that leaves PyTorch for its own part, and keeps the graph of what comes in."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return torch.from_numpy(2 * x.numpy(force=True)).to(x.device) * grad


class ListSquare(NumpySquare):
    """The same by Python numbers, which no call detaches."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return torch.tensor((2 * x).tolist()) * grad


class DetachedSquare(NumpySquare):
    """The same by a plain detach."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * x.detach() * grad


class UnrecordedSquare(NumpySquare):
    """The same by a part that is not recorded."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        with torch.no_grad():
            slope = 2 * x
        return slope * grad


class KeywordSquare(NumpySquare):
    """A backward with an operator that takes keywords."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return torch.sub(4 * x, x, alpha=2.0) * grad


LEAVING = [HalfNumpySquare, ListSquare, DetachedSquare, UnrecordedSquare]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("function", LEAVING)
def test_a_backward_that_leaves_in_part_is_refused(place: str, function: Any) -> None:
    y = torch.randn(4, 3, requires_grad=True)
    with pytest.raises(ValueError, match="whose backward leaves autograd"):
        newton_optim.newton_target(PLACES[place](apply(function), y).sum(dim=1), y)


def test_a_vector_brought_in_is_refused() -> None:
    y = torch.randn(4, requires_grad=True)
    with pytest.raises(ValueError, match="whose backward leaves autograd"):
        newton_optim.newton_target(apply(ListSquare)(y), y)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("function", [ScaledSquare, KeywordSquare])
def test_a_backward_that_detaches_on_the_side_is_not_refused(place: str, function: Any) -> None:
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    z_star = newton_optim.newton_target(PLACES[place](apply(function), y).sum(dim=1), y)
    expected = newton_step_by_autograd(lambda y: PLACES[place](torch.square, y).sum(dim=1), y)
    assert_close(z_star, expected)


def test_nothing_stays_on_the_graph_that_was_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    note = newton_optim._derivatives._hidden._note_constant

    def counting(*args: Any) -> Any:
        hook = note(*args)

        def counted(*grads: Any) -> None:
            called.append(1)
            hook(*grads)

        return counted

    monkeypatch.setattr(newton_optim._derivatives._hidden, "_note_constant", counting)
    y = torch.randn(4, 3, requires_grad=True)
    loss = apply(KeywordSquare)(y).cosh().sum(dim=1)
    newton_optim.newton_target(loss, y)
    before = len(called)
    assert before > 0
    loss.sum().backward()
    assert len(called) == before


class SquareAndSize(torch.autograd.Function):
    """x² and |x|, of which a loss may use one."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x)
        return x.square(), x.abs()

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, grad_size: Tensor | None) -> Tensor:
        (x,) = ctx.saved_tensors
        result = torch.zeros_like(x) if grad is None else 2 * x * grad
        return result if grad_size is None else result + x.sign() * grad_size


@pytest.mark.parametrize("used", [0, 1])
def test_a_function_of_which_one_result_is_used(used: int) -> None:
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    loss = SquareAndSize.apply(y)[used].cosh().sum(dim=1)
    peer = (torch.square, torch.abs)[used]
    expected = newton_step_by_autograd(lambda y: peer(y).cosh().sum(dim=1), y)
    assert_close(newton_optim.newton_target(loss, y), expected)
