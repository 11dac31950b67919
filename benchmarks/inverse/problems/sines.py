"""Fields on a square with zero boundary, in the basis of the discrete Laplacian."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def sine_matrix(side: int) -> Tensor:
    """The discrete sine transform of `side` interior points: symmetric, orthogonal, float64."""
    number = torch.arange(1, side + 1, dtype=torch.float64)
    sines: Tensor = torch.sin(math.pi * torch.outer(number, number) / (side + 1))
    return sines * math.sqrt(2 / (side + 1))


def laplacian_eigenvalues(side: int) -> Tensor:
    """Of minus the five-point Laplacian with unit spacing: `4 sin²(πi/2n) + 4 sin²(πj/2n)`."""
    number = torch.arange(1, side + 1, dtype=torch.float64)
    one: Tensor = 4 * torch.sin(math.pi * number / (2 * (side + 1))) ** 2
    return one[:, None] + one


def apply_spectral(function: Tensor, sines: Tensor, fields: Tensor) -> Tensor:
    """Multiply each mode of the fields `(N, side²)` by its entry of ``function``."""
    S, side = sines.to(fields), len(sines)
    modes = S @ fields.reshape(-1, side, side) @ S
    return (S @ (function.to(fields) * modes) @ S).flatten(-2)


def draw_smooth(sines: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Random smooth fields `(count, side²)` of mean square 1 on average.

    Gaussian modes of standard deviation in proportion to `1 / eigenvalue`.
    """
    side = len(sines)
    weights = (1 / laplacian_eigenvalues(side)).float()
    weights = weights * side / weights.square().sum().sqrt()
    noise = torch.randn(count, side, side, generator=generator)
    S = sines.float()
    return (S @ (weights * noise) @ S).flatten(-2)
