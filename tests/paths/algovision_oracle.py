"""AlgoVision's relaxed shortest path, written with its own building blocks.

What it does is that of the shortest-path example of its repository: a border that costs 1e12, a
relaxed Bellman-Ford forward, a trace back through the softmin weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from algovision import Algorithm, For, Input, LEq, Let, Output, Var, While
from torch import Tensor

FAR = 1e12
AROUND = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]


def relaxed_shortest_path(
    *, steepness: float, iterations: int, loop: str, t_conorm: str, hamacher_parameter: float = 5.0
) -> Callable[[Tensor], Tensor]:
    """The algorithm for costs `(N, H, W)`; its loops never end early."""

    def relax(d: Tensor, cost: Tensor) -> tuple[Tensor, Tensor]:
        around = torch.stack([shifted(d, i, j, cost) for i, j in AROUND], dim=-1)
        weights = F.softmin(steepness * around, dim=-1)
        return F.pad((weights * around).sum(-1) + cost, (1, 1, 1, 1), value=FAR), weights

    def step_back(position: Tensor, weights: Tensor) -> Tensor:
        moved = F.pad(position.unsqueeze(-1) * weights, (0, 0, 1, 1, 1, 1))
        return sum(
            shifted(moved[..., k], 2 - i, 2 - j, position) for k, (i, j) in enumerate(AROUND)
        )

    union = union_of(t_conorm, hamacher_parameter)
    # The names of the lambdas' arguments are those of the variables.
    body = (
        Let("touched", lambda touched, position: union(touched, position)),
        Let("position", lambda position, weights: step_back(position, weights)),
    )
    untouched = LEq(lambda touched: touched[:, 0, 0], 1.0)
    trace = For("j", iterations, *body) if loop == "for" else While(untouched, *body)
    return Algorithm(
        Input("cost"),
        Var("d", lambda cost: at_corner(cost.new_full(bordered(cost), FAR), 1, 0.0)),
        Var("weights", lambda cost: cost.new_zeros(*cost.shape[1:], 8)),
        Var("position", lambda cost: at_corner(torch.zeros_like(cost[0]), -1, 1.0)),
        Var("touched", lambda cost: torch.zeros_like(cost[0])),
        For(
            "i",
            iterations,
            Let(["d", "weights"], lambda d, cost: relax(d, cost)),
            Let("d", lambda d: at_corner(d, 1, 0.0)),
        ),
        trace,
        Output("touched"),
        beta=steepness,
        max_iter=iterations,
        epsilon=0.0,
    )


def union_of(t_conorm: str, p: float) -> Callable[[Any, Any], Any]:
    """a ⊥ b."""
    if t_conorm == "probabilistic":
        return lambda a, b: a + b - a * b
    if t_conorm == "hamacher":
        return lambda a, b: (a + b + (p - 2) * a * b) / (1 + (p - 1) * a * b)
    return lambda a, b: 1 - torch.relu(1 - a - b)


def bordered(cost: Tensor) -> tuple[int, int]:
    return cost.shape[1] + 2, cost.shape[2] + 2


def shifted(d: Tensor, i: int, j: int, like: Tensor) -> Tensor:
    """The window of the bordered `d` that begins at (i, j), of the size of `like`."""
    return d[:, i : i + like.shape[1], j : j + like.shape[2]]


def at_corner(grid: Tensor, index: int, value: float) -> Tensor:
    """`grid` with another value at (index, index)."""
    mask = torch.zeros(grid.shape[-2:], dtype=torch.bool, device=grid.device)
    mask[index, index] = True
    return grid.masked_fill(mask, value)
