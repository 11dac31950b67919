"""The objective of each variant: gradients seed by seed against the library's own entry points."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.losses import ProbabilityLoss, permutation_matrix
from benchmarks.sorting.objective import sorting_objective
from newton_optim import EmpiricalFisher, Hessian, newton_loss
from newton_optim.sorting import RankingLoss, SoftSort
from tests.settings import DEVICE

BASE = SortingConfig(damping=None)


def gradient(config: SortingConfig, scores: Tensor, labels: Tensor) -> Tensor:
    leaf = scores.clone().requires_grad_()
    sorting_objective(config, DEVICE)(leaf, labels).sum().backward()
    assert leaf.grad is not None
    return leaf.grad


def test_the_plain_loss_is_the_fields() -> None:
    scores, labels = torch.randn(3, 8, 5), torch.rand(3, 8, 5)
    leaf = scores.clone().requires_grad_()
    for seed in range(3):
        P = SoftSort(temperature=0.1)(leaf[seed])
        F.binary_cross_entropy(P.clamp(0, 1), permutation_matrix(labels[seed])).backward()
    torch.testing.assert_close(gradient(BASE, scores, labels), leaf.grad)


@pytest.mark.parametrize("loss", ["probability", "exact"])
@pytest.mark.parametrize("eigenvalues", ["raw", "absolute", None])
def test_every_seed_has_its_own_newton_step(loss: str, eigenvalues: str | None) -> None:
    scores, labels = torch.randn(3, 8, 5) * 0.2, torch.rand(3, 8, 5)
    config = replace(
        BASE,
        loss=loss,
        curvature="hessian" if eigenvalues else "fisher",
        eigenvalues=eigenvalues,
        damping=0.5,
    )
    curvature = Hessian(eigenvalues=eigenvalues) if eigenvalues else EmpiricalFisher()
    operator = SoftSort(temperature=0.1)
    one = RankingLoss(operator) if loss == "exact" else ProbabilityLoss(operator)
    leaf = scores.clone().requires_grad_()
    for seed in range(3):
        newton_loss(one, leaf[seed], labels[seed], curvature=curvature, damping=0.5).backward()
    found = gradient(config, scores, labels)
    assert leaf.grad is not None
    torch.testing.assert_close(found, leaf.grad, rtol=1e-3, atol=1e-5)


def test_clipping_bounds_every_sample() -> None:
    scores, labels = torch.randn(2, 8, 5) * 5, torch.rand(2, 8, 5)
    lengths = 8 * gradient(replace(BASE, clip=0.25), scores, labels).norm(dim=-1)
    assert lengths.max() <= 0.25 * (1 + 1e-5)


@pytest.mark.parametrize("curvature", ["none", "hessian", "fisher"])
def test_a_seed_that_is_nan_leaves_the_other_seeds_alone(curvature: str) -> None:
    eigenvalues = "raw" if curvature == "hessian" else None
    config = replace(BASE, curvature=curvature, eigenvalues=eigenvalues)
    scores, labels = torch.randn(3, 8, 5), torch.rand(3, 8, 5)
    spoilt = scores.clone()
    spoilt[1, 2, 0] = torch.nan
    found, expected = gradient(config, spoilt, labels), gradient(config, scores, labels)
    torch.testing.assert_close(found[[0, 2]], expected[[0, 2]])
