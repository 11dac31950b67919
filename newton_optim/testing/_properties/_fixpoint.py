"""The Newton loss of a Newton loss is that Newton loss."""

from __future__ import annotations

from typing import Any

from torch import Tensor

import newton_optim
from newton_optim._checks import check_nonnegative
from newton_optim.curvature import RelativeDamping, SupportsNewtonStep
from newton_optim.testing._case import Case
from newton_optim.testing._comparison import assert_rows_close
from newton_optim.testing._entry_points import (
    NewtonLossFunction,
    accepts_tensors,
    by_function,
    step_through,
)
from newton_optim.testing._step_rounding import step_rounding


def assert_fixpoint(
    loss_fn: Any,
    outputs: Any,
    *args: Any,
    curvature: str | SupportsNewtonStep = "hessian",
    damping: float | RelativeDamping | None = None,
    outer_damping: float = 1.0,
    reduction: str = "mean",
    newton_loss: NewtonLossFunction = newton_optim.newton_loss,
) -> None:
    r"""The Newton loss of a Newton loss is that Newton loss (`arXiv 2410.19055`_, Sec. 3.2).

    .. math:: s_i(l^\star) = s_i(l) / (1 + λ_{outer})

    because the Hessian of a Newton loss is the identity.

    It sees a Newton loss whose own Hessian is not the identity. It does not see an inner step that
    is wrong.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        curvature: of the inner Newton loss: a name or a curvature object, also a custom one.
        damping: of the inner Newton loss; ``None`` is the curvature's own default.
        outer_damping: λ of the outer one, whose curvature is the Hessian; 0 is checked as well.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".
        newton_loss: the function that makes both steps, to test a custom one.

    Raises:
        AssertionError: with the sample and both steps.
        ValueError: if the curvature needs a second derivative that the loss does not have.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """
    outer = check_nonnegative("outer_damping", outer_damping)
    case = Case.checked(loss_fn, outputs, args, reduction)
    options: dict[str, Any] = {
        "as_tensor": accepts_tensors(curvature),
        "curvature": curvature,
        "damping": damping,
    }
    once = step_through(by_function(newton_loss), case, **options)
    bound = step_rounding(case, curvature, damping)
    for lam in (0.0, outer):
        twice = step_through(by_function(_nested(newton_loss, lam)), case, **options)
        what = f"the step of the Newton loss, damped by {lam:g}"
        assert_rows_close(what, twice, once / (1 + lam), bound, case.y)


def _nested(newton_loss: NewtonLossFunction, outer_damping: float) -> NewtonLossFunction:
    """The Newton loss, by the damped Hessian, of a Newton loss with the options that it gets."""

    def nested(loss: Any, outputs: Any, *args: Any, reduction: str, **options: Any) -> Tensor:
        inner = newton_loss(loss, outputs, *args, reduction=reduction, **options)
        return newton_loss(inner, outputs, damping=outer_damping, reduction=reduction)

    return nested
