"""Losses whose diagnosis is known, from the loss to the recommendation."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import newton_optim
from benchmarks._losses import ProbabilityLoss
from newton_optim import (
    ComposedLoss,
    Diagnosis,
    EmpiricalFisher,
    Hessian,
    Identity,
    LossDerivatives,
    NewtonLoss,
    RelativeDamping,
    diagnose,
    newton_loss,
)
from newton_optim._diagnosis import _diagnose
from newton_optim._diagnosis._probe import LossFailedError, Probe
from newton_optim.smoothing import StochasticSmoothing
from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort, SortingNetwork
from tests.diagnosis.losses import (
    kinked_cliffs,
    normal,
    normalised,
    once_differentiable,
    plateau,
    probe_of,
    squared_distance,
    stiff,
    waves,
)

SEEDS = (0, 1)
seeded = pytest.mark.parametrize("seed", SEEDS)


def scope_of(d: Diagnosis) -> str:
    assert isinstance(d.curvature, (Hessian, EmpiricalFisher))
    return d.curvature.scope


# --- Known cases ------------------------------------------------------------------------------


@seeded
@pytest.mark.parametrize("loss", [squared_distance, F.mse_loss])
def test_mse_is_a_plain_step(seed: int, loss: Any) -> None:
    d = diagnose(loss, normal(seed, 16, 4), normal(seed + 9, 16, 4))
    assert d.solved_by_one_gradient_step
    assert isinstance(d.curvature, Identity)
    assert d.door is None
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
    assert all(r.off == 0.0 and r.cosine > 0.999 for r in d.roundings)
    assert isinstance(d.curvature, Identity)
    assert "needs no rescue" in d.verdict


@seeded
@pytest.mark.parametrize("form", ["plain", "__call__"])
def test_the_probability_form_explodes_only_in_float32(seed: int, form: str) -> None:
    loss = getattr(ProbabilityLoss(SoftSort(temperature=0.1)), form)
    d = diagnose(loss, 3.0 * normal(seed, 64, 5), normal(seed + 9, 64, 5))
    first = d.roundings[0]
    assert first.off > 0.1
    assert first.longest > 1000.0
    assert first.longest_float64 < 10.0
    assert first.growth > 1000.0
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
    assert [r.off > 0.0 for r in d.roundings] == [False, False, True]
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
    assert (type(d.curvature), d.door) == (EmpiricalFisher, "newton_loss")
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


def test_gauss_newton_is_timed_for_a_loss_in_two_parts() -> None:
    loss = ComposedLoss(torch.sin, lambda u: u.square().sum(dim=1))
    assert "gauss-newton" in diagnose(loss, normal(0, 8, 3)).milliseconds


def test_the_recommendation_can_be_passed_on() -> None:
    y, t = normal(0, 8, 5).requires_grad_(), normal(1, 8, 5)
    d = diagnose(stiff, y, t)
    NewtonLoss(stiff, curvature=d.curvature, damping=d.damping)(y, t).backward()
    assert y.grad is not None


# --- Bad losses -------------------------------------------------------------------------------


def raising(y: Tensor) -> Tensor:
    raise IndexError("no such label")


class Late(nn.Module):
    """A loss that works a few times, and then no longer."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.left = calls

    def forward(self, y: Tensor) -> Tensor:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("enough")
        return y.square().sum(dim=1)


@pytest.mark.parametrize(
    ("loss", "times", "words"),
    [
        (raising, None, "IndexError: no such label"),
        (lambda y: y, None, "shape"),
        (lambda y: None, None, "must give a tensor"),
        (lambda y: y.argmax(dim=1), None, "floating-point"),
        (lambda y: (y > 0).float().sum(dim=1), 0, "no graph"),
        (lambda y: y.detach().square().sum(dim=1), 0, "no graph"),
    ],
)
def test_a_loss_that_cannot_be_used(loss: Any, times: int | None, words: str) -> None:
    d = diagnose(loss, normal(0, 4, 3))
    assert d.problem is not None
    assert words in d.problem
    assert d.times_differentiable == times
    assert (d.curvature, d.door, d.solved_by_one_gradient_step) == (None, None, None)
    assert words in " ".join(str(d).split())
    assert ("smooth" in d.verdict) == (times == 0)


def test_a_loss_that_fails_in_the_middle() -> None:
    for calls in range(25):
        d = diagnose(Late(calls), normal(0, 4, 3))
        assert d.problem is None or "enough" in d.problem
        str(d)
        if calls < 2:
            assert d.curvature is None


def test_flat_and_not_finite() -> None:
    y = normal(0, 8, 3)
    flat = diagnose(lambda y: y.round().sum(dim=1), y)
    assert "flat" in flat.verdict
    broken = diagnose(lambda y: y.sum(dim=1), torch.full((4, 3), torch.nan))
    assert "no finite gradient" in broken.verdict
    assert broken.nonfinite == 1.0
    overflowing = diagnose(lambda y: (1e4 * y).exp().mean(), y)
    assert overflowing.curvature is None or overflowing.damping == 1.0
    some = diagnose(lambda y: y.sqrt().sum(dim=1), torch.tensor([[-1.0], [1.0], [2.0], [3.0]]))
    assert some.nonfinite == 0.25
    assert some.curvature is not None


