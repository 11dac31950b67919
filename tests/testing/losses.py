"""Correct losses, which the kit must never flag, and typical outputs and targets for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from newton_optim import ComposedLoss, LossDerivatives
from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort, SortingNetwork, soft_sort

M = 3
Y = torch.tensor([[0.3, -1.2, 0.7], [1.1, 0.2, -0.4], [-0.9, 0.6, 2.0], [0.1, -0.3, 0.8]])
T = torch.tensor([[0.0, -1.0, 1.0], [1.0, 2.0, -1.0], [0.5, 0.0, 1.0], [-1.0, 0.0, 0.5]])
WIDE = 30 * Y
INDEFINITE = torch.tensor([[0.6, 0.6, 0.6], [0.7, 0.7, 0.7]])
"""Outputs at which the Newton step of :func:`saddle` goes uphill."""


def smooth(y: Tensor, t: Tensor) -> Tensor:
    """Per sample, smooth, not convex."""
    return ((y - t).square() + (2 * y).sin()).sum(-1)


def saddle(y: Tensor) -> Tensor:
    """Its Hessian is indefinite."""
    return y[:, 0].square() - 2 * y[:, 1].square() + y[:, 2].square()


class WithDerivatives:
    """½‖y - t‖⁴ with its derivatives, or wrong ones."""

    def __init__(
        self, *, gradient: float = 1.0, curvature: float = 1.0, value: float = 1.0
    ) -> None:
        self.factors = value, gradient, curvature

    def __call__(self, y: Tensor, t: Tensor) -> Tensor:
        return (y - t).square().sum(-1).square() / 2

    def derivatives(self, y: Tensor, t: Tensor) -> LossDerivatives:
        d = y - t
        s = d.square().sum(-1)
        value, gradient, curvature = self.factors
        identity = torch.eye(d.shape[1], dtype=d.dtype, device=d.device)
        H = 2 * s[:, None, None] * identity + 4 * curvature * d[:, :, None] * d[:, None, :]
        return LossDerivatives(value * self(y, t), gradient * 2 * s[:, None] * d, H)


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
