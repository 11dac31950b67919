"""The loss that a training step differentiates, for all seeds at once."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.field_derivatives import FieldLoss
from benchmarks.sorting.field_operators import FieldNetwork, FieldNeuralSort, FieldSoftSort
from benchmarks.sorting.losses import (
    ProbabilityLoss,
    clip_sample_gradients,
    normalise_sample_gradients,
)
from newton_optim import EmpiricalFisher, Hessian, newton_loss
from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort, SortingNetwork

# Scores (S, N, n) and labels (S, N, n) to each seed's mean loss over its N samples, (S,).
SortingObjective = Callable[[Tensor, Tensor], Tensor]


def sorting_operator(config: SortingConfig, device: torch.device) -> torch.nn.Module:
    """The relaxed sort that ``config`` names, the field's or the library's."""
    ours = config.source == "ours"
    if config.temperature is not None:
        if config.operator == "softsort":
            return (SoftSort if ours else FieldSoftSort)(temperature=config.temperature)
        return (NeuralSort if ours else FieldNeuralSort)(temperature=config.temperature)
    assert config.distribution is not None  # Checked by SortingConfig.
    assert config.steepness is not None
    if not ours:
        return FieldNetwork(
            config.operator, config.n, config.distribution, config.steepness, device
        )
    network = SortingNetwork(
        config.n,
        network=config.operator,
        distribution=config.distribution,
        steepness=config.steepness,
    )
    return network.to(device)


def sorting_objective(config: SortingConfig, device: torch.device) -> SortingObjective:
    """The objective that ``config`` names; every seed has its own Newton step.

    The field's Newton losses differentiate ``F.binary_cross_entropy`` twice by PyTorch's own
    formulas, as the paper does; ours have the right second derivative.
    """
    operator = sorting_operator(config, device)
    if config.loss == "exact":
        exact = RankingLoss(operator, reduction="none")
        return _plain(exact, config) if config.curvature == "none" else _newton(exact, config)
    probability = ProbabilityLoss(operator)
    if config.curvature == "none":
        return _plain(probability.plain, config)
    if config.source == "ours":
        return _newton(probability, config)
    return _newton(_field_loss(config, probability), config)


def _field_loss(
    config: SortingConfig, probability: ProbabilityLoss
) -> Callable[[Tensor, Tensor], Tensor]:
    """The field's loss to differentiate twice: in closed form where there is one, bit for bit."""
    if config.temperature is None:
        return probability.plain
    return FieldLoss(config.operator, config.temperature)


def _plain(loss: Callable[[Tensor, Tensor], Tensor], config: SortingConfig) -> SortingObjective:
    def plain(scores: Tensor, labels: Tensor) -> Tensor:
        if config.clip is not None:
            scores = clip_sample_gradients(scores, config.clip)
        if config.normalise:
            scores = normalise_sample_gradients(scores)
        return loss(scores.flatten(0, 1), labels.flatten(0, 1)).view(scores.shape[:2]).mean(1)

    return plain


def _newton(loss: Callable[[Tensor, Tensor], Tensor], config: SortingConfig) -> SortingObjective:
    curvature: Hessian | EmpiricalFisher = EmpiricalFisher()
    if config.eigenvalues is not None:
        curvature = Hessian(eigenvalues=config.eigenvalues)

    def of_one_seed(scores: Tensor, labels: Tensor) -> Tensor:
        return newton_loss(loss, scores, labels, curvature=curvature, damping=config.damping)

    return torch.vmap(of_one_seed)
