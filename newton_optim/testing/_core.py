"""What the kit asks of the library's private modules: its only contact with the derivative layer.

Everything here is on the per-sample scale.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from newton_optim._autograd import Products, check_loss_value, tensor_derivatives
from newton_optim._derivatives import LossDerivatives, loss_derivatives, reduce_loss
from newton_optim._outputs import Outputs
from newton_optim._target import REDUCTIONS
from newton_optim.curvature import (
    Curvature,
    Damping,
    GaussNewton,
    SupportsNewtonStep,
    check_damping,
    resolve_curvature,
)

__all__ = [
    "REDUCTIONS",
    "Products",
    "batch_factor",
    "check_loss_value",
    "derivatives_from",
    "differentiate",
    "gauss_newton_matrices",
    "needs",
    "reduce_loss",
    "resolve",
    "stated_derivatives",
]


def batch_factor(num_samples: int, reduction: str) -> int:
    """The factor from a gradient that reaches the network to the per-sample scale: N or 1."""
    return num_samples if reduction == "mean" else 1


def differentiate(
    loss: Tensor, outputs: Outputs, reduction: str, *, second_order: bool
) -> tuple[Tensor, Tensor, Products]:
    """Value, gradient `(N, m)` and Hessian-vector products of a loss, on its own graph."""
    return tensor_derivatives(loss, outputs, reduction, second_order, None)


def stated_derivatives(
    loss_fn: Any, outputs: Outputs, args: tuple[Any, ...], reduction: str
) -> LossDerivatives:
    """What the ``derivatives`` method of a loss returns; no Hessian where it leaves that out."""
    _, found = loss_derivatives(loss_fn, outputs, args, {}, reduction, second_order=True)
    hessian = found.hessian if found.has_closed_form else None
    return LossDerivatives(found.value, found.gradient, hessian)


def gauss_newton_matrices(
    loss_fn: Any, outputs: Outputs, args: tuple[Any, ...], reduction: str
) -> Tensor:
    """The Gauss-Newton matrices of a composed loss, `(N, m, m)`."""
    _, found = loss_derivatives(loss_fn, outputs, args, {}, reduction, second_order=False)
    matrices: Tensor = found.gauss_newton()
    return matrices


class _Given(LossDerivatives):
    """Derivatives whose Hessians are their Gauss-Newton matrices, too."""

    def gauss_newton(self, chunk_size: int | None = None) -> Tensor:
        """The matrices that it was made from."""
        assert self.hessian is not None
        return self.hessian


def derivatives_from(gradient: Tensor, matrices: Tensor) -> LossDerivatives:
    """What a curvature works on, with ``matrices`` as Hessians and as Gauss-Newton matrices."""
    return _Given(gradient.new_zeros(len(gradient)), gradient, matrices)


def resolve(curvature: Any, damping: Any) -> tuple[Curvature | SupportsNewtonStep, Damping]:
    """The curvature that was named or given, and its damping."""
    resolved = resolve_curvature(curvature)
    return resolved, check_damping(damping, getattr(resolved, "default_damping", 0.0))


def needs(curvature: Any) -> str:
    """Which derivatives a curvature needs: "gradient", "hessian" or "gauss_newton"."""
    resolved = resolve_curvature(curvature)
    if isinstance(resolved, GaussNewton):
        return "gauss_newton"
    return "hessian" if getattr(resolved, "second_order", True) else "gradient"
