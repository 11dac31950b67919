"""Losses whose numbers fail: not finite, not exact in float32, or constant in places."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tests.testing.practice.pair import Pair


def rmse(y: Tensor, t: Tensor) -> Tensor:
    return ((y - t).square().mean(dim=1) + 1e-6).sqrt()


def rmse_of_zero(y: Tensor, t: Tensor) -> Tensor:
    """The root of zero has no derivative."""
    return (y - t).square().mean(dim=1).sqrt()


def log_probability(y: Tensor, classes: Tensor) -> Tensor:
    return F.cross_entropy(y, classes, reduction="none")


def log_of_clamped(y: Tensor, classes: Tensor) -> Tensor:
    """Behind the clamp the loss is constant."""
    p = y.softmax(dim=1).gather(1, classes[:, None])[:, 0]
    return -p.clamp(min=1e-4).log()


def truncated(y: Tensor, t: Tensor) -> Tensor:
    """Outliers count as a constant, on purpose."""
    return (y - t).square().sum(dim=1).clamp(max=4.0)


def truncated_in_float32(y: Tensor, t: Tensor) -> Tensor:
    return (y - t).float().square().sum(dim=1).clamp(max=4.0)


def variance(y: Tensor) -> Tensor:
    return y.var(dim=1, correction=0)


def variance_of_moments(y: Tensor) -> Tensor:
    """E[z²] - E[z]², which cancels far from zero."""
    return y.square().mean(dim=1) - y.mean(dim=1).square()


def gaussian_nll(y: Tensor, t: Tensor) -> Tensor:
    """Mean and logarithm of the variance."""
    return (y[:, 1] + (y[:, 0] - t).square() * (-y[:, 1]).exp()) / 2


def gaussian_nll_of_variance(y: Tensor, t: Tensor) -> Tensor:
    """The variance underflows."""
    v = y[:, 1].exp()
    return (v.log() + (y[:, 0] - t).square() / v) / 2


def poisson_nll(y: Tensor, counts: Tensor) -> Tensor:
    return (y.exp() - counts * y).sum(dim=1)


def poisson_nll_of_rates(y: Tensor, counts: Tensor) -> Tensor:
    """The logarithm of the rate, which underflows."""
    rate = y.exp()
    return (rate - counts * rate.log()).sum(dim=1)


def student_nll(y: Tensor, t: Tensor) -> Tensor:
    """Location and logarithm of the scale, 30 degrees of freedom."""
    z = (t - y[:, 0]) * (-y[:, 1]).exp()
    return y[:, 1] + 15.5 * torch.log1p(z.square() / 30)


def student_nll_of_density(y: Tensor, t: Tensor) -> Tensor:
    """The density of a far outlier underflows."""
    z = (t - y[:, 0]) * (-y[:, 1]).exp()
    return -((1 + z.square() / 30).pow(-15.5) * (-y[:, 1]).exp()).log()


def huber_in_float32(y: Tensor, t: Tensor) -> Tensor:
    """Converts to float32, whatever the outputs are."""
    return F.huber_loss(y.float(), t.float(), reduction="none").sum(dim=1)


def huber(y: Tensor, t: Tensor) -> Tensor:
    return F.huber_loss(y, t, reduction="none").sum(dim=1)


def _real(generator: Generator) -> tuple[Tensor, Tensor]:
    return torch.randn(6, 3, generator=generator), torch.randn(6, 3, generator=generator)


def _one_at_target(generator: Generator) -> tuple[Tensor, Tensor]:
    y, t = _real(generator)
    t[2] = y[2]
    return y, t


def _classes(generator: Generator) -> tuple[Tensor, Tensor]:
    y = torch.randn(6, 4, generator=generator)
    return y, torch.randint(4, (6,), generator=generator)


def _far_from_zero(generator: Generator) -> tuple[Tensor]:
    return (1000 + torch.randn(6, 5, generator=generator),)


def _location_and_scale(generator: Generator) -> tuple[Tensor, Tensor]:
    return torch.randn(16, 2, generator=generator), torch.randn(16, generator=generator)


def _rates(generator: Generator) -> tuple[Tensor, Tensor]:
    y = torch.randn(16, 4, generator=generator)
    return y, torch.randint(6, (16, 4), generator=generator).to(y)


FLOAT32 = "float32_matches_float64"

NUMBERS = {
    "RMSE, a sample at its target": Pair(rmse, rmse_of_zero, "finite", _one_at_target),
    "RMSE": Pair(rmse, rmse_of_zero, "finite", _real),
    "log probability": Pair(log_probability, log_of_clamped, "no_dead_zone", _classes),
    "truncated": Pair(
        truncated, truncated_in_float32, "dtype_kept", _real, expect=("piecewise_constant",)
    ),
    "variance": Pair(variance, variance_of_moments, FLOAT32, _far_from_zero),
    "Huber": Pair(huber, huber_in_float32, "dtype_kept", _real),
    "Gaussian NLL": Pair(gaussian_nll, gaussian_nll_of_variance, FLOAT32, _location_and_scale),
    "Poisson NLL": Pair(poisson_nll, poisson_nll_of_rates, FLOAT32, _rates),
    "Student NLL": Pair(student_nll, student_nll_of_density, FLOAT32, _location_and_scale),
}
