"""Losses whose derivatives need care: piecewise linear, recursive, or written by hand."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor

from tests.testing.practice.pair import Pair

QUANTILE = 0.9


def pinball(y: Tensor, t: Tensor) -> Tensor:
    d = t - y
    return torch.maximum(QUANTILE * d, (QUANTILE - 1) * d).sum(dim=1)


def pinball_detached(y: Tensor, t: Tensor) -> Tensor:
    """One side gets no gradient."""
    d = t - y
    return torch.where(d > 0, QUANTILE * d.detach(), (QUANTILE - 1) * d).sum(dim=1)


def _soft_dtw(y: Tensor, t: Tensor, *, stable: bool) -> Tensor:
    """Soft dynamic time warping with γ = 1 of two series, `(N, T)`."""
    cost = (y[:, :, None] - t[:, None, :]).square()
    size = cost.shape[1]
    R: dict[tuple[int, int], Tensor] = {}
    for i in range(size):
        for j in range(size):
            ways = [R[k] for k in ((i - 1, j), (i, j - 1), (i - 1, j - 1)) if k in R]
            if not ways:
                R[i, j] = cost[:, i, j]
            elif stable:
                R[i, j] = cost[:, i, j] - (-torch.stack(ways)).logsumexp(dim=0)
            else:
                R[i, j] = cost[:, i, j] - (-torch.stack(ways)).exp().sum(dim=0).log()
    return R[size - 1, size - 1]


def soft_dtw(y: Tensor, t: Tensor) -> Tensor:
    """With the smallest cost taken out of the exponentials."""
    return _soft_dtw(y, t, stable=True)


def soft_dtw_of_exp(y: Tensor, t: Tensor) -> Tensor:
    """The exponentials underflow."""
    return _soft_dtw(y, t, stable=False)


class _BatchedSlope(torch.autograd.Function):
    """The square, whose second derivative is divided by N."""

    @staticmethod
    def forward(ctx: Any, y: Tensor) -> Tensor:
        ctx.save_for_backward(y)
        return y.square()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        slope = 2 * (y / len(y) + (1 - 1 / len(y)) * y.detach())
        return gradients[0] * slope


def square(y: Tensor, t: Tensor) -> Tensor:
    return (y - t).square().sum(dim=1)


def square_by_hand(y: Tensor, t: Tensor) -> Tensor:
    """Its Hessian is right for one sample only."""
    squares: Tensor = _BatchedSlope.apply(y - t)
    return squares.sum(dim=1)


def _real(generator: Generator) -> tuple[Tensor, Tensor]:
    return torch.randn(6, 3, generator=generator), torch.randn(6, 3, generator=generator)


def _series(generator: Generator) -> tuple[Tensor, Tensor]:
    return torch.randn(4, 6, generator=generator), torch.randn(4, 6, generator=generator)


DERIVATIVES = {
    "pinball": Pair(
        pinball, pinball_detached, "twice_differentiable", _real, expect=("first_order",)
    ),
    "soft-DTW": Pair(soft_dtw, soft_dtw_of_exp, "float32_matches_float64", _series),
    "written by hand": Pair(square, square_by_hand, "twice_differentiable", _real),
}
