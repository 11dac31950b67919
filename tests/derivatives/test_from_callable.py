"""The loss as a callable: its arguments, and the losses that `torch.func` may not like (trap 9)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import newton_optim
from tests.asserts import (
    REFUSALS,
    as_float64,
    assert_close,
    assert_right_or_refused,
    newton_step_by_autograd,
)
from tests.functions import TracedSquare


def test_shared_arguments_are_not_split_over_the_samples() -> None:
    """A matrix (m, m) and a vector (m,) with m = N belong to the whole batch."""
    y = torch.randn(3, 3, dtype=torch.float64)
    A = torch.tensor([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 3.0]], dtype=torch.float64)
    b = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)

    def loss(y: Tensor, A: Tensor, b: Tensor) -> Tensor:
        return 0.5 * torch.einsum("ni,ij,nj->n", y, A, y) + y @ b

    z_star = newton_optim.newton_target(loss, y, A, b, damping=0.0)
    expected = -np.linalg.solve(as_float64(A), as_float64(b))
    assert_close(z_star, np.tile(expected, (3, 1)))


def test_a_loss_may_use_the_batch_size() -> None:
    y = torch.randn(5, 2, dtype=torch.float64)
    z_star = newton_optim.newton_target(lambda y: y.square().sum() / len(y), y, damping=0.0)
    assert_close(z_star, np.zeros((5, 2)))


# --- Trap 9: losses that mutate, branch and read ----------------------------------------------


@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_a_loss_that_mutates_its_inputs_cannot_corrupt_the_outputs(
    curvature: str, requires_grad: bool
) -> None:
    parameter = torch.randn(4, 3, dtype=torch.float64, requires_grad=requires_grad)
    y = parameter * 1
    before = y.detach().clone()
    target = torch.randn(4, 3, dtype=torch.float64)

    def mutating(y: Tensor) -> Tensor:
        y -= target
        return y.square().sum(dim=1)

    expected = newton_optim.newton_target(
        lambda y: (y - target).square().sum(dim=1), before, curvature=curvature
    )
    call = partial(newton_optim.newton_target, mutating, y, curvature=curvature)
    assert_right_or_refused(call, expected)
    assert torch.equal(y, before)


@pytest.mark.parametrize("entry_point", ["newton_loss", "step"])
def test_a_mutating_loss_leaves_the_network_gradient_right(entry_point: str) -> None:
    parameter = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    before = parameter.detach().clone()
    y = parameter.exp()  # Its backward needs the values of y.

    def mutating(y: Tensor) -> Tensor:
        y.mul_(2)
        return y.square().sum(dim=1)

    try:
        if entry_point == "newton_loss":
            newton_optim.newton_loss(mutating, y, damping=0.0).backward()
        else:
            base = torch.optim.SGD([parameter], lr=0.0)
            newton_optim.NewtonLossOptimizer(base, damping=0.0).step(lambda: (y, mutating))
    except REFUSALS:
        assert torch.equal(y, before.exp())
        return
    # l = 4 ‖y‖²: the step is y itself, and dy/dθ = y.
    assert_close(parameter.grad, before.exp().square() / 4)


def reading(y: Tensor) -> Tensor:
    """Huber by hand: data-dependent control flow and `.item()`."""
    total = y.sum() * 0
    for row in y:
        for entry in row:
            total = total + (entry.square() if abs(entry.item()) < 1 else 2 * entry.cosh())
    return total / len(y)


def traceable(y: Tensor) -> Tensor:
    """The same without reading."""
    return torch.where(y.abs() < 1, y.square(), 2 * y.cosh()).sum(dim=1)


def test_the_tensor_entry_point_takes_losses_that_read_their_values() -> None:
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    z_star = newton_optim.newton_target(reading(y), y)
    assert_close(z_star, newton_step_by_autograd(traceable, y))


@pytest.mark.parametrize("curvature", ["hessian", "fisher"])
def test_a_callable_that_reads_its_values_is_right_or_refused(curvature: str) -> None:
    y = torch.randn(4, 3, dtype=torch.float64)
    expected = newton_optim.newton_target(traceable, y, curvature=curvature)
    call = partial(newton_optim.newton_target, reading, y, curvature=curvature)
    assert_right_or_refused(call, expected, way_out=r"tensor|entry point")


class BranchingSquare(TracedSquare):
    """A backward that reads what comes in, which a batch of vectors cannot say."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * x * grad if grad.any() else torch.zeros_like(x)


@pytest.mark.parametrize("form", ["tensor", "callable"])
def test_a_backward_without_a_batching_rule_is_called_one_at_a_time(form: str) -> None:
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)

    def loss(y: Tensor) -> Tensor:
        square: Tensor = BranchingSquare.apply(y)
        return square.cosh().sum(dim=1)

    z_star = newton_optim.newton_target(loss(y) if form == "tensor" else loss, y)
    assert_close(z_star, newton_step_by_autograd(lambda y: y.square().cosh().sum(dim=1), y))
