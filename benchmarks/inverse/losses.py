"""The loss of an inverse problem, and how each run treats it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.inverse.config import InverseConfig
from benchmarks.inverse.prior import prior_residuals
from benchmarks.inverse.problems import problem_of
from newton_optim import (
    EmpiricalFisher,
    GaussNewton,
    Hessian,
    LevenbergMarquardt,
    RelativeDamping,
    ResidualLoss,
    newton_loss,
)

_Curvature = Hessian | EmpiricalFisher | GaussNewton | LevenbergMarquardt

# Outputs (N, m) and targets (N, k) to the mean loss.
Objective = Callable[[Tensor, Tensor], Tensor]
# Outputs and targets to residuals, (N, r).
Residuals = Callable[[Tensor, Tensor], Tensor]


def residuals_of(config: InverseConfig) -> Residuals:
    """The residuals whose squares the loss of ``config`` sums up."""
    problem = problem_of(config.data)

    def signals(outputs: Tensor, targets: Tensor) -> Tensor:
        return problem.simulate(outputs, targets) - targets

    if config.loss == "squared" or config.snr is None:
        return signals
    snr = config.snr

    def with_prior(outputs: Tensor, targets: Tensor) -> Tensor:
        prior = prior_residuals(config.data, snr, outputs)
        return torch.cat([signals(outputs, targets), prior], -1)

    return with_prior


def half_square(residuals: Tensor) -> Tensor:
    """`½ ‖r‖²` of each sample, `(N,)`."""
    return residuals.square().sum(-1) / 2


def objective_of(config: InverseConfig) -> Objective:
    """The loss that is trained, averaged over the samples."""
    residuals = residuals_of(config)
    if config.curvature != "none":
        return _newton_objective(config, residuals)
    if config.clip is None:
        return lambda outputs, targets: half_square(residuals(outputs, targets)).mean()
    return _clipped_objective(config.clip, residuals)


def _newton_objective(config: InverseConfig, residuals: Residuals) -> Objective:
    loss, curvature, damping = ResidualLoss(residuals), _curvature(config), None
    if config.damping is not None:
        shared = config.scope == "shared"
        damping = RelativeDamping(config.damping, shared=shared, max_step=config.clip)

    def objective(outputs: Tensor, targets: Tensor) -> Tensor:
        return newton_loss(loss, outputs, targets, curvature=curvature, damping=damping)

    return objective


def _curvature(config: InverseConfig) -> _Curvature:
    scope = "batch" if config.scope == "batch" else "sample"
    if config.curvature == "fisher":
        return EmpiricalFisher(scope=scope)
    if config.curvature == "gauss-newton":
        return GaussNewton(scope=scope)
    if config.curvature == "levenberg-marquardt":
        return LevenbergMarquardt(GaussNewton(scope=scope), steps=config.inner_steps or 1)
    return Hessian(scope=scope, eigenvalues=config.eigenvalues or "absolute")


def _clipped_objective(length: float, residuals: Residuals) -> Objective:
    """The plain loss, with the gradient of each sample's own loss cut to a length."""

    def objective(outputs: Tensor, targets: Tensor) -> Tensor:
        clipped = outputs.view_as(outputs)
        if clipped.requires_grad:
            clipped.register_hook(lambda gradient: clip_rows(gradient, length / len(gradient)))
        return half_square(residuals(clipped, targets)).mean()

    return objective


def clip_rows(rows: Tensor, length: float) -> Tensor:
    """Rows `(N, m)` that are longer than ``length`` cut to it, their direction kept."""
    lengths = rows.square().sum(-1, keepdim=True).sqrt()
    return rows * (length / lengths).clamp(max=1.0)
