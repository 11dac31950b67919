"""The shortest path of AlgoVision's examples, built from AlgoVision's own parts."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from algovision import Algorithm, For, Input, LEq, Let, Output, Var, While
from torch import Tensor

from benchmarks.shortest_path.warcraft import SIDE

STEEPNESS: Final = 10.0
ITERATIONS: Final = 18
_FAR: Final = 1e12
# The windows of the bordered grid that show each tile's eight neighbours, row by row.
_AROUND: Final = tuple((i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1))


def algovision_shortest_path(loop: str, device: torch.device) -> Algorithm:
    """AlgoVision's shortest path with the probabilistic t-conorm, for `(N, 12, 12)` costs."""
    source = _one_hot(SIDE + 2, 1).to(device)
    goal = _one_hot(SIDE, SIDE - 1).to(device)

    def relax(d: Tensor, cost: Tensor) -> tuple[Tensor, Tensor]:
        around = F.unfold(d.unsqueeze(1), 3).mT.reshape(*cost.shape, 9)
        around = torch.cat([around[..., :4], around[..., 5:]], dim=-1)
        weights = F.softmin(STEEPNESS * around, dim=-1)
        return F.pad((weights * around).sum(-1) + cost, (1, 1, 1, 1), value=_FAR), weights

    def step_back(position: Tensor, weights: Tensor) -> Tensor:
        moved = F.pad(position.unsqueeze(-1) * weights, (0, 0, 1, 1, 1, 1))
        windows = [
            moved[:, 2 - i : 2 - i + SIDE, 2 - j : 2 - j + SIDE, k]
            for k, (i, j) in enumerate(_AROUND)
        ]
        return torch.stack(windows).sum(0)

    body = (
        Let("path", lambda path, position: path + position - path * position),
        Let("position", lambda position, weights: step_back(position, weights)),
    )
    away = LEq(lambda path: path[:, 0, 0], 1.0)
    return Algorithm(
        Input("cost"),
        Var("d", torch.full((SIDE + 2, SIDE + 2), _FAR, device=device).masked_fill(source, 0.0)),
        Var("weights", torch.zeros(SIDE, SIDE, 8, device=device)),
        Var("position", goal.float()),
        Var("path", torch.zeros(SIDE, SIDE, device=device)),
        For(
            "i",
            ITERATIONS,
            Let(["d", "weights"], lambda d, cost: relax(d, cost)),
            Let("d", lambda d: d.masked_fill(source, 0.0)),
        ),
        For("j", ITERATIONS, *body) if loop == "for" else While(away, *body),
        Output("path"),
        beta=STEEPNESS,
        max_iter=ITERATIONS,
        epsilon=0.0,
    )


def _one_hot(side: int, index: int) -> Tensor:
    mask = torch.zeros(side, side, dtype=torch.bool)
    mask[index, index] = True
    return mask
