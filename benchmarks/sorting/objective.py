"""The loss that a training step differentiates, for all seeds at once."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.losses import ProbabilityLoss, clip_sample_gradients
from newton_optim import EmpiricalFisher, Hessian, newton_loss
from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort, SortingNetwork

# Scores (S, N, n) and labels (S, N, n) to each seed's mean loss over its N samples, (S,).
SortingObjective = Callable[[Tensor, Tensor], Tensor]


def sorting_operator(config: SortingConfig, device: torch.device) -> torch.nn.Module:
    """The relaxed sort that ``config`` names."""
    if config.temperature is not None:
        softmax = SoftSort if config.operator == "softsort" else NeuralSort
        return softmax(temperature=config.temperature)
    assert config.distribution is not None  # Checked by SortingConfig.
    assert config.steepness is not None
    network = SortingNetwork(
        config.n,
        network=config.operator,
        distribution=config.distribution,
        steepness=config.steepness,
    )
    return network.to(device)


def sorting_objective(config: SortingConfig, device: torch.device) -> SortingObjective:
    """The objective that ``config`` names; every seed has its own Newton step."""
    operator = sorting_operator(config, device)
    if config.loss == "exact":
        exact = RankingLoss(operator, reduction="none")
        return _plain(exact, config) if config.curvature == "none" else _newton(exact, config)
    probability = ProbabilityLoss(operator)
    if config.curvature == "none":
        return _plain(probability.plain, config)
    return _newton(probability, config)


def _plain(loss: Callable[[Tensor, Tensor], Tensor], config: SortingConfig) -> SortingObjective:
    def plain(scores: Tensor, labels: Tensor) -> Tensor:
        if config.clip is not None:
            scores = clip_sample_gradients(scores, config.clip)
        return loss(scores.flatten(0, 1), labels.flatten(0, 1)).view(scores.shape[:2]).mean(1)

    return plain


def _newton(loss: Callable[[Tensor, Tensor], Tensor], config: SortingConfig) -> SortingObjective:
    curvature: Hessian | EmpiricalFisher = EmpiricalFisher()
    if config.eigenvalues is not None:
        curvature = Hessian(eigenvalues=config.eigenvalues)

    def of_one_seed(scores: Tensor, labels: Tensor) -> Tensor:
        return newton_loss(loss, scores, labels, curvature=curvature, damping=config.damping)

    return torch.vmap(of_one_seed)
