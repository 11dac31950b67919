"""What the kit asks of the library's private modules: its only contact with the derivative layer.

Everything here is on the per-sample scale.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from newton_optim._derivatives import (
    LossDerivatives,
    Needs,
    Products,
    Request,
    check_loss_value,
    evaluate,
    evaluate_tensor,
)
from newton_optim._outputs import Outputs
from newton_optim._reduction import batch_factor, check_reduction, per_sample_factor, reduce_loss
from newton_optim.curvature._base import Curvature
from newton_optim.curvature._damping import Damping, check_damping
from newton_optim.curvature._resolve import resolve_curvature

__all__ = [
    "Products",
    "batch_factor",
    "check_loss_value",
    "check_reduction",
    "derivatives_from",
    "differentiate",
    "gauss_newton_matrices",
    "needs",
    "per_sample_factor",
    "reduce_loss",
    "resolve",
    "stated_derivatives",
]


def differentiate(
    loss: Tensor, outputs: Outputs, reduction: str, *, second_order: bool
) -> tuple[Tensor, Tensor, Products]:
    """Value, gradient `(N, m)` and Hessian-vector products of a loss, on its own graph."""
    found = evaluate_tensor(loss, outputs, reduction, second_order=second_order)
    return found.value, found.gradient, found.products


def stated_derivatives(
    loss_fn: Any, outputs: Outputs, args: tuple[Any, ...], reduction: str
) -> LossDerivatives:
    """What the ``derivatives`` method of a loss returns; no Hessian where it leaves that out."""
    found = evaluate(loss_fn, outputs, args, {}, reduction, Request("hessian"))
    return LossDerivatives(found.value, found.gradient, found.own_hessian)


def gauss_newton_matrices(
    loss_fn: Any, outputs: Outputs, args: tuple[Any, ...], reduction: str
) -> Tensor:
    """The Gauss-Newton matrices of a composed loss, `(N, m, m)`."""
    found = evaluate(loss_fn, outputs, args, {}, reduction, Request("gauss_newton"))
    assert found.gauss_newton is not None
    return found.gauss_newton()


def derivatives_from(gradient: Tensor, matrices: Tensor) -> LossDerivatives:
    """What a curvature works on, with ``matrices`` as Hessians and as Gauss-Newton matrices."""
    value = gradient.new_zeros(len(gradient))
    return LossDerivatives(value, gradient, matrices, gauss_newton=matrices)


def resolve(curvature: Any, damping: Any) -> tuple[Curvature, Damping]:
    """The curvature that was named or given, and its damping."""
    resolved = resolve_curvature(curvature)
    return resolved, check_damping(damping, resolved.default_damping)


def needs(curvature: Any) -> Needs:
    """Which derivatives a curvature needs."""
    return resolve_curvature(curvature).needs
