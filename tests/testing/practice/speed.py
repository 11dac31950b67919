"""How long ``check_loss`` takes on right losses: ``python -m tests.testing.practice.speed``.

Batches of 32 samples and 10 outputs, one thread; the median of three reports, after a first one.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort, SortingNetwork
from newton_optim.testing import check_loss

N, M = 32, 10
REPORTS = 3


def cross_entropy(y: Tensor, t: Tensor) -> Tensor:
    return F.cross_entropy(y, t.argmax(dim=1), reduction="none")


def pairwise(y: Tensor, t: Tensor) -> Tensor:
    wins = t[:, :, None] > t[:, None, :]
    return (wins * F.softplus(y[:, None, :] - y[:, :, None])).sum(dim=(1, 2))


LOSSES: dict[str, Callable[..., Any]] = {
    "MSE": nn.MSELoss(),
    "Huber": nn.HuberLoss(),
    "cross-entropy": cross_entropy,
    "pairwise logistic": pairwise,
    "RankingLoss(SoftSort())": RankingLoss(SoftSort()),
    "RankingLoss(NeuralSort())": RankingLoss(NeuralSort()),
    f"RankingLoss(SortingNetwork({M}))": RankingLoss(SortingNetwork(M)),
}


def main() -> None:
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    y, t = (torch.randn(N, M, generator=generator) for _ in range(2))
    for name, loss in LOSSES.items():
        assert check_loss(loss, y, t).ok
        times = [_seconds(loss, y, t) for _ in range(REPORTS)]
        print(f"{name:32s} {statistics.median(times):.2f} s")


def _seconds(loss: Callable[..., Any], y: Tensor, t: Tensor) -> float:
    """The processor time of one report."""
    start = time.process_time()
    check_loss(loss, y, t)
    return time.process_time() - start


if __name__ == "__main__":
    main()
