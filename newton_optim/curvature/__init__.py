"""What C is, its damping and its solve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from newton_optim._checks import check_choice, describe
from newton_optim.curvature._base import Curvature, SupportsNewtonStep
from newton_optim.curvature._damping import Damping, RelativeDamping, check_damping
from newton_optim.curvature._fisher import EmpiricalFisher
from newton_optim.curvature._gauss_newton import GaussNewton
from newton_optim.curvature._hessian import Hessian
from newton_optim.curvature._identity import Identity
from newton_optim.curvature._solve import Solution

__all__ = [
    "Curvature",
    "Damping",
    "EmpiricalFisher",
    "GaussNewton",
    "Hessian",
    "Identity",
    "RelativeDamping",
    "Solution",
    "SupportsNewtonStep",
    "check_damping",
    "resolve_curvature",
]

_BY_NAME: dict[str, Callable[[], Curvature]] = {
    "hessian": Hessian,
    "fisher": EmpiricalFisher,
    "identity": Identity,
}


def resolve_curvature(curvature: Any) -> Curvature | SupportsNewtonStep:
    """The object that a name stands for, or the user's own.

    Raises:
        TypeError: if ``curvature`` is neither a name nor an object with ``newton_step``.
        ValueError: if the name is unknown.
    """
    if isinstance(curvature, str):
        return _BY_NAME[check_choice("curvature", curvature, tuple(_BY_NAME))]()
    if isinstance(curvature, SupportsNewtonStep) and not isinstance(curvature, type):
        return curvature
    raise TypeError(
        'curvature must be "hessian", "fisher", "identity" or an object with a newton_step '
        f"method, got {describe(curvature)}"
    )
