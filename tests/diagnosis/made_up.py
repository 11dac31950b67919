"""Measurements made up for the rules: those of a healthy loss, with changes."""

from __future__ import annotations

from typing import Any

from newton_optim import EmpiricalFisher, Hessian, Identity
from newton_optim._diagnosis._measurements import Measurements
from newton_optim._diagnosis._recommendation import Recommendation
from newton_optim._diagnosis._rules import recommend

HEALTHY: dict[str, Any] = {
    "name": "loss",
    "num_samples": 8,
    "num_outputs": 3,
    "times_differentiable": 2,
    "is_random": False,
    "is_coupled": False,
    "nonfinite": 0.0,
    "median_gradient": 2.0,
    "longest_over_median": 3.0,
    "vanishing": 0.0,
    "solved_by_one_gradient_step": False,
    "gradient_step_leaves": 0.5,
    "negative_curvature": 0.0,
    "condition": 4.0,
    "rank": 3,
    "hessian_error": 1e-6,
    "newton_cosine": 0.9,
    "descent": {"gradient": 0.02, "fisher": 0.02, "hessian": 0.0, "hessian per sample": 0.01},
    "milliseconds": {"identity": 1.0, "fisher": 1.0, "hessian": 1.0},
}
SOUND: dict[str, float] = {
    "spread": 1.0,
    "share_wrong": 0.0,
    "share_nonfinite": 0.0,
    "longest_over_median": 2.0,
    "longest_over_median_float64": 2.0,
    "longest_float32_over_float64": 1.0,
    "cosine": 1.0,
}


def measured(**changes: Any) -> Measurements:
    """The measurements of a healthy loss, but for ``changes``."""
    return Measurements(**{**HEALTHY, **changes})


def advice(**changes: Any) -> Recommendation:
    """What is recommended for them."""
    return recommend(measured(**changes))


def kind_of(found: Recommendation) -> tuple[Any, ...]:
    """Class and scope of the curvature, and the entry point."""
    return type(found.curvature), getattr(found.curvature, "scope", None), found.entry_point


def descent(gradient: float, fisher: float, hessian: float, own: float) -> dict[str, float]:
    """What ten steps leave; ``own`` is the Hessian of each sample."""
    names = ("gradient", "fisher", "hessian", "hessian per sample")
    return dict(zip(names, (gradient, fisher, hessian, own), strict=True))


PLAIN = (Identity, None, None)
FISHER = (EmpiricalFisher, "batch", "NewtonLoss")
BATCH, SAMPLE, JOINT = ((Hessian, s, "NewtonLoss") for s in ("batch", "sample", "joint"))
