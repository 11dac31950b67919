"""Algorithm 2, the step inside the backward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given

import newton_optim
from newton_optim import InjectFisher, inject_fisher
from tests.asserts import assert_close, assert_relatively_close, damped_solve
from tests.strategies import Array, injected_gradient, reduced, reductions, seeds, to_array


@given(seeds, reductions)
def test_small_steps_through_the_backward_pass(seed: int, reduction: str) -> None:
    rng = np.random.default_rng(seed)
    slope = torch.tensor(1e-6 * rng.normal(size=(5, 3)), dtype=torch.float32)
    y = torch.full((5, 3), 10.0, requires_grad=True)
    loss = reduced((slope * newton_optim.inject_fisher(y, reduction=reduction)).sum(1), reduction)
    torch.autograd.backward(loss)
    g = to_array(slope)
    step = damped_solve(g.T @ g / 5, g, damping=1.0)
    assert_relatively_close(y.grad, step / (5 if reduction == "mean" else 1), 1e-5)


@pytest.mark.parametrize("as_callable", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_inject_fisher_needs_the_scale_of_the_scaler(as_callable: bool, reduction: str) -> None:
    def backward(scale: float, **options: Any) -> Array:
        y = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(4, 3).requires_grad_()
        injected = newton_optim.inject_fisher(y, 0.3, reduction=reduction, **options)
        loss = reduced(injected.cosh().sum(dim=1), reduction)
        torch.autograd.backward(scale * loss)
        assert y.grad is not None
        return to_array(y.grad)

    plain = backward(1.0)
    grad_scale: Any = (lambda: 1024.0) if as_callable else 1024.0
    assert_close(backward(1024.0, grad_scale=grad_scale), 1024 * plain)
    assert_close(backward(-2.0, grad_scale=-2.0), -2 * plain)
    assert np.abs(backward(1024.0) - 1024 * plain).max() > 0.1  # The trap itself.


def test_inject_leaves_outputs_alone_that_need_no_gradient() -> None:
    y = torch.randn(4, 3)
    assert torch.equal(inject_fisher(y), y)
    with torch.no_grad():
        assert torch.equal(InjectFisher()(y.clone()), y)


@pytest.mark.parametrize("as_module", [False, True])
@pytest.mark.parametrize("several", [False, True])
def test_injected_outputs_may_be_changed_in_place(as_module: bool, several: bool) -> None:
    """As by the `relu_` of a layer that follows; what was injected keeps its values."""
    inject = InjectFisher() if as_module else inject_fisher
    parameter = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    y = parameter.exp() - 1.0  # Its backward needs its own values.
    before = y.detach().clone()
    changed = (inject((y, y))[1] if several else inject(y)).relu_()
    changed.cosh().sum(dim=1).mean().backward()
    assert torch.equal(y, before)
    outputs = (before, before) if several else before
    plain = injected_gradient(outputs, lambda z: (z[1] if several else z).relu().cosh().sum(dim=1))
    arrived = plain[:, :3] + plain[:, 3:] if several else plain
    assert_close(parameter.grad, arrived * to_array(before + 1.0))


@pytest.mark.parametrize("grad_scale", [0.0, lambda: 0.0])
def test_a_scale_of_zero_is_refused(grad_scale: Any) -> None:
    y = torch.randn(4, 3, requires_grad=True)
    with pytest.raises(ValueError, match="grad_scale must not be 0"):
        inject_fisher(y, grad_scale=grad_scale).sum().backward()
    assert y.grad is None


def test_there_is_no_derivative_of_the_step_in_the_backward_pass() -> None:
    y = torch.randn(4, 3, requires_grad=True)
    loss = inject_fisher(y).cosh().sum()
    (gradient,) = torch.autograd.grad(loss, y, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


@pytest.mark.parametrize("grad_scale", [0.5, 8.0, lambda: 0.5])
def test_a_scaler_finds_the_gradients_that_are_not_finite(grad_scale: Any) -> None:
    """Without a scale such a sample gets no gradient (test_nonfinite.py)."""
    y = torch.randn(4, 3, requires_grad=True)
    arriving = torch.ones(4, 3)
    arriving[1, 2] = torch.inf
    inject_fisher(y, grad_scale=grad_scale).backward(arriving)
    assert y.grad is not None
    assert y.grad[1].tolist() == [1.0, 1.0, torch.inf]
    assert y.grad[[0, 2, 3]].isfinite().all()


@pytest.mark.parametrize("max_step", [1e-3, 10.0])
def test_a_bound_shortens_the_steps_that_are_injected(max_step: float) -> None:
    y = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(4, 3).requires_grad_()
    damping = newton_optim.RelativeDamping(0.3, max_step=max_step)
    loss = inject_fisher(y, damping).cosh().sum(dim=1).mean()
    (found,) = torch.autograd.grad(loss, y)
    expected = newton_optim.newton_loss(
        lambda y: y.cosh().sum(dim=1), y, curvature="fisher", damping=damping
    )
    assert_close(found, torch.autograd.grad(expected, y)[0])
    assert (4 * found).norm(dim=1).max() <= max_step * (1 + 1e-12)
