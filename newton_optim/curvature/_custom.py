"""A custom curvature, seen by the library as one of its own."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from newton_optim._checks import check_choice, describe
from newton_optim._derivatives import NEEDS, LossDerivatives, Needs
from newton_optim.curvature._base import Curvature, SupportsNewtonStep
from newton_optim.curvature._damping import Damping, check_damping, resolve_damping
from newton_optim.curvature._solve import Solution, fall_back


class CustomCurvature(Curvature):
    """An object with a ``newton_step`` method; what it leaves out has its default here.

    Args:
        custom: the object.

    Raises:
        TypeError: if one of its attributes ``needs`` and ``default_damping`` is of the wrong kind.
        ValueError: if one of them has no such value.
    """

    def __init__(self, custom: SupportsNewtonStep) -> None:
        self.custom = custom
        needs = check_choice("curvature.needs", getattr(custom, "needs", "hessian"), NEEDS)
        self.needs = cast(Needs, needs)
        self.default_damping = check_damping(getattr(custom, "default_damping", None), 0.0)
        # Of one of the library's to which it delegates, or of which it is a subclass.
        self.chunk_size = getattr(custom, "chunk_size", None)
        self.check_independence = getattr(custom, "check_independence", False)
        self.revisits = getattr(custom, "revisits", False)

    def solve(self, derivatives: LossDerivatives, damping: Damping) -> Solution:
        """Its step, checked: where that is not finite, the plain gradient.

        Raises:
            TypeError: if ``newton_step`` does not return a tensor.
            ValueError: if it returns another shape than that of the gradient.
        """
        step = self.custom.newton_step(derivatives, damping)
        g = derivatives.gradient
        if not isinstance(step, Tensor):
            raise TypeError(f"curvature.newton_step must return a tensor, got {describe(step)}")
        if step.shape != g.shape:
            raise ValueError(
                f"curvature.newton_step must return shape {tuple(g.shape)}, got {tuple(step.shape)}"
            )
        step, failed = fall_back(step.to(g.dtype), g, g.new_ones(len(g), dtype=torch.bool))
        return Solution(step, resolve_damping(damping, g.new_full((), torch.nan)), failed.sum())

    def __repr__(self) -> str:
        return repr(self.custom)
