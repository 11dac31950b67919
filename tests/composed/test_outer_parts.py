"""The outer parts against PyTorch's losses, and their curvature against its closed form."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from torch import nn

from newton_optim import HuberLoss, PoissonLoss, SquaredLoss
from newton_optim._composed import separable_part
from tests.asserts import assert_close
from tests.composed.test_separable import result_and_target
from tests.strategies import seeds


@given(seeds)
def test_values_are_those_of_pytorch(seed: int) -> None:
    u, t, _ = result_and_target(seed, 3, 4)
    pairs = [
        (SquaredLoss(), 0.5 * F.mse_loss(u, t, reduction="none")),
        (HuberLoss(delta=0.7), F.huber_loss(u, t, delta=0.7, reduction="none")),
        (PoissonLoss(), F.poisson_nll_loss(u, t, log_input=True, reduction="none")),
        (
            PoissonLoss(log_input=False),
            F.poisson_nll_loss(u, t, log_input=False, eps=0.0, reduction="none"),
        ),
    ]
    for part, entries in pairs:
        assert_close(part(u, t), entries.sum(-1).mean())


@given(seeds)
def test_the_curvature_of_least_squares_and_of_a_rate(seed: int) -> None:
    u, t, w = result_and_target(seed, 3, 4)
    assert_close(SquaredLoss().whitened(u, t, w).scale.square(), w)
    assert_close(PoissonLoss().whitened(u, t).scale.square(), u.exp())
    assert_close(PoissonLoss(log_input=False).whitened(u, t, w).scale.square(), w / u)


def test_the_parabola_of_huber_touches_from_above() -> None:
    part = HuberLoss(delta=0.5)
    e = torch.linspace(-3, 3, 61, dtype=torch.float64)[:, None]
    found = part.whitened(e)
    d = torch.linspace(-2, 2, 41, dtype=torch.float64)
    parabola = found.value[:, None] + found.scale * found.residual * d
    parabola = parabola + 0.5 * found.scale.square() * d.square()
    losses = part.entries(e + d, torch.zeros(()))
    assert bool((parabola >= losses - 1e-12).all())


def test_the_expected_curvature_of_counts_is_their_fisher_information() -> None:
    """The mean of the second derivative over counts of the rate is the square of the scale."""
    rate = torch.tensor([[0.7, 3.0]], dtype=torch.float64)
    counts = torch.arange(60, dtype=torch.float64)[:, None]
    probabilities = torch.distributions.Poisson(rate).log_prob(counts).exp()
    second = counts / rate.square()
    expected = (probabilities * second).sum(0)
    assert_close(PoissonLoss(log_input=False).whitened(rate).scale.square()[0], expected)


def test_a_rate_that_is_not_positive_is_not_finite() -> None:
    found = PoissonLoss(log_input=False).whitened(torch.tensor([[1.0], [0.0], [-1.0]]))
    assert torch.isfinite(found.residual * found.scale)[:, 0].tolist() == [True, False, False]


@pytest.mark.parametrize("own", ["mean", "sum"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_mean_squared_error_of_pytorch(own: str, reduction: str) -> None:
    u, t, _ = result_and_target(3, 3, 4)
    whiten = separable_part(nn.MSELoss(reduction=own), {}, reduction)
    assert whiten is not None
    found = whiten(u, t)
    u.requires_grad_()
    value = nn.MSELoss(reduction=own)(u, t) * (3 if reduction == "mean" else 1)
    (gradient,) = torch.autograd.grad(value, u)
    assert_close(found.value.sum(), value.detach())
    assert_close(found.scale * found.residual, gradient)
    assert_close(
        found.scale.square(),
        torch.full_like(t, (2 if own == "sum" else 2 / 12)) * (3 if reduction == "mean" else 1),
    )


def test_what_is_not_known_to_be_separable() -> None:
    class Other(nn.MSELoss):
        pass

    others = (nn.MSELoss(reduction="none"), Other(), nn.L1Loss(), lambda u, t: (u - t).sum())
    assert all(separable_part(part, {}, "mean") is None for part in others)
    assert separable_part(nn.MSELoss(), {"anything": 1}, "mean") is None
