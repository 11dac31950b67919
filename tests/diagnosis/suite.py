"""All losses of the suite, with outputs and arguments, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.sorting.losses import ProbabilityLoss
from newton_optim.smoothing import StochasticSmoothing
from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort, SortingNetwork
from tests.diagnosis.losses import (
    WrongInFloat32,
    kinked_cliffs,
    normal,
    normalised,
    once_differentiable,
    plateau,
    squared_distance,
    stiff,
    waves,
)
from tests.testing.losses import LOSSES, SUMS, T, Y
from tests.testing.mutants import MUTANTS
from tests.testing.practice.pairs import PAIRS
from tests.testing.test_library_losses import PATH_LOSS, fenchel_young, smoothed, true_paths

Case = tuple[Callable[..., Any], Any, tuple[Any, ...], str]
"""A loss, its outputs, its further arguments, and its reduction."""


def misplaced(y: Tensor) -> Tensor:
    return (y.argsort(dim=1) != torch.arange(y.shape[1])).float().sum(dim=1)


def stateful(y: Tensor) -> Tensor:
    """Counts its calls."""
    CALLS.append(0)
    return len(CALLS) * y.square().sum(dim=1)


CALLS: list[int] = []

DIAGNOSED: dict[str, tuple[Any, ...]] = {
    "squared distance": (squared_distance, normal(0, 16, 5), normal(1, 16, 5)),
    "stiff": (stiff, normal(0, 16, 5), normal(1, 16, 5)),
    "waves": (waves, normal(0, 16, 5)),
    "plateau": (plateau, 5.0 * normal(0, 16, 1)),
    "cliffs": (kinked_cliffs, normal(0, 16, 3)),
    "once differentiable": (once_differentiable, normal(0, 16, 3)),
    "normalised": (normalised, normal(0, 8, 3), normal(1, 8, 3)),
    "wrong in float32": (WrongInFloat32([2.0] + 15 * [1.0]), normal(0, 16, 3)),
    "explodes in float32": (WrongInFloat32([1e4] + 15 * [1.0]), normal(0, 16, 3)),
    "stateful": (stateful, normal(0, 16, 3)),
    "random": (StochasticSmoothing(misplaced, sigma=0.3, num_samples=20), normal(0, 16, 5)),
    "not differentiable": (misplaced, normal(0, 16, 5)),
}
"""Those of the tests of ``diagnose``."""

SORTING: dict[str, tuple[Any, ...]] = {
    f"{name} at {spread:g}": (loss, spread * normal(0, 16, 5), normal(9, 16, 5))
    for spread in (0.1, 1.0, 30.0)
    for name, loss in {
        "probabilities": ProbabilityLoss(SoftSort(temperature=0.1)).plain,
        "SoftSort": RankingLoss(SoftSort(), reduction="none"),
        "NeuralSort": RankingLoss(NeuralSort(), reduction="none"),
        "network": RankingLoss(SortingNetwork(5), reduction="none"),
    }.items()
}
COSTS = normal(0, 8, 2, 3)
LIBRARY: dict[str, tuple[Any, ...]] = {
    "Fenchel-Young": (fenchel_young, Y, T),
    "smoothed": (smoothed, Y, T),
    "shortest paths": (PATH_LOSS, COSTS, true_paths(COSTS, 0)),
}


def _pair(name: str, side: str) -> tuple[Any, ...]:
    return getattr(PAIRS[name], side), *PAIRS[name].batch(torch.Generator().manual_seed(0))


def _suite() -> dict[str, Case]:
    means = {
        **DIAGNOSED,
        **SORTING,
        **LIBRARY,
        **{name: (loss, Y, T) for name, loss in LOSSES.items()},
        **{f"{name}, {side}": _pair(name, side) for name in PAIRS for side in ("right", "broken")},
        **{f"mutant: {name}": m.args for name, m in MUTANTS.items() if callable(m.args[0])},
    }
    found: dict[str, Case] = {
        k: (loss, y, tuple(rest), "mean") for k, (loss, y, *rest) in means.items()
    }
    return found | {name: (loss, Y, (T,), "sum") for name, loss in SUMS.items()}


SUITE = _suite()
