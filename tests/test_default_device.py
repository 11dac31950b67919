"""Under another default device, what is on the CPU stays there: "meta" is here for "cuda"."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim import (
    ComposedLoss,
    EmpiricalFisher,
    GaussNewton,
    Hessian,
    Identity,
    InjectFisher,
    NewtonLoss,
    NewtonLossOptimizer,
    newton_target,
)
from tests.settings import DEVICE

CURVATURES = [
    Hessian(),
    Hessian(eigenvalues="raw", check_independence=True),
    Hessian(scope="sample", chunk_size=2),
    Hessian(scope="joint"),
    EmpiricalFisher(),
    EmpiricalFisher(scope="joint"),
    GaussNewton(),
    Identity(),
]


@contextmanager
def default_device(device: str) -> Iterator[None]:
    before = torch.get_default_device()
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(before)


def loss(y: Tensor, t: Tensor) -> Tensor:
    return ((y - t) @ y.new_ones(3, 3)).cosh().sum(-1)


@pytest.mark.parametrize("curvature", CURVATURES, ids=repr)
def test_every_entry_point(curvature: Any) -> None:
    y, t = torch.randn(2, 5, 3, device="cpu").to(DEVICE)
    composed = ComposedLoss(lambda y: y + 0.0, loss)
    here = newton_target(composed, y, t, curvature=curvature)
    with default_device("meta"):
        there = newton_target(composed, y, t, curvature=curvature)
        assert torch.equal(there, here)
        leaf = y.clone().requires_grad_()
        NewtonLoss(composed, curvature=curvature, reduction="sum")(leaf, t).backward()
        optimizer = NewtonLossOptimizer(torch.optim.SGD([leaf], lr=0.0), curvature=curvature)
        optimizer.step(lambda: (leaf * 1, composed, t))
        for value in optimizer.diagnostics.values():
            assert value.device == y.device
            float(value)


def test_inject_fisher() -> None:
    y, t = torch.randn(2, 5, 3, device="cpu").to(DEVICE)
    gradients = []
    for device in ("cpu", "meta"):
        leaf = y.clone().requires_grad_()
        with default_device(device):
            loss(InjectFisher()(leaf), t).mean().backward()
        gradients.append(leaf.grad)
    assert torch.equal(*gradients)
