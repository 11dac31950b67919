"""Accumulation over micro-batches: what equals the big batch, and what cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim import (
    EmpiricalFisher,
    Hessian,
    Identity,
    NewtonLossOptimizer,
    RelativeDamping,
    newton_loss,
)
from tests.integrations.training import make_batch, make_net, make_sgd, wavy
from tests.settings import DEVICE

EQUAL = [8, 8, 8, 8]
UNEQUAL = [3, 13, 16]
Settings = tuple[Any, Any]  # curvature and damping
OWN_CURVATURE: list[Settings] = [
    (Identity(), 0.0),
    (Identity(), 2.0),
    (Hessian(scope="sample"), 0.3),
    (Hessian(scope="sample"), RelativeDamping(0.3)),
    (Hessian(scope="sample", eigenvalues="raw"), 0.3),
    (Hessian(scope="joint"), 0.3),
    (EmpiricalFisher(scope="sample"), 0.3),
    (EmpiricalFisher(scope="sample"), RelativeDamping(0.3)),
]
SHARED_CURVATURE: list[Settings] = [
    (Hessian(), 0.3),
    (Hessian(), None),
    (Hessian(scope="joint"), RelativeDamping(0.3)),
    (EmpiricalFisher(), 0.3),
    (EmpiricalFisher(scope="joint"), 0.3),
]

reductions = pytest.mark.parametrize("reduction", ["mean", "sum"])
splits = pytest.mark.parametrize("sizes", [EQUAL, UNEQUAL], ids=str)


def gradient(
    entry_point: str, sizes: Sequence[int], settings: Settings, reduction: str = "mean"
) -> Tensor:
    """The network's gradient, accumulated: a mean is weighted by its share of the samples."""
    net = make_net().double()
    curvature, damping = settings
    options: Any = {"curvature": curvature, "damping": damping, "reduction": reduction}
    optimizer = NewtonLossOptimizer(make_sgd(net), **options)
    x, target = (t.double().split(list(sizes)) for t in make_batch())
    for part, t in zip(x, target, strict=True):
        share = len(part) / sum(sizes) if reduction == "mean" else 1.0
        if entry_point == "optimiser":
            optimizer.backward(net(part), wavy, t, scale=share)
        else:
            (newton_loss(wavy, net(part), t, **options) * share).backward()
    return torch.cat([parameter.grad.flatten() for parameter in net.parameters()])


def relative_difference(actual: Tensor, expected: Tensor) -> float:
    return float((actual - expected).norm() / expected.norm())


@splits
@reductions
@pytest.mark.parametrize("settings", OWN_CURVATURE + SHARED_CURVATURE, ids=str)
def test_both_entry_points_accumulate_the_same(
    settings: Settings, reduction: str, sizes: Any
) -> None:
    found = [
        gradient(entry_point, sizes, settings, reduction) for entry_point in ("optimiser", "loss")
    ]
    assert relative_difference(*found) < 1e-12


@splits
@reductions
@pytest.mark.parametrize("settings", OWN_CURVATURE, ids=str)
def test_what_a_sample_does_alone_equals_the_big_batch(
    settings: Settings, reduction: str, sizes: Any
) -> None:
    """No curvature, that of each sample, or blocks with an absolute λ: no batch is in them."""
    found = gradient("optimiser", sizes, settings, reduction)
    whole = gradient("optimiser", [sum(sizes)], settings, reduction)
    assert relative_difference(found, whole) < 1e-11


@reductions
@pytest.mark.parametrize("settings", SHARED_CURVATURE, ids=str)
def test_a_curvature_of_the_batch_is_that_of_the_micro_batch(
    settings: Settings, reduction: str
) -> None:
    """It cannot equal the big batch: every micro-batch has a C, or a relative λ, of its own."""
    found = gradient("optimiser", EQUAL, settings, reduction)
    whole = gradient("optimiser", [sum(EQUAL)], settings, reduction)
    assert relative_difference(found, whole) > 0.01


@splits
@pytest.mark.parametrize("curvature", [Hessian(), EmpiricalFisher()], ids=repr)
def test_a_large_damping_equals_the_big_batch(curvature: Any, sizes: Any) -> None:
    """λ → ∞ is the plain gradient, of which C is a share of 1/λ."""
    found = gradient("optimiser", sizes, (curvature, 1e8))
    plain = gradient("optimiser", [sum(sizes)], (Identity(), 0.0))
    assert relative_difference(1e8 * found, plain) < 1e-6


def test_a_constant_hessian_equals_the_big_batch() -> None:
    """A quadratic loss has the same C in every micro-batch."""
    x, target = (t.double() for t in make_batch())
    weights = torch.tensor([1.0, 5.0, 25.0], dtype=torch.float64)

    def quadratic(y: Tensor, t: Tensor) -> Tensor:
        return (weights * (y - t).square()).sum(1)

    found = []
    for k in (1, 4):
        parameter = torch.ones(4, 3, dtype=torch.float64, device=DEVICE, requires_grad=True)
        optimizer = NewtonLossOptimizer(torch.optim.SGD([parameter], lr=0.0))
        for part, t in zip(x.chunk(k), target.chunk(k), strict=True):
            optimizer.backward(part @ parameter, quadratic, t, scale=1 / k)
        found.append(parameter.grad)
    assert relative_difference(found[1], found[0]) < 1e-12


def test_under_a_gradient_scaler() -> None:
    """The two factors multiply: the scaler's, and 1/k."""
    nets = []
    for scaled in (False, True):
        net = make_net()
        optimizer = NewtonLossOptimizer(make_sgd(net))
        scaler = torch.amp.GradScaler(DEVICE.type, init_scale=1000.0, enabled=scaled)
        for x, target in zip(*(t.chunk(4) for t in make_batch()), strict=True):
            optimizer.backward(net(x), wavy, target, scale=scaler.scale(torch.ones(())) / 4)
        scaler.step(optimizer)
        scaler.update()
        nets.append(net)
    for got, want in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(got, want)
