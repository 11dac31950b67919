"""The optimiser over other bases."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim import NewtonLossOptimizer
from tests.asserts import assert_close, assert_same_parameters
from tests.test_optimizer import WRONG_RESULTS
from tests.training import MAKERS, closure_of, fill_gradients, inputs, losses, network


@pytest.mark.parametrize("result", WRONG_RESULTS.values(), ids=list(WRONG_RESULTS))
def test_a_closure_that_returns_anything_else(result: Callable[[Tensor], Any]) -> None:
    net = network()
    fill_gradients(net, 3)
    before = copy.deepcopy(net)
    gradients = [p.grad.clone() for p in net.parameters() if p.grad is not None]
    base = MAKERS["Adam"](net.parameters())
    with pytest.raises(TypeError, match=r"closure|outputs|loss"):
        NewtonLossOptimizer(base).step(lambda: result(net(inputs())))
    assert_same_parameters(net, before)
    for got, want in zip(net.parameters(), gradients, strict=True):
        assert_close(got.grad, want)
    assert not base.state


@pytest.mark.parametrize("result", ["lone tensor", "float"])
def test_the_error_names_the_contract(result: str) -> None:
    net = network()

    def trainers_closure() -> Any:
        loss = losses(net(inputs())).mean()
        torch.autograd.backward(loss)
        return loss if result == "lone tensor" else loss.item()

    with pytest.raises(TypeError, match=r"closure.*\(outputs, loss"):
        NewtonLossOptimizer(MAKERS["SGD"](net.parameters())).step(trainers_closure)


@pytest.mark.parametrize("closure", [3, "closure", (1, 2)])
def test_a_closure_must_be_callable(closure: Any) -> None:
    with pytest.raises(TypeError, match="closure"):
        NewtonLossOptimizer(MAKERS["SGD"](network().parameters())).step(closure)


def test_a_closure_that_calls_backward_itself() -> None:
    net = network()

    def closure() -> tuple[Tensor, Tensor]:
        y = net(inputs())
        loss = losses(y).mean()
        torch.autograd.backward(loss)
        return y, loss

    with pytest.raises((TypeError, ValueError)) as refusal:
        NewtonLossOptimizer(MAKERS["SGD"](net.parameters())).step(closure)
    assert isinstance(refusal.value.__cause__, RuntimeError)


# --- backward ---------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("form", ["tensor", "callable"])
def test_backward_accumulates_without_stepping(reduction: str, form: str) -> None:
    parameter = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    before = parameter.detach().clone()
    optimizer = NewtonLossOptimizer(
        torch.optim.SGD([parameter], lr=1.0), damping=1.0, reduction=reduction
    )
    unit = before / 2 / (4 if reduction == "mean" else 1)
    for scale, total in [(None, 1.0), (0.25, 1.25), (8.0, 9.25)]:
        y = parameter * 1
        loss: Any = lambda y: 0.5 * y.square().sum(dim=1)  # noqa: E731
        loss = loss(y) if form == "tensor" else loss
        optimizer.backward(y, loss, **({} if scale is None else {"scale": scale}))
        assert_close(parameter.grad, total * unit)
        assert torch.equal(parameter, before)
    optimizer.step()
    assert_close(parameter, before - 9.25 * unit)


def test_backward_takes_the_arguments_of_the_loss() -> None:
    parameter = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    target = torch.randn(4, 3, dtype=torch.float64)
    optimizer = NewtonLossOptimizer(
        torch.optim.SGD([parameter], lr=1.0), damping=0.0, reduction="sum"
    )
    optimizer.backward(parameter * 1, lambda y, t: (y - t).square().sum(dim=1), target, scale=2.0)
    assert_close(parameter.grad, 2 * (parameter - target))


# --- Bases that need a closure ----------------------------------------------------------------


class SpyingLBFGS(torch.optim.LBFGS):
    """L-BFGS that keeps the closures which it was given."""

    def step(self, closure: Any) -> Any:
        self.closures = [*getattr(self, "closures", []), closure]
        return super().step(closure)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("form", ["tensor", "callable"])
@pytest.mark.parametrize("line_search", [None, "strong_wolfe"])
def test_lbfgs_minimises_the_distance_to_a_fixed_target(
    reduction: str, form: str, line_search: str | None
) -> None:
    options: dict[str, Any] = {"lr": 0.5, "max_iter": 4, "line_search_fn": line_search}
    net, reference_net = network(), network()
    x = inputs()
    base = SpyingLBFGS(net.parameters(), **options)
    optimizer = NewtonLossOptimizer(base, damping=0.3, reduction=reduction)
    reference = torch.optim.LBFGS(reference_net.parameters(), **options)

    def loss(y: Tensor) -> Tensor:
        return (y - 1).square().sum(dim=1) + y.square().sum(dim=1)

    def closure() -> tuple[Tensor, Any]:
        y = net(x)
        return y, getattr(loss(y), reduction)() if form == "tensor" else loss

    for _ in range(2):
        y = reference_net(x).detach()
        z_star = y - (4 * y - 2) / 4.3

        def reference_closure(z_star: Tensor = z_star) -> Tensor:
            reference.zero_grad()
            distance = 0.5 * (z_star - reference_net(x)).square().sum(dim=1)
            value: Tensor = getattr(distance, reduction)()
            torch.autograd.backward(value)
            return value

        reference.step(reference_closure)
        value = optimizer.step(closure)
        assert_close(value, getattr(loss(y), reduction)())
    for got, want in zip(net.parameters(), reference_net.parameters(), strict=True):
        assert_close(got, want)
    # L-BFGS itself does not know the scale of what it minimises.
    assert_close(base.closures[-1](), reference_closure())
    for got, want in zip(net.parameters(), reference_net.parameters(), strict=True):
        assert got.grad is not None
        assert_close(got.grad, want.grad)
    assert closure not in base.closures
    assert all(callable(given) for given in base.closures)


def test_a_base_that_evaluates_once_makes_the_closure_do_so_too() -> None:
    net = network()
    optimizer = NewtonLossOptimizer(torch.optim.LBFGS(net.parameters(), max_iter=1))
    closure, calls = closure_of(net), []

    def counting() -> tuple[Any, ...]:
        calls.append(1)
        return closure()

    optimizer.step(counting)
    assert len(calls) == 1
