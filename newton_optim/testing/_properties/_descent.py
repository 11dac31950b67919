"""The Newton step of a loss goes downhill."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import newton_optim
from newton_optim.curvature import Hessian, RelativeDamping, SupportsNewtonStep
from newton_optim.testing._case import Case
from newton_optim.testing._comparison import show
from newton_optim.testing._core import resolve
from newton_optim.testing._entry_points import (
    NewtonLossFunction,
    accepts_tensors,
    by_function,
    step_through,
)
from newton_optim.testing._quantities import gradient, hessian
from newton_optim.testing._rounding import rounding


def assert_descent_direction(
    loss_fn: Any,
    outputs: Any,
    *args: Any,
    curvature: str | SupportsNewtonStep = "hessian",
    damping: float | RelativeDamping | None = None,
    reduction: str = "mean",
    newton_loss: NewtonLossFunction = newton_optim.newton_loss,
) -> None:
    r"""Where `C + λ I` is positive definite, the Newton step of each sample goes downhill.

    .. math:: ⟨g_i, s_i⟩ > 0, \qquad s_i = (C + λ I)^{-1} g_i

    With ``Hessian(eigenvalues="raw")`` samples whose matrix is not positive definite are not
    judged. Any other curvature is expected to give such a matrix. Everything is on the per-sample
    scale.

    It sees a step that goes uphill. It does not see one that is downhill and of a wrong length.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        curvature: "hessian", "fisher", "identity" or a curvature object, also a custom one.
        damping: λ, or relative to `C`; ``None`` is the curvature's own default.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".
        newton_loss: the function that makes the step, to test a custom one.

    Raises:
        AssertionError: with the sample, its gradient and its step.
        ValueError: if the curvature needs a second derivative that the loss does not have.
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    s = step_through(
        by_function(newton_loss),
        case,
        as_tensor=accepts_tensors(curvature),
        curvature=curvature,
        damping=damping,
    )
    g, noise = gradient(case), rounding(case, gradient)
    judged = g.isfinite().all(1) & (g.norm(dim=1) > noise) & _is_definite(case, curvature, damping)
    uphill = judged & ~((g * s).sum(1) > 0)
    if uphill.any():
        i = int(uphill.long().argmax())
        raise AssertionError(
            f"the Newton step of sample {i} does not go downhill: ⟨g, s⟩ = "
            f"{float((g[i] * s[i]).sum()):.3g} with g = {show(g[i])} and s = {show(s[i])}, "
            f"at outputs {show(case.y[i])}"
        )


def _is_definite(
    case: Case, curvature: str | SupportsNewtonStep, damping: float | RelativeDamping | None
) -> Tensor:
    """For which samples `C + λ I` is positive definite, shape `(N,)`."""
    N, m = case.y.shape
    if not isinstance(curvature, Hessian) or curvature.eigenvalues != "raw":
        return torch.ones(N, dtype=torch.bool, device=case.y.device)
    C = hessian(case).reshape(N, m, m)
    if curvature.scope == "batch":
        C = C.mean(0, keepdim=True)
    _, resolved = resolve(curvature, damping)
    if isinstance(resolved, RelativeDamping):
        size = torch.linalg.matrix_norm(C) / m**0.5
        if curvature.scope == "joint":  # One damping for all, relative to the joint matrix.
            size = size.square().mean().sqrt().expand(N)
        lam = resolved.c * size
    else:
        lam = C.new_full((len(C),), resolved)
    definite: Tensor = torch.linalg.eigvalsh((C + C.mT) / 2)[:, 0] + lam > 0
    return definite.expand(N)
