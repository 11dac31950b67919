"""What is reported of a Newton step while training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from newton_optim._step import NewtonStep


def diagnostics_of(
    last: NewtonStep, totals: tuple[Tensor | int, Tensor | int]
) -> dict[str, Tensor]:
    """The entries of ``NewtonLossOptimizer.diagnostics``; nothing is read from the device.

    Args:
        last: the step that is reported.
        totals: how many samples were left out, and matrices not inverted, in all steps so far.
    """
    solution = last.solution
    values: dict[str, Any] = {
        "loss": last.value,
        "damping": solution.damping,
        "gradient_norm": _root_mean_square_norm(last.gradient),
        "step_norm": _root_mean_square_norm(last.step),
        "nonfinite_samples": last.nonfinite_samples,
        "fallbacks": solution.fallbacks,
        "total_nonfinite_samples": totals[0],
        "total_fallbacks": totals[1],
    }
    if solution.eigenvalue_range is not None and solution.largest_eigenvalue is not None:
        values["eigenvalue_min"], values["eigenvalue_max"] = solution.eigenvalue_range
        values["damping_over_largest_eigenvalue"] = solution.damping / solution.largest_eigenvalue
    if solution.trials is not None:
        values["failed_evaluations"] = solution.trials.failed
        values["samples_without_descent"] = solution.trials.without_descent
    device = last.value.device
    return {name: torch.as_tensor(value, device=device) for name, value in values.items()}


def _root_mean_square_norm(rows: Tensor) -> Tensor:
    return rows.square().sum(-1).mean().sqrt()
