"""From a loss to the derivatives that a curvature asked for: computed, then masked once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import finite_rows, known_true
from newton_optim._derivatives._elsewhere import Elsewhere
from newton_optim._derivatives._evaluate import evaluate
from newton_optim._derivatives._evaluation import Evaluation
from newton_optim._derivatives._independence import couples_samples
from newton_optim._derivatives._loss_derivatives import LossDerivatives
from newton_optim._derivatives._request import Request
from newton_optim._derivatives._residual_form import ResidualForm
from newton_optim._derivatives._value import loss_values
from newton_optim._outputs import Outputs
from newton_optim._reduction import per_sample_values, reduce_loss


def loss_derivatives(
    loss: Any,
    outputs: Outputs,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    reduction: str,
    request: Request,
) -> tuple[Tensor, LossDerivatives]:
    """The value of the loss as the user sees it (0-dim, detached), and what was requested of it.

    The arguments are those of :func:`evaluate`. Where the loss is 0-dim, the value of every sample
    is its share. A sample whose outputs, gradient or requested second derivatives are not finite is
    not among the samples that are kept: its gradient and its matrices are zero.

    Raises:
        TypeError: if the loss is of the wrong kind.
        ValueError: if it has the wrong shape, does not depend on the outputs, or lacks a derivative
            that is requested.
    """
    elsewhere = None
    if request.revisits:
        elsewhere = _elsewhere(loss, outputs, args, kwargs, reduction, request)
    found = evaluate(loss, outputs, args, kwargs, reduction, request)
    values = per_sample_values(found.value, outputs.num_samples, reduction)
    complete = _complete(found, values, outputs, request, elsewhere)
    return reduce_loss(found.value, reduction), complete


def _elsewhere(
    loss: Any,
    outputs: Outputs,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    reduction: str,
    request: Request,
) -> Elsewhere:
    """The same loss after a step; only a callable can be evaluated again."""
    if isinstance(loss, Tensor):
        raise TypeError(
            "loss must be a callable for a curvature that evaluates it at other outputs, got a "
            "tensor: pass loss_fn and its arguments instead of loss_fn(outputs)"
        )
    y = outputs.matrix

    def after(step: Tensor) -> Outputs:
        return Outputs(outputs.split(y - step), outputs.names, outputs.rebuild)

    return Elsewhere(
        lambda step: loss_values(loss, after(step), args, kwargs, reduction),
        lambda step: loss_derivatives(loss, after(step), args, kwargs, reduction, request)[1],
    )


def _complete(
    found: Evaluation,
    values: Tensor,
    outputs: Outputs,
    request: Request,
    elsewhere: Elsewhere | None,
) -> LossDerivatives:
    g, y = found.gradient, outputs.matrix
    y = y if found.present is None else torch.where(found.present, y, 0.0)
    kept = finite_rows(y) & finite_rows(g)
    hessian = joint_hessian = gauss_newton = residual_form = None
    coupled: bool | Tensor | None = None
    if request.needs == "hessian":
        hessian, kept = _masked(found.hessian(), kept)
        coupled = None if found.own_hessian is None else False
        if request.check_independence:
            coupled = couples_samples(found.products, hessian, kept)
    elif request.needs == "joint":
        joint_hessian, kept = _masked_joint(found.joint_hessian(), kept)
        hessian = joint_hessian.sum(0).permute(1, 2, 0)  # (N, m, N, m) -> (m, N, m) -> (N, m, m)
    elif request.needs == "gauss_newton":
        if found.residual_form is not None:
            residual_form = _masked_form(found.residual_form, kept)
        else:
            gauss_newton, kept = _masked(_matrices(found), kept)
    return LossDerivatives(
        values,
        torch.where(kept[:, None], g, 0.0),
        hessian,
        joint_hessian=joint_hessian,
        gauss_newton=gauss_newton,
        residual_form=residual_form,
        kept=kept,
        present=found.present,
        coupled=coupled,
        elsewhere=elsewhere,
    )


def _matrices(found: Evaluation) -> Tensor:
    if found.gauss_newton is None:
        raise ValueError(
            "loss must be a ComposedLoss or a ResidualLoss, passed as a callable, for "
            "Gauss-Newton matrices"
        )
    return found.gauss_newton()


def _masked_form(form: ResidualForm, kept: Tensor) -> ResidualForm:
    """The residual form, that of samples that are not kept set to zero.

    Where A or b is not finite, the gradient `A' b` is not: these samples are not kept already.
    """
    if known_true(kept.all()):
        return form
    A = torch.where(kept[:, None, None], form.jacobian, 0.0)
    return ResidualForm(A, torch.where(kept[:, None], form.residual, 0.0))


def _masked(matrices: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    """The matrices `(N, m, m)`, those of samples that are not kept set to zero; who is kept."""
    kept = kept & finite_rows(matrices.flatten(1))
    return torch.where(kept[:, None, None], matrices, 0.0), kept


def _masked_joint(matrix: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    """The same of `∂g_ia / ∂y_jb`, shape `(N, m, N, m)`.

    The products that make its rows i have an entry that is not finite at the sample j whose
    gradient is differentiated there, whatever the row.
    """
    matrix = torch.where(_pairs(kept), matrix, 0.0)
    kept = kept & torch.isfinite(matrix).movedim(2, 0).flatten(1).all(-1)
    return torch.where(_pairs(kept), matrix, 0.0), kept


def _pairs(samples: Tensor) -> Tensor:
    """Where both samples of a block `(N, m, N, m)` are among those of the mask `(N,)`."""
    return samples[:, None, None, None] & samples[:, None]
