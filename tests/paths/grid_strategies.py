"""Costs of grids: spread, tied, zero, of mixed magnitudes, with walls; and ends on them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from tests.settings import DEVICE
from tests.strategies import Array, seeds

KINDS = ("spread", "tied", "plateaus", "magnitudes", "huge", "walls")
DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


class Grids(NamedTuple):
    """Costs `(*batch, H, W)`, and cells between which there is a way."""

    costs: Tensor
    start: tuple[int, int]
    goal: tuple[int, int]


def drawn_costs(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> Array:
    """Costs of one kind; no walls yet."""
    if kind == "tied":
        return rng.integers(0, 4, shape).astype(float)
    if kind == "plateaus":
        return np.where(rng.random(shape) < 0.7, 0.0, rng.uniform(0, 1, shape))
    if kind == "magnitudes":
        return 10.0 ** rng.uniform(-30, 30, shape)
    if kind == "huge":  # Sums of a few of these would overflow.
        return np.finfo(float).max * rng.uniform(0.3, 1.0, shape)
    return rng.uniform(0, 1, shape)


def staircase(
    rng: np.random.Generator, start: tuple[int, int], goal: tuple[int, int]
) -> list[tuple[int, int]]:
    """The cells of a random way of single steps along rows and columns, without detours."""
    cells, (i, j) = [start], start
    while (i, j) != goal:
        vertical = j == goal[1] or (i != goal[0] and rng.random() < 0.5)
        i, j = (
            (i + int(np.sign(goal[0] - i)), j) if vertical else (i, j + int(np.sign(goal[1] - j)))
        )
        cells.append((i, j))
    return cells


@st.composite
def grids(draw: st.DrawFn, *, max_side: int = 7) -> Grids:
    """Grids of any shape, batch, kind and dtype that can hold the costs."""
    rng = np.random.default_rng(draw(seeds))
    kind = draw(st.sampled_from(KINDS))
    narrow = kind in {"spread", "tied", "plateaus", "walls"}
    dtype = (
        torch.float64 if kind == "huge" else draw(st.sampled_from(DTYPES if narrow else DTYPES[:2]))
    )
    H, W = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
    batch = draw(st.sampled_from([(), (1,), (3,), (2, 2)]))
    start, goal = ((int(rng.integers(H)), int(rng.integers(W))) for _ in range(2))
    if draw(st.booleans()):
        start, goal = (0, 0), (H - 1, W - 1)
    costs = drawn_costs(rng, kind, (*batch, H, W))
    if kind == "walls":
        blocked = rng.random(costs.shape) < 0.5
        for grid in blocked.reshape(-1, H, W):
            rows, columns = zip(*staircase(rng, start, goal), strict=True)
            grid[list(rows), list(columns)] = False
        costs[blocked] = np.inf
    return Grids(torch.tensor(costs, dtype=dtype, device=DEVICE), start, goal)


def uniform(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Costs between 0.2 and 1.2."""
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.uniform(0.2, 1.2, shape), dtype=dtype, device=DEVICE)
