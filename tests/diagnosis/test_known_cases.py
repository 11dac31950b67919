"""Losses whose diagnosis is known, from the loss to the recommendation: all modules together."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.sorting.losses import ProbabilityLoss
from newton_optim import (
    Diagnosis,
    EmpiricalFisher,
    Hessian,
    Identity,
    NewtonLoss,
    RelativeDamping,
    diagnose,
    newton_loss,
)
from newton_optim.smoothing import StochasticSmoothing
from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort, SortingNetwork
from tests.diagnosis.losses import (
    kinked_cliffs,
    normal,
    normalised,
    once_differentiable,
    plateau,
    squared_distance,
    stiff,
    waves,
)

SEEDS = (0, 1)
seeded = pytest.mark.parametrize("seed", SEEDS)


def scope_of(d: Diagnosis) -> str:
    assert isinstance(d.curvature, (Hessian, EmpiricalFisher))
    return d.curvature.scope


@seeded
@pytest.mark.parametrize("loss", [squared_distance, F.mse_loss])
def test_mse_is_a_plain_step(seed: int, loss: Any) -> None:
    d = diagnose(loss, normal(seed, 16, 4), normal(seed + 9, 16, 4))
    assert d.solved_by_one_gradient_step
    assert isinstance(d.curvature, Identity)
    assert d.entry_point is None
    assert "one gradient step" in d.verdict
    assert d.newton_cosine == pytest.approx(1.0)
    assert d.condition == pytest.approx(1.0)
    assert (d.times_differentiable, d.is_random, d.is_coupled) == (2, False, False)


@seeded
@pytest.mark.parametrize("operator", [SoftSort(temperature=0.1), NeuralSort(temperature=1.0)])
@pytest.mark.parametrize("spread", [1.0, 3.0])
def test_the_exact_ranking_loss_needs_no_rescue(seed: int, operator: Any, spread: float) -> None:
    scores, labels = spread * normal(seed, 64, 5), normal(seed + 9, 64, 5)
    d = diagnose(RankingLoss(operator, reduction="none"), scores, labels)
    assert all(r.share_wrong == 0.0 and r.cosine > 0.999 for r in d.roundings)
    assert isinstance(d.curvature, Identity)
    assert "needs no rescue" in d.verdict


@seeded
@pytest.mark.parametrize("form", ["plain", "__call__"])
def test_the_probability_form_explodes_only_in_float32(seed: int, form: str) -> None:
    loss = getattr(ProbabilityLoss(SoftSort(temperature=0.1)), form)
    d = diagnose(loss, 3.0 * normal(seed, 64, 5), normal(seed + 9, 64, 5))
    first = d.roundings[0]
    assert first.share_wrong > 0.1
    assert first.longest_over_median > 1000.0
    assert first.longest_over_median_float64 < 10.0
    assert first.longest_float32_over_float64 > 1000.0
    assert first.cosine < 0.5
    assert isinstance(d.curvature, EmpiricalFisher)
    assert isinstance(d.damping, float)
    assert "explodes only in float32" in d.verdict
    reasons = " ".join(d.reasons)
    assert all(cure in reasons for cure in ("exact form", "absolute", "Clipping"))


def test_it_is_seen_before_it_happens() -> None:
    """Scores that are close now, and explode once they have spread tenfold."""
    loss = ProbabilityLoss(SoftSort(temperature=0.1)).plain
    d = diagnose(loss, 0.1 * normal(0, 64, 5), normal(9, 64, 5))
    assert [r.share_wrong > 0.0 for r in d.roundings] == [False, False, True]
    assert "explodes only in float32" in d.verdict
    assert "On outputs 10x as wide" in d.reasons[0]


@seeded
def test_coupled_samples_are_joint(seed: int) -> None:
    d = diagnose(normalised, normal(seed, 8, 3), normal(seed + 9, 8, 3))
    assert d.is_coupled
    assert isinstance(d.curvature, Hessian)
    assert scope_of(d) == "joint"
    assert "joint hessian" in d.milliseconds
    newton_loss(normalised, normal(0, 8, 3), normal(1, 8, 3), curvature=d.curvature)


@seeded
def test_once_differentiable_is_for_the_fisher(seed: int) -> None:
    y = normal(seed, 16, 3)
    d = diagnose(once_differentiable, y)
    assert d.times_differentiable == 1
    assert not d.callable_works
    assert (type(d.curvature), d.entry_point) == (EmpiricalFisher, "newton_loss")
    assert list(d.milliseconds) == ["identity", "fisher"]
    leaf = y.requires_grad_()
    newton_loss(once_differentiable(leaf), leaf, curvature=d.curvature, damping=d.damping)


@seeded
def test_an_indefinite_loss_keeps_absolute_eigenvalues(seed: int) -> None:
    d = diagnose(waves, normal(seed, 32, 5))
    assert d.negative_curvature is not None
    assert d.negative_curvature > 0.5
    assert isinstance(d.curvature, Hessian)
    assert d.curvature.eigenvalues == "absolute"
    assert any("absolute" in reason for reason in d.reasons)


@seeded
def test_vanishing_gradients(seed: int) -> None:
    d = diagnose(plateau, 5.0 * normal(seed, 64, 1))
    assert d.vanishing is not None
    assert d.vanishing > 0.1
    assert any("vanish" in reason for reason in d.reasons)
    assert isinstance(d.curvature, Hessian)
    assert scope_of(d) == "sample"  # The curvature has vanished with them, and knows by how much.


@seeded
def test_exploding_gradients_without_curvature(seed: int) -> None:
    y = normal(seed, 64, 3)
    y[:3, 0] = 2.5
    y[3:, 0].clamp_(max=1.9)
    d = diagnose(kinked_cliffs, y)
    assert d.longest_over_median is not None
    assert d.longest_over_median > 1000.0
    assert "float32" not in d.verdict
    assert d.condition is None
    assert not isinstance(d.curvature, Hessian)


@seeded
def test_a_smoothed_black_box_is_random_and_its_hessian_noise(seed: int) -> None:
    def misplaced(y: Tensor) -> Tensor:
        return (y.argsort(dim=1) != torch.arange(5)).float().sum(dim=1)

    smoothed = StochasticSmoothing(misplaced, sigma=0.3, num_samples=20)
    d = diagnose(smoothed, normal(seed, 32, 5))
    assert d.is_random
    assert d.hessian_agreement is not None
    assert d.hessian_agreement < 0.5
    assert d.roundings == ()
    assert any("random" in note for note in d.notes)
    assert isinstance(d.curvature, EmpiricalFisher)
    assert any("noise" in reason for reason in d.reasons)


@seeded
def test_an_ill_conditioned_quadratic_is_for_the_hessian(seed: int) -> None:
    d = diagnose(stiff, normal(seed, 32, 5), normal(seed + 9, 32, 5))
    assert d.condition == pytest.approx(1e4, rel=1e-3)
    assert d.negative_curvature == 0.0
    assert not d.solved_by_one_gradient_step
    assert (type(d.curvature), scope_of(d)) == (Hessian, "batch")
    assert d.damping == RelativeDamping(0.1)
    assert d.descent["hessian"] < d.descent["gradient"]


def test_a_sorting_network_is_for_its_own_curvature() -> None:
    """Ten steps on the outputs alone: the Hessian of each sample gets further than the gradient."""
    loss = RankingLoss(SortingNetwork(5), reduction="none")
    d = diagnose(loss, normal(0, 64, 5), normal(9, 64, 5))
    assert isinstance(d.curvature, Hessian)
    assert d.descent["gradient"] > 0.1
    assert d.descent["hessian per sample"] == 0.0


def test_cross_entropy_of_a_trained_network() -> None:
    """Samples that are solved are not mistaken for vanished ones, in either reduction."""
    y = 10.0 * normal(0, 64, 5)
    labels = y.argmax(dim=1)
    labels[:6] = 0
    for reduction in ("none", "mean"):
        d = diagnose(partial(F.cross_entropy, reduction=reduction), y, labels)
        assert isinstance(d.curvature, Identity)
        assert d.vanishing in {0.0, None}
        assert (d.vanishing is None) == any("shape (N,)" in note for note in d.notes)


def test_the_recommendation_can_be_passed_on() -> None:
    y, t = normal(0, 8, 5).requires_grad_(), normal(1, 8, 5)
    d = diagnose(stiff, y, t)
    NewtonLoss(stiff, curvature=d.curvature, damping=d.damping)(y, t).backward()
    assert y.grad is not None
