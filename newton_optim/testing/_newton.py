"""The Newton step of a loss: it goes downhill, and every door takes the same one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import newton_optim
from newton_optim.curvature import Hessian, RelativeDamping, SupportsNewtonStep
from newton_optim.testing._case import Case
from newton_optim.testing._rounding import (
    assert_rows_close,
    gradient,
    hessian,
    rounding,
    show,
)
from newton_optim.testing._steps import (
    TAKE_BOTH_FORMS,
    NewtonLossFunction,
    arriving,
    by_injection,
    by_module,
    step_rounding,
    takes_tensors,
    through,
)


def assert_descent_direction(
    loss_fn: Any,
    outputs: Any,
    *args: Any,
    curvature: str | SupportsNewtonStep = "hessian",
    damping: float | RelativeDamping | None = None,
    reduction: str = "mean",
    newton_loss: NewtonLossFunction = newton_optim.newton_loss,
) -> None:
    r"""Where C + λI is positive definite, the Newton step of each sample goes downhill.

    .. math:: ⟨g_i, s_i⟩ > 0, \qquad s_i = (C + λ I)^{-1} g_i

    With `Hessian(eigenvalues="raw")` samples whose matrix is not positive definite are left aside;
    any other curvature is expected to give such a matrix. All is on the scale of the single sample.

    Args:
        loss_fn: as for :func:`assert_usable`.
        outputs: as for :func:`assert_usable`.
        *args: as for :func:`assert_usable`.
        curvature: as for `newton_optim.newton_loss`; your own, perhaps.
        damping: as for `newton_optim.newton_loss`.
        reduction: as for :func:`assert_usable`.
        newton_loss: what makes the step; your own function with this signature, perhaps.

    Raises:
        AssertionError: with the sample, its gradient and its step.
        ValueError: if the curvature needs a second derivative that the loss does not have.
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    options: dict[str, Any] = {
        "reduction": reduction,
        "curvature": curvature,
        "damping": damping,
        "as_tensor": takes_tensors(curvature),
    }
    g, s = gradient(case), arriving(through(newton_loss), case, **options)
    noise = rounding(case, gradient)
    judged = g.isfinite().all(1) & (g.norm(dim=1) > noise) & _is_definite(case, curvature, damping)
    uphill = judged & ~((g * s).sum(1) > 0)
    if uphill.any():
        i = int(uphill.long().argmax())
        raise AssertionError(
            f"the Newton step of sample {i} does not go downhill: ⟨g, s⟩ = "
            f"{float((g[i] * s[i]).sum()):.3g} with g = {show(g[i])} and s = {show(s[i])}, "
            f"at outputs {show(case.y[i])}"
        )


def assert_doors_agree(
    loss_fn: Any,
    outputs: Any,
    *args: Any,
    curvature: str | SupportsNewtonStep = "hessian",
    damping: float | RelativeDamping | None = None,
    reduction: str = "mean",
    newton_loss: NewtonLossFunction = newton_optim.newton_loss,
) -> dict[str, str]:
    """Every door, given the loss as a callable or as a tensor, sends the same step to the network.

    `newton_target`, `newton_loss`, `NewtonLoss`, `NewtonLossOptimizer` (`step` and `backward`) and,
    for `curvature="fisher"`, `inject_fisher`: to rounding in float64, as far as the condition of
    C + λI lets it through.

    Args:
        loss_fn: as for :func:`assert_usable`.
        outputs: as for :func:`assert_usable`.
        *args: as for :func:`assert_usable`.
        curvature: as for `newton_optim.newton_loss`.
        damping: as for `newton_optim.newton_loss`.
        reduction: as for :func:`assert_usable`.
        newton_loss: one more door, compared with the others; your own, perhaps.

    Returns:
        The doors that refuse this loss, by name, and why. (What `torch.func` cannot do is refused
        where the loss is a callable.)

    Raises:
        AssertionError: with the door, the sample and both steps, or if all doors refuse.
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    case.evaluate()
    options: dict[str, Any] = {
        "reduction": reduction,
        "curvature": curvature,
        "damping": damping,
    }
    doors = {name: (door, True) for name, door in TAKE_BOTH_FORMS.items()}
    doors |= {f"{name} of a callable": (door, False) for name, door in TAKE_BOTH_FORMS.items()}
    doors["NewtonLoss"] = by_module, False
    if curvature == "fisher":
        doors["inject_fisher"] = by_injection, False
    if newton_loss is not newton_optim.newton_loss:
        doors["the given newton_loss"] = through(newton_loss), True
        doors["the given newton_loss of a callable"] = through(newton_loss), False
    steps: dict[str, Tensor] = {}
    refused: dict[str, str] = {}
    for name, (door, as_tensor) in doors.items():
        try:
            steps[name] = arriving(door, case, as_tensor=as_tensor, **options)
        except (TypeError, ValueError) as error:
            refused[name] = str(error)
    if not steps:
        raise AssertionError(f"every door refuses this loss: {next(iter(refused.values()))}")
    expected, bound = next(iter(steps.values())), step_rounding(case, curvature, damping)
    for name, step in steps.items():
        assert_rows_close(f"the step of {name}", step, expected, bound, case.y)
    return refused


def _is_definite(
    case: Case, curvature: str | SupportsNewtonStep, damping: float | RelativeDamping | None
) -> Tensor:
    """For which samples C + λI is positive definite, shape `(N,)`."""
    N, m = case.y.shape
    if not isinstance(curvature, Hessian) or curvature.eigenvalues != "raw":
        return torch.ones(N, dtype=torch.bool, device=case.y.device)
    C = hessian(case).reshape(N, m, m)
    if curvature.scope == "batch":
        C = C.mean(0, keepdim=True)
    if damping is None:
        damping = curvature.default_damping
    if isinstance(damping, RelativeDamping):
        lam = damping.c * torch.linalg.matrix_norm(C) / m**0.5
    else:
        lam = C.new_full((len(C),), float(damping))
    definite: Tensor = torch.linalg.eigvalsh((C + C.mT) / 2)[:, 0] + lam > 0
    return definite.expand(N)
