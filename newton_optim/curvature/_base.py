"""What the library asks of a curvature."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable

from torch import Tensor

from newton_optim._derivatives import LossDerivatives, Needs, Request
from newton_optim.curvature._damping import Damping, RelativeDamping, bounded, check_damping
from newton_optim.curvature._solve import Solution


@runtime_checkable
class SupportsNewtonStep(Protocol):
    """A custom curvature: any object with this one method.

    Some attributes, of the class or the object, are optional:

    ``needs``
        which derivatives it is handed: ``"gradient"``, ``"hessian"`` (the default), ``"joint"`` or
        ``"gauss_newton"``. What it does not name is ``None`` in the derivatives. A curvature that
        delegates to one of the library's has the ``needs`` of that one.
    ``default_damping``
        what it is handed where the user names no damping: a float or
        :class:`~newton_optim.RelativeDamping`; 0.0 by default.
    ``chunk_size``, ``check_independence``
        as in :class:`~newton_optim.Hessian`, where it delegates to one that has them set.
    ``revisits``
        whether it evaluates the loss at other outputs, through ``derivatives.elsewhere``; ``False``
        by default. The loss must then be passed as a callable.
    """

    def newton_step(self, derivatives: LossDerivatives, damping: float | RelativeDamping) -> Tensor:
        """The step `s`, shape `(N, m)`, on the per-sample scale: `z* = y - s`."""


class Curvature(ABC):
    """A curvature of the library."""

    default_damping: Damping
    needs: Needs
    chunk_size: int | None = None
    check_independence: bool = False
    revisits: bool = False

    @property
    def request(self) -> Request:
        """What it asks of the derivative layer."""
        return Request(self.needs, self.chunk_size, self.check_independence, self.revisits)

    @abstractmethod
    def solve(self, derivatives: LossDerivatives, damping: Damping) -> Solution:
        """The Newton step and what is known of it."""

    def newton_step(
        self, derivatives: LossDerivatives, damping: float | RelativeDamping | None = None
    ) -> Tensor:
        """The step `s = (C + λ I)⁻¹ g` of every sample, shape `(N, m)`: `z* = y - s`.

        Args:
            derivatives: the derivatives of every sample's own loss.
            damping: λ, or relative to C; the curvature's own default for ``None``.

        Raises:
            TypeError: if ``damping`` is of the wrong kind.
            ValueError: if ``damping`` is negative or not finite, or the derivatives lack what the
                curvature needs.
        """
        checked = check_damping(damping, self.default_damping)
        return bounded(self.solve(derivatives, checked).step, checked)

    def __repr__(self) -> str:
        options = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if v is not None)
        return f"{type(self).__name__}({options})"
