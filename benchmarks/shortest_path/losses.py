"""The losses of the shortest-path benchmark: plain, or as Newton losses.

L1 and L2² are sums over the 144 tiles of a map and means over the maps. The paper also calls the
second one MSE; but λ = 1000 (L1) and 3000 (L2²) damp the Fisher to a similar degree only with sums,
since dividing a loss by 144 divides its Fisher by 144².
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import torch
from torch import Tensor

from benchmarks.shortest_path.config import SAMPLED, PathConfig
from newton_optim import (
    ComposedLoss,
    EmpiricalFisher,
    GaussNewton,
    Hessian,
    newton_loss,
)
from newton_optim.paths import RelaxedBellmanFord, grid_shortest_path
from newton_optim.smoothing import FenchelYoungLoss, StochasticSmoothing

LEAST_COST: Final = 1e-3
# Second derivatives of an algorithm with 144 outputs: how many at once is fastest on a CPU.
_CHUNK_SIZE: Final = 16

# Costs (N, 12, 12), true paths (N, 12, 12) and noise (samples, N, 12, 12) to the mean loss.
PathObjective = Callable[[Tensor, Tensor, Tensor | None], Tensor]
# Costs and true paths to each map's own loss, (N,).
MapLoss = Callable[[Tensor, Tensor], Tensor]


def solve(costs: Tensor) -> Tensor:
    """The cheapest paths, in the dtype of the costs, all grids in one batch on their device.

    Noise makes costs negative, on nearly every grid if σ = 0.1 and costs are below 1, and the
    problem has no answer there: costs below ``LEAST_COST`` are raised to it, and so is NaN.
    """
    return grid_shortest_path(costs.nan_to_num(nan=LEAST_COST).clamp(min=LEAST_COST)).to(costs)


def l1(found: Tensor, paths: Tensor) -> Tensor:
    """`Σ |u - w|` over the tiles; of two paths, the number of tiles that differ."""
    return (found - paths).abs().sum((-2, -1))


def squared_l2(found: Tensor, paths: Tensor) -> Tensor:
    """`Σ (u - w)²` over the tiles."""
    return (found - paths).square().sum((-2, -1))


def path_objective(config: PathConfig) -> PathObjective:
    """The loss that ``config`` names, averaged over the maps."""
    build = _loss_builder(config)
    if config.curvature == "none":
        return lambda costs, paths, noise: build(noise)(costs, paths).mean()
    curvature = _curvature(config)

    def newton(costs: Tensor, paths: Tensor, noise: Tensor | None) -> Tensor:
        loss = build(noise)
        return newton_loss(loss, costs, paths, curvature=curvature, damping=config.damping)

    return newton


def draw_noise(config: PathConfig, maps: int, generator: torch.Generator) -> Tensor | None:
    """Standard noise for each map on the CPU, `(samples, maps, 12, 12)`, where a loss needs any."""
    if config.samples is None:
        return None
    shape = (config.samples, maps, 12, 12)
    return torch.randn(shape, generator=generator, device="cpu")


def _loss_builder(config: PathConfig) -> Callable[[Tensor | None], MapLoss]:
    """The map from the noise of a step to the loss of that step."""
    if config.loss not in SAMPLED:
        return _relaxed(config)
    assert config.sigma is not None  # Checked by PathConfig.
    assert config.samples is not None
    sigma, samples = config.sigma, config.samples
    if config.loss == "fenchel-young":
        loss = FenchelYoungLoss(
            solve, sigma=sigma, num_samples=samples, maximize=False, reduction="none"
        )
        return lambda noise: partial(loss, noise_samples=noise)
    if config.loss == "smoothed-loss":
        smoothed = StochasticSmoothing(_differing_tiles, sigma=sigma, num_samples=samples)
        return lambda noise: partial(smoothed, noise_samples=noise)
    algorithm = StochasticSmoothing(solve, sigma=sigma, num_samples=samples)
    return lambda noise: ComposedLoss(partial(algorithm, noise_samples=noise), squared_l2)


def _differing_tiles(costs: Tensor, paths: Tensor) -> Tensor:
    return l1(solve(costs), paths)


def _relaxed(config: PathConfig) -> Callable[[Tensor | None], MapLoss]:
    assert config.steepness is not None  # Checked by PathConfig.
    loop, _, outer = config.loss.partition("-")
    algorithm = RelaxedBellmanFord(steepness=config.steepness, loop=loop)
    loss = ComposedLoss(algorithm, l1 if outer == "l1" else squared_l2)
    return lambda noise: loss


def _curvature(config: PathConfig) -> Hessian | EmpiricalFisher | GaussNewton:
    if config.eigenvalues is not None:
        chunk = _CHUNK_SIZE if config.is_composed else None
        return Hessian(eigenvalues=config.eigenvalues, chunk_size=chunk)
    if config.curvature == "fisher":
        return EmpiricalFisher()
    return GaussNewton(scope="batch", max_step=None, chunk_size=_CHUNK_SIZE)
