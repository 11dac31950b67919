"""Counts, probabilistic forecasts, and angles."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tests.testing.practice.pair import Pair

SHAPE = 2.0
"""Number of failures of the negative binomial distribution."""


def _negative_binomial(y: Tensor, counts: Tensor) -> Tensor:
    """Negative log-likelihood of each count, from the logits of success."""
    constant = torch.lgamma(counts + SHAPE) - torch.lgamma(counts + 1) - math.lgamma(SHAPE)
    return -(constant + counts * F.logsigmoid(y) + SHAPE * F.logsigmoid(-y))


def negative_binomial(y: Tensor, counts: Tensor) -> Tensor:
    """The mean over the samples."""
    return _negative_binomial(y, counts).sum(dim=1).mean()


def negative_binomial_summed(y: Tensor, counts: Tensor) -> Tensor:
    """The sum over the samples, used as a mean."""
    return _negative_binomial(y, counts).sum()


def _crps(z: Tensor, sigma: Tensor) -> Tensor:
    density = (-z.square() / 2).exp() / math.sqrt(2 * math.pi)
    return sigma * (z * torch.erf(z / math.sqrt(2)) + 2 * density - 1 / math.sqrt(math.pi))


def crps(y: Tensor, t: Tensor) -> Tensor:
    """Continuous ranked probability score of a normal forecast: mean and log σ."""
    sigma = y[:, 1].exp()
    return _crps((t - y[:, 0]) / sigma, sigma)


def crps_in_float32(y: Tensor, t: Tensor) -> Tensor:
    """Computes in float32, whatever the outputs are."""
    sigma = y[:, 1].exp().float()
    return _crps((t - y[:, 0]).float() / sigma, sigma)


def angle(y: Tensor, t: Tensor) -> Tensor:
    """1 - cos of the difference, which wraps."""
    return 2 * ((y - t) / 2).sin().square().sum(dim=1)


def angle_of_arccos(y: Tensor, t: Tensor) -> Tensor:
    """The wrapped difference itself: its derivative at zero is 0 / 0."""
    return torch.acos((y - t).cos()).sum(dim=1)


def _counts(generator: Generator) -> tuple[Tensor, Tensor]:
    y = torch.randn(6, 3, generator=generator)
    return y, torch.randint(6, (6, 3), generator=generator).to(y)


def _forecasts(generator: Generator) -> tuple[Tensor, Tensor]:
    return torch.randn(6, 2, generator=generator), torch.randn(6, generator=generator)


def _angles(generator: Generator) -> tuple[Tensor, Tensor]:
    return 2 * torch.randn(6, 3, generator=generator), 2 * torch.randn(6, 3, generator=generator)


NEGATIVE_BINOMIAL = Pair(
    negative_binomial, negative_binomial_summed, "duplication_invariant", _counts
)
CRPS = Pair(crps, crps_in_float32, "dtype_kept", _forecasts)
ANGLE = Pair(angle, angle_of_arccos, "finite", _angles)
