"""From what a user names to a curvature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from newton_optim._checks import check_choice, describe
from newton_optim.curvature._base import Curvature, SupportsNewtonStep
from newton_optim.curvature._custom import CustomCurvature
from newton_optim.curvature._fisher import EmpiricalFisher
from newton_optim.curvature._hessian import Hessian
from newton_optim.curvature._identity import Identity

_BY_NAME: Final[dict[str, Callable[[], Curvature]]] = {
    "hessian": Hessian,
    "fisher": EmpiricalFisher,
    "identity": Identity,
}


def resolve_curvature(curvature: Any) -> Curvature:
    """The curvature that a name stands for, or that an object is: custom ones are wrapped.

    Raises:
        TypeError: if ``curvature`` is neither a name nor an object with ``newton_step``.
        ValueError: if the name is unknown.
    """
    if isinstance(curvature, str):
        return _BY_NAME[check_choice("curvature", curvature, tuple(_BY_NAME))]()
    if isinstance(curvature, type) or not isinstance(curvature, SupportsNewtonStep):
        raise TypeError(
            'curvature must be "hessian", "fisher", "identity" or an object with a newton_step '
            f"method, got {describe(curvature)}"
        )
    if isinstance(curvature, Curvature) and _keeps_newton_step(curvature):
        return curvature
    return CustomCurvature(curvature)


def _keeps_newton_step(curvature: Curvature) -> bool:
    """Whether no subclass overrides the ``newton_step`` of the library."""
    return type(curvature).newton_step is Curvature.newton_step
