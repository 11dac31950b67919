"""Losses whose diagnosis is known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from newton_optim._diagnosis._probe import Probe

STIFFNESS = (0.01, 0.1, 1.0, 10.0, 100.0)


def normal(seed: int, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Standard normal numbers that do not depend on the device."""
    return torch.tensor(np.random.default_rng(seed).normal(size=shape), dtype=dtype)


def probe_of(loss_fn: Callable[..., Any], outputs: Any, *args: Any, **options: Any) -> Probe:
    """A probe with the defaults of ``diagnose``."""
    return replace(Probe.checked(loss_fn, outputs, args, {}, "mean", 0), **options)


def squared_distance(y: Tensor, target: Tensor) -> Tensor:
    """`½‖y - t‖²`."""
    return 0.5 * (y - target).square().sum(dim=1)


def stiff(y: Tensor, target: Tensor) -> Tensor:
    """An ill-conditioned quadratic."""
    return 0.5 * (y.new_tensor(STIFFNESS) * (y - target).square()).sum(dim=1)


def waves(y: Tensor) -> Tensor:
    """Bounded, with curvature of both signs, very different from coordinate to coordinate."""
    return (y.new_tensor(STIFFNESS) * y.sin()).sum(dim=1)


def plateau(y: Tensor) -> Tensor:
    """A pit in a plateau: gradients vanish away from it, and so does the curvature."""
    return y.tanh().square().sum(dim=1)


def kinked_cliffs(y: Tensor) -> Tensor:
    """Slopes of 1, and of 10,000 where the first coordinate is above 2; no curvature."""
    steep = torch.where(y[:, 0] > 2.0, 1e4, 1.0)
    return steep.detach() * (y - y.detach()).sum(dim=1) + y.abs().sum(dim=1)


def normalised(y: Tensor, target: Tensor) -> Tensor:
    """Couples samples through the batch's mean and deviation."""
    return ((y - y.mean(dim=0)) / y.std(dim=0) - target).square().mean()


class _OnceDifferentiable(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor) -> Tensor:
        ctx.save_for_backward(y)
        return y.square().square().sum(dim=1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return 4 * y**3 * gradient[:, None]


def once_differentiable(y: Tensor) -> Tensor:
    """`Σ y⁴` with a backward that cannot be differentiated."""
    loss: Tensor = _OnceDifferentiable.apply(y)
    return loss


class WrongInFloat32:
    """`½‖y‖²`, whose float32 gradient is multiplied by one factor per sample."""

    def __init__(self, factors: list[float]) -> None:
        self.factors = factors

    def __call__(self, y: Tensor) -> Tensor:
        loss = 0.5 * y.square().sum(dim=1)
        if y.dtype == torch.float64:
            return loss
        factors = y.new_tensor(self.factors)
        return factors * (loss - loss.detach()) + loss.detach()
