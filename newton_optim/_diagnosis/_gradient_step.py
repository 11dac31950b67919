"""What the best single gradient step leaves to do."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from newton_optim._diagnosis._comparison import typical_size
from newton_optim._diagnosis._probe import Derivatives, Probe
from newton_optim._diagnosis._sandbox import LossFailedError
from newton_optim._diagnosis._section import Section

SOLVED = 0.01
"""A gradient step that leaves less than this solves the loss."""


@dataclass(frozen=True, kw_only=True)
class GradientStep(Section):
    """One gradient step of the best length."""

    solved_by_one_gradient_step: bool | None = None
    gradient_step_leaves: float | None = None


def gradient_step(probe: Probe, y: Tensor, found: Derivatives) -> GradientStep:
    """Take the step to the lowest point of the parabola along the gradient, if there is one.

    Args:
        probe: the loss.
        y: the outputs.
        found: its derivatives there; their gradient is not zero.
    """
    leaves = _leaves(probe, y, found)
    return GradientStep(
        solved_by_one_gradient_step=leaves is not None and leaves < SOLVED,
        gradient_step_leaves=leaves,
    )


def _leaves(probe: Probe, y: Tensor, found: Derivatives) -> float | None:
    """The share of the gradient that is left, or of the promised decrease that is missing.

    The larger of the two. The parabola comes from a difference of gradients. ``None`` where the
    loss does not bend upwards.
    """
    g = found.gradient
    h = 1e-3 * typical_size(y) / typical_size(g)
    try:
        bend = (g * (g - probe.derivatives(y - h * g).gradient)).sum() / h
        if not bend > 0:
            return None
        rate = g.square().sum() / bend
        after = probe.derivatives(y - rate * g)
    except LossFailedError:
        return None
    promised = rate * g.square().sum() / 2
    missing = 1.0 - (_total(found) - _total(after)) / promised
    return float(torch.maximum(after.gradient.norm() / g.norm(), missing.abs()))


def _total(found: Derivatives) -> Tensor:
    """The sum of the losses of the samples that count."""
    return torch.where(found.kept & found.value.isfinite(), found.value, 0.0).sum()
