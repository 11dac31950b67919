"""The entry points under `torch.func` and `torch.compile`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim import (
    EmpiricalFisher,
    GaussNewton,
    Hessian,
    InjectFisher,
    LevenbergMarquardt,
    NewtonLoss,
    ResidualLoss,
    newton_loss,
    newton_target,
)
from newton_optim.sorting import RankingLoss, SoftSort

CURVATURES = [
    Hessian(),
    Hessian(eigenvalues="raw"),
    Hessian(scope="sample"),
    Hessian(scope="joint"),
    EmpiricalFisher(),
    EmpiricalFisher(scope="sample"),
]


def wavy(y: Tensor, labels: Tensor) -> Tensor:
    return ((y - labels).sin() * y.square().sum(-1, keepdim=True)).sum(-1)


LOSSES = [wavy, RankingLoss(SoftSort(temperature=1.0))]


def gradient(loss: Callable[..., Tensor], y: Tensor, labels: Tensor, curvature: Any) -> Tensor:
    y = y.clone().requires_grad_()
    newton_loss(loss, y, labels, curvature=curvature).backward()
    assert y.grad is not None
    return y.grad


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("curvature", CURVATURES, ids=repr)
def test_vmap_gives_every_batch_its_own_step(loss: Callable[..., Tensor], curvature: Any) -> None:
    """How seeds are trained together."""
    outputs, labels = torch.randn(2, 3, 6, 4, dtype=torch.float64)
    targets = torch.vmap(lambda y, t: newton_target(loss, y, t, curvature=curvature))(
        outputs, labels
    )
    y = outputs.clone().requires_grad_()
    torch.vmap(lambda y, t: newton_loss(loss, y, t, curvature=curvature))(
        y, labels
    ).sum().backward()
    assert y.grad is not None
    for i in range(3):
        single = newton_target(loss, outputs[i], labels[i], curvature=curvature)
        torch.testing.assert_close(targets[i], single)
        torch.testing.assert_close(y.grad[i], gradient(loss, outputs[i], labels[i], curvature))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("curvature", CURVATURES, ids=repr)
def test_grad_and_hessian_of_torch_func(loss: Callable[..., Tensor], curvature: Any) -> None:
    y, labels = torch.randn(2, 6, 4, dtype=torch.float64)
    function = lambda y: newton_loss(loss, y, labels, curvature=curvature)  # noqa: E731
    torch.testing.assert_close(torch.func.grad(function)(y), gradient(loss, y, labels, curvature))
    H = torch.func.jacrev(torch.func.grad(function))(y).reshape(24, 24)
    torch.testing.assert_close(H, torch.eye(24, dtype=torch.float64) / 6)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("curvature", CURVATURES, ids=repr)
def test_a_training_step_compiles_as_one_graph(loss: Callable[..., Tensor], curvature: Any) -> None:
    torch.compiler.reset()
    y, labels = torch.randn(2, 6, 4, dtype=torch.float64)
    module = NewtonLoss(loss, curvature=curvature)
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    outputs = y.clone().requires_grad_()
    compiled(outputs, labels).backward()
    torch.testing.assert_close(outputs.grad, gradient(loss, y, labels, curvature))


def test_inject_fisher_under_torch_func() -> None:
    y, labels = torch.randn(2, 6, 4, dtype=torch.float64)
    layer = InjectFisher()
    found = torch.func.grad(lambda y: wavy(layer(y), labels).mean())(y)
    torch.testing.assert_close(found, gradient(wavy, y, labels, "fisher"))
    assert "damping=1.0" in repr(layer)
    assert "Hessian" in repr(NewtonLoss(wavy))


@pytest.mark.parametrize(
    "curvature", [GaussNewton(), GaussNewton(scope="batch"), LevenbergMarquardt(steps=2)], ids=repr
)
@pytest.mark.parametrize("count", [2, 7])
def test_least_squares_under_vmap_and_torch_func(curvature: Any, count: int) -> None:
    """In forward mode, with more residuals than outputs, and in reverse mode."""
    mixing = torch.randn(4, count, dtype=torch.float64)
    loss = ResidualLoss(lambda y, t: (y @ mixing).sin() - t)
    outputs = torch.randn(3, 6, 4, dtype=torch.float64)
    truth = torch.randn(3, 6, count, dtype=torch.float64)
    targets = torch.vmap(lambda y, t: newton_target(loss, y, t, curvature=curvature))(
        outputs, truth
    )
    for i in range(3):
        single = newton_target(loss, outputs[i], truth[i], curvature=curvature)
        torch.testing.assert_close(targets[i], single)
    function = lambda y: newton_loss(loss, y, truth[0], curvature=curvature)  # noqa: E731
    expected = gradient(loss, outputs[0], truth[0], curvature)
    torch.testing.assert_close(torch.func.grad(function)(outputs[0]), expected)


@pytest.mark.parametrize("count", [2, 7])
def test_a_gauss_newton_step_compiles_as_one_graph(count: int) -> None:
    torch.compiler.reset()
    mixing = torch.randn(4, count, dtype=torch.float64)
    loss = ResidualLoss(lambda y, t: (y @ mixing).sin() - t)
    y, t = torch.randn(6, 4, dtype=torch.float64), torch.randn(6, count, dtype=torch.float64)
    compiled = torch.compile(
        NewtonLoss(loss, curvature=GaussNewton()), fullgraph=True, backend="eager"
    )
    outputs = y.clone().requires_grad_()
    compiled(outputs, t).backward()
    torch.testing.assert_close(outputs.grad, gradient(loss, y, t, GaussNewton()))
