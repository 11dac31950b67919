"""Trap 7: whatever scales the gradient on purpose multiplies the Newton loss."""

from __future__ import annotations

import torch

import newton_optim
from tests.asserts import assert_close
from tests.settings import DEVICE
from tests.strategies import to_array


def test_the_optimizer_under_a_gradient_scaler() -> None:
    results = []
    for scale in [1.0, 1024.0]:
        torch.manual_seed(0)
        net = torch.nn.Linear(3, 2)
        optimizer = newton_optim.NewtonLossOptimizer(torch.optim.SGD(net.parameters(), lr=0.1))
        scaler = torch.amp.GradScaler(DEVICE.type, init_scale=scale)
        scaler.scale(torch.ones(()))  # The scale exists from the first call on.
        y = net(torch.randn(5, 3))
        optimizer.backward(y, y.cosh().sum(dim=1), scale=scaler.get_scale())
        scaler.step(optimizer)
        scaler.update()
        results.append(net.weight.detach().clone())
    assert_close(results[1], results[0], torch.float32)


def test_a_fused_base_under_a_gradient_scaler() -> None:
    parameter = torch.ones(3, requires_grad=True)
    plain = torch.ones(3, requires_grad=True)
    base = torch.optim.SGD([parameter], lr=0.1, fused=True)
    optimizer = newton_optim.NewtonLossOptimizer(base, curvature="identity", reduction="sum")
    scaler = torch.amp.GradScaler(DEVICE.type, init_scale=64.0)
    scaler.scale(torch.ones(()))
    y = parameter * 1
    optimizer.backward(y, lambda y: 0.5 * y.square(), scale=scaler.get_scale())
    scaler.step(optimizer)
    assert_close(parameter, plain - 0.1 * plain, torch.float32)


def test_accumulation_divides_the_newton_loss() -> None:
    """Two micro-batches at half scale are the mean of their Newton gradients."""
    halves = torch.randn(2, 4, 3, dtype=torch.float64)
    parameter = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    optimizer = newton_optim.NewtonLossOptimizer(torch.optim.SGD([parameter], lr=1.0))
    gradients = []
    for x in halves:
        parameter.grad = None
        optimizer.backward(x @ parameter, lambda y: y.cosh().sum(dim=1))
        gradients.append(to_array(parameter.grad))
    parameter.grad = None
    before = parameter.detach().clone()
    for x in halves:
        y = x @ parameter
        optimizer.backward(y, y.cosh().sum(dim=1), scale=0.5)
    assert_close(parameter.grad, 0.5 * (gradients[0] + gradients[1]))
    assert torch.equal(parameter, before)
    optimizer.step()
    assert_close(parameter, before - parameter.grad)
