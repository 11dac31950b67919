"""The losses: plain, clipped and Newton, against derivatives by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from benchmarks.inverse.config import InverseConfig
from benchmarks.inverse.losses import clip_rows, half_square, objective_of, residuals_of
from benchmarks.inverse.prior import prior_residuals
from benchmarks.inverse.problems import problem_of
from tests.benchmarks.inverse.settings import (
    ADAPTIVE,
    CLIPPED,
    FISHER,
    HESSIAN,
    NEWTON,
    PRIOR,
    SMALL,
)


@pytest.fixture
def outputs() -> Tensor:
    return torch.randn(5, 2, generator=torch.Generator().manual_seed(3)).double()


@pytest.fixture
def targets() -> Tensor:
    return problem_of("decay").sample(5, 100.0, torch.Generator().manual_seed(4)).targets.double()


def gradient(config: InverseConfig, outputs: Tensor, targets: Tensor) -> Tensor:
    y = outputs.clone().requires_grad_()
    (found,) = torch.autograd.grad(objective_of(config)(y, targets), y)
    return found


def jacobians(config: InverseConfig, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Residuals `(N, r)` and their Jacobians `(N, r, m)` by central differences."""
    residuals, columns = residuals_of(config), []
    for direction in torch.eye(outputs.shape[1], dtype=outputs.dtype):
        ahead, behind = outputs + 1e-5 * direction, outputs - 1e-5 * direction
        columns.append((residuals(ahead, targets) - residuals(behind, targets)) / 2e-5)
    return residuals(outputs, targets), torch.stack(columns, -1)


@pytest.mark.parametrize("config", [SMALL, CLIPPED, NEWTON, ADAPTIVE, HESSIAN, FISHER])
def test_all_have_the_value_of_the_loss(
    config: InverseConfig, outputs: Tensor, targets: Tensor
) -> None:
    value = objective_of(config)(outputs.clone().requires_grad_(), targets)
    simulated = problem_of("decay").simulate(outputs, targets)
    expected = (simulated - targets).square().sum(-1).mean() / 2
    torch.testing.assert_close(value.detach(), expected)


@pytest.mark.parametrize("base", [SMALL, PRIOR])
@pytest.mark.parametrize("scope", ["sample", "shared"])
def test_gauss_newton_of_each_sample(
    base: InverseConfig, scope: str, outputs: Tensor, targets: Tensor
) -> None:
    config = replace(base, curvature="gauss-newton", scope=scope, damping=0.1)
    r, J = jacobians(config, outputs, targets)
    C = J.mT @ J
    damping = 0.1 * C.diagonal(dim1=-2, dim2=-1).mean(-1)
    if scope == "shared":
        damping = damping.mean().expand(5)
    g = (J.mT @ r[..., None])[..., 0]
    steps = torch.linalg.solve(C + damping[:, None, None] * torch.eye(2, dtype=C.dtype), g)
    torch.testing.assert_close(gradient(config, outputs, targets), steps / 5, rtol=1e-6, atol=1e-9)


def test_steps_of_gauss_newton_are_bounded(outputs: Tensor, targets: Tensor) -> None:
    free = 5 * gradient(NEWTON, outputs, targets)
    length = free.norm(dim=-1).median().item()
    bounded = 5 * gradient(replace(NEWTON, clip=length), outputs, targets)
    torch.testing.assert_close(bounded, clip_rows(free, length), rtol=1e-6, atol=1e-9)


def test_the_prior_adds_residuals(outputs: Tensor, targets: Tensor) -> None:
    with_prior, without = (residuals_of(config)(outputs, targets) for config in (PRIOR, SMALL))
    torch.testing.assert_close(with_prior[:, :12], without)
    torch.testing.assert_close(with_prior[:, 12:], prior_residuals("decay", 100.0, outputs))


def test_clipping_is_of_each_samples_own_gradient(outputs: Tensor, targets: Tensor) -> None:
    plain = 5 * gradient(SMALL, outputs, targets)
    lengths = plain.norm(dim=-1)
    length = lengths.median().item()
    clipped = 5 * gradient(replace(SMALL, clip=length), outputs, targets)
    torch.testing.assert_close(clipped.norm(dim=-1), lengths.clamp(max=length))
    torch.testing.assert_close(torch.cosine_similarity(clipped, plain), torch.ones(5).double())


def test_rows_of_zeros_stay() -> None:
    torch.testing.assert_close(clip_rows(torch.zeros(2, 3), 0.1), torch.zeros(2, 3))


def test_half_square() -> None:
    assert half_square(torch.tensor([[3.0, 4.0], [0.0, 1.0]])).tolist() == [12.5, 0.5]
