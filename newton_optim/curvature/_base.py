"""What the library asks of a curvature."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable

from torch import Tensor

from newton_optim._derivatives import LossDerivatives
from newton_optim.curvature._damping import Damping, RelativeDamping, check_damping
from newton_optim.curvature._solve import Solution


@runtime_checkable
class SupportsNewtonStep(Protocol):
    """A curvature of the user's own: one method.

    An attribute ``default_damping`` is what it is given where the user names no damping (0.0 where
    it has none); an attribute ``second_order = False`` says that it never asks for the Hessian.
    """

    def newton_step(self, derivatives: LossDerivatives, damping: float | RelativeDamping) -> Tensor:
        """The step s, shape `(N, m)`: `z* = y - s`."""


class Curvature(ABC):
    """A curvature of the library."""

    default_damping: Damping
    second_order: bool

    @abstractmethod
    def solve(self, derivatives: LossDerivatives, damping: Damping) -> Solution:
        """The Newton step and what is known of it."""

    def newton_step(
        self, derivatives: LossDerivatives, damping: float | RelativeDamping | None = None
    ) -> Tensor:
        """The step `s = (C + λ I)⁻¹ g` of every sample, shape `(N, m)`: `z* = y - s`.

        Args:
            derivatives: of the single samples' losses.
            damping: λ, or relative to C; the curvature's own default for `None`.
        """
        return self.solve(derivatives, check_damping(damping, self.default_damping)).step

    def __repr__(self) -> str:
        options = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if v is not None)
        return f"{type(self).__name__}({options})"