def test_a_random_loss() -> None:
    y = normal(0, 8, 3)
    own = torch.Generator().manual_seed(0)

    def restless(y: Tensor) -> Tensor:
        return (torch.rand(y.shape, generator=own, device="cpu").to(y) * y.square()).sum(dim=1)

    assert diagnose(restless, y).is_random
    state = torch.get_rng_state()
    seeds = [diagnose(lambda y: F.dropout(y).sin().sum(dim=1), y, seed=s) for s in (0, 0, 5)]
    assert all(d.is_random for d in seeds)
    assert torch.equal(torch.get_rng_state(), state)
    assert seeds[0].median_gradient == seeds[1].median_gradient != seeds[2].median_gradient


def test_the_form_with_most_derivatives_is_taken() -> None:
    class Picky(Probe):
        """Twice differentiable as a tensor alone."""

        def derivatives(self, y: Tensor, *, second_order: bool = False) -> LossDerivatives:
            if self.form == "callable" and second_order:
                raise LossFailedError("not under torch.func")
            return super().derivatives(y, second_order=second_order)

    y = normal(0, 4, 3)
    notes: list[str] = []
    picky = Picky(**vars(probe_of(squared_distance, y, 0.0 * y)))
    probe, times = _diagnose._form(picky, y, notes)
    assert (probe.form, times) == ("tensor", 2)
    assert notes == ["the loss as a callable (not under torch.func)"]


def test_losses_that_float64_cannot_judge() -> None:
    weight = torch.ones(3, 3)
    for loss in (lambda y: (y @ weight).sin().sum(dim=1), lambda y: y.float().sin().sum(dim=1)):
        d = diagnose(loss, normal(0, 8, 3))
        assert d.roundings == ()
        assert any("float64" in note or "float32" in note for note in d.notes)
        assert d.negative_curvature is not None
        assert d.curvature is not None


def test_a_module_with_parameters_is_judged_and_left_alone() -> None:
    class Weighted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(3)

        def forward(self, y: Tensor) -> Tensor:
            return self.norm(y).sin().sum(dim=1)

    module = Weighted()
    d = diagnose(module, normal(0, 8, 3))
    assert d.roundings
    assert d.is_coupled
    assert module.norm.num_batches_tracked == 0
    assert module.norm.weight.dtype == torch.float32


def test_what_is_too_large_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    y, t = normal(0, 8, 3), normal(1, 8, 3)
    monkeypatch.setattr(_diagnose, "MAX_HESSIAN_ENTRIES", 8 * 9 - 1)
    d = diagnose(lambda y: y.cosh().sum(dim=1), y)
    assert d.negative_curvature is None
    assert isinstance(d.curvature, EmpiricalFisher)
    assert any("too large" in note for note in d.notes)
    monkeypatch.setattr(_diagnose, "_MAX_DESCENT_MS", 0.0)
    d = diagnose(lambda y, t: (y - t).cosh().sum(dim=1), y, t)
    assert d.descent == {}
    assert any("too slow" in note for note in d.notes)


# --- The scale, and arguments -----------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_reductions_and_structures_tell_the_same(dtype: torch.dtype) -> None:
    y, t = normal(0, 6, 4).to(dtype), normal(1, 6, 4)
    a = torch.tensor([1.0, 2.0, 3.0, 5.0])

    def per_sample(y: Any, t: Tensor) -> Tensor:
        parts = y if isinstance(y, Tensor) else torch.cat([y["a"], y["b"][:, 0]], dim=1)
        return (a * (parts - t).square()).sum(dim=1)

    split = {"a": y[:, :1], "b": y[:, None, 1:]}
    found = [
        diagnose(per_sample, y, t),
        diagnose(lambda y, t: per_sample(y, t).mean(), y, t, reduction="mean"),
        diagnose(lambda y, t: per_sample(y, t).sum(), y, t, reduction="sum"),
        diagnose(per_sample, split, t),
        diagnose(lambda y, *, goal: per_sample(y, goal), y, goal=t),
    ]
    g = 2 * a.double() * (y.double() - t.double())
    median = float(g.norm(dim=1).median())
    for d in found:
        assert d.median_gradient == pytest.approx(median, rel=1e-6)
        assert (d.num_samples, d.num_outputs) == (6, 4)
        assert d.condition == pytest.approx(5.0)
        assert d.newton_cosine == pytest.approx(found[0].newton_cosine)


def test_names() -> None:
    y = normal(0, 4, 2)
    assert diagnose(raising, y).name == "raising"
    assert diagnose(partial(F.mse_loss, target=y), y).name == "mse_loss"
    assert diagnose(Late(0), y).name == "Late"


y = torch.zeros(2, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: diagnose(y.sum(), y), TypeError, "loss_fn must be a callable, got a tensor"),
        (lambda: diagnose(nn.MSELoss, y, y), TypeError, "loss_fn must be a callable"),
        (lambda: diagnose(F.mse_loss, 1.0, y), TypeError, "outputs must be a tensor"),
        (lambda: diagnose(F.mse_loss, y.long(), y), TypeError, "outputs must be a floating-point"),
        (lambda: diagnose(F.mse_loss, y[:0], y), ValueError, "outputs must not be empty"),
        (lambda: diagnose(F.mse_loss, y, y, reduction="none"), ValueError, "reduction must be"),
        (lambda: diagnose(F.mse_loss, y, y, seed=-1), ValueError, "seed must be at least 0"),
        (lambda: diagnose(F.mse_loss, y, y, seed=0.5), TypeError, "seed must be an integer"),
    ],
)
def test_bad_arguments(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_it_is_public() -> None:
    assert {"diagnose", "Diagnosis"} <= set(newton_optim.__all__)
