"""Losses that are right: the kit must never flag them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from newton_optim import ComposedLoss
from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort, SortingNetwork, soft_sort
from tests.testing.broken import WithDerivatives, smooth

M = 3


def half_squared_error(y: Tensor, t: Tensor) -> Tensor:
    return 0.5 * (y - t).square().sum(-1)


def wave(y: Tensor) -> Tensor:
    return y.sin() * y.square().sum(-1, keepdim=True)


def mean_squared_error(u: Tensor, t: Tensor) -> Tensor:
    return (u - t).square().sum(-1).mean()


def binary_cross_entropy(y: Tensor, t: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(y, (t > 0).to(y))


def classes(t: Tensor) -> Tensor:
    """Classes from real labels."""
    return t.argmax(-1)


def cross_entropy(y: Tensor, t: Tensor) -> Tensor:
    return F.cross_entropy(y, classes(t))


def uniform_mix(y: Tensor) -> Tensor:
    return 0.9 * soft_sort(y, temperature=0.5) + 0.1 / y.shape[-1]


LOSSES: dict[str, Callable[..., Any]] = {
    "MSE": nn.MSELoss(),
    "half squared error": half_squared_error,
    "Huber": nn.HuberLoss(),
    "cross-entropy": cross_entropy,
    "binary cross-entropy of logits": binary_cross_entropy,
    "wavy": smooth,
    "with derivatives": WithDerivatives(),
    "ComposedLoss": ComposedLoss(wave, mean_squared_error),
    "SoftSort": RankingLoss(SoftSort()),
    "NeuralSort": RankingLoss(NeuralSort()),
    "odd-even network": RankingLoss(SortingNetwork(M)),
    "another operator": RankingLoss(uniform_mix),
}
SUMS = {
    "MSE, summed": nn.MSELoss(reduction="sum"),
    "SoftSort, summed": RankingLoss(SoftSort(), reduction="sum"),
}


def labels(seed: int, samples: int) -> Tensor:
    """Distinct labels of both signs."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(samples, M, generator=generator, device="cpu").to(torch.zeros(()).device)
