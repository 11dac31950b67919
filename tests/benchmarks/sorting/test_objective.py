"""The objective of each variant: gradients seed by seed against the library's own entry points."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.field_operators import FieldNetwork, FieldNeuralSort, FieldSoftSort
from benchmarks.sorting.losses import ProbabilityLoss, permutation_matrix
from benchmarks.sorting.objective import sorting_objective, sorting_operator
from benchmarks.sorting.operators import with_operator
from newton_optim import EmpiricalFisher, Hessian, newton_loss
from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort, SortingNetwork
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
        P = FieldSoftSort(0.1)(leaf[seed])
        F.binary_cross_entropy(P.clamp(0, 1), permutation_matrix(labels[seed])).backward()
    torch.testing.assert_close(gradient(BASE, scores, labels), leaf.grad)


@pytest.mark.parametrize(
    ("loss", "source"), [("probability", "field"), ("probability", "ours"), ("exact", "ours")]
)
@pytest.mark.parametrize("eigenvalues", ["raw", "absolute", None])
def test_every_seed_has_its_own_newton_step(
    loss: str, source: str, eigenvalues: str | None
) -> None:
    scores, labels = torch.randn(3, 8, 5) * 0.2, torch.rand(3, 8, 5)
    config = replace(
        BASE,
        loss=loss,
        source=source,
        curvature="hessian" if eigenvalues else "fisher",
        eigenvalues=eigenvalues,
        damping=0.5,
    )
    curvature = Hessian(eigenvalues=eigenvalues) if eigenvalues else EmpiricalFisher()
    ours = SoftSort(temperature=0.1)
    one = {
        ("probability", "field"): ProbabilityLoss(FieldSoftSort(0.1)).plain,
        ("probability", "ours"): ProbabilityLoss(ours),
        ("exact", "ours"): RankingLoss(ours),
    }[loss, source]
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


@pytest.mark.parametrize(
    ("operator", "field", "ours"),
    [
        ("softsort", FieldSoftSort, SoftSort),
        ("neuralsort", FieldNeuralSort, NeuralSort),
        ("odd_even", FieldNetwork, SortingNetwork),
    ],
)
def test_the_source_names_the_operator(operator: str, field: type, ours: type) -> None:
    config = with_operator(BASE, operator, "logistic" if operator == "odd_even" else None, 5)
    assert type(sorting_operator(config, DEVICE)) is field
    assert type(sorting_operator(replace(config, source="ours"), DEVICE)) is ours


@pytest.mark.parametrize("distribution", ["logistic", "cauchy", "reciprocal", "optimal"])
def test_diffsorts_networks_have_newton_losses(distribution: str) -> None:
    scores, labels = torch.randn(2, 8, 5), torch.rand(2, 8, 5)
    config = with_operator(BASE, "odd_even", distribution, 5)
    for change in ({"curvature": "hessian", "eigenvalues": "raw"}, {"curvature": "fisher"}):
        found = gradient(replace(config, damping=1.0, **change), scores, labels)
        assert found.isfinite().all()
        assert found.abs().max() > 0


def test_normalised_gradients_have_length_1_over_the_samples() -> None:
    scores, labels = torch.randn(2, 8, 5), torch.rand(2, 8, 5)
    plain = gradient(BASE, scores, labels)
    found = gradient(replace(BASE, normalise=True), scores, labels)
    torch.testing.assert_close(found.norm(dim=-1), torch.full((2, 8), 1 / 8))
    torch.testing.assert_close(found * 8, plain / plain.norm(dim=-1, keepdim=True))


@pytest.mark.parametrize("operator", ["softsort", "neuralsort"])
@pytest.mark.skipif(DEVICE.type != "cpu", reason="bit for bit on the CPU")
def test_the_fields_newton_loss_is_that_of_autograd(operator: str) -> None:
    paper = replace(BASE, operator=operator, curvature="hessian", eigenvalues="raw", damping=1.0)
    scores, labels = 3.0 * torch.randn(1, 6, 5), torch.rand(1, 6, 5)
    leaf = scores[0].clone().requires_grad_()
    loss = ProbabilityLoss(sorting_operator(paper, DEVICE)).plain
    curvature = Hessian(eigenvalues="raw")
    newton_loss(loss, leaf, labels[0], curvature=curvature, damping=1.0).backward()
    assert leaf.grad is not None
    assert torch.equal(gradient(paper, scores, labels)[0], leaf.grad)
