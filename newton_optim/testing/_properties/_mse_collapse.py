"""The Newton loss of half the squared error is half the squared error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import newton_optim
from newton_optim._checks import check_nonnegative
from newton_optim._outputs import flatten_outputs
from newton_optim.curvature import SupportsNewtonStep
from newton_optim.testing._case import Case
from newton_optim.testing._comparison import assert_rows_close
from newton_optim.testing._entry_points import NewtonLossFunction, by_function, step_through
from newton_optim.testing._rounding import EPS, ROUNDINGS


def half_squared_error(outputs: Any, target: Any) -> Tensor:
    """`½‖y_i - t_i‖²`, shape `(N,)`: the loss whose Newton loss is itself."""
    return 0.5 * (_tracked_matrix(outputs) - _tracked_matrix(target)).square().sum(1)


def assert_mse_collapse(
    outputs: Any,
    target: Any,
    *,
    loss_fn: Callable[..., Tensor] = half_squared_error,
    curvature: str | SupportsNewtonStep = "hessian",
    damping: float = 0.0,
    reduction: str = "mean",
    newton_loss: NewtonLossFunction = newton_optim.newton_loss,
) -> None:
    r"""The Newton loss of MSE is MSE (`arXiv 2410.19055`_, Sec. 3.2): the step leads to `t`.

    .. math:: l_i = \tfrac12\lVert y_i - t_i\rVert^2 \;\Rightarrow\; s_i = (y_i - t_i) / (1 + λ)

    It sees a wrong factor, and a damping that counts twice. It does not see what is wrong only
    where the Hessian is not the identity.

    Args:
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        target: `t`, in the structure and shapes of the outputs.
        loss_fn: ``loss_fn(outputs, target)``, to test a custom half squared error.
        curvature: one that is the identity for this loss, such as the Hessian; a custom one, too.
        damping: λ, at least 0.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".
        newton_loss: the function that makes the step, to test a custom one.

    Raises:
        AssertionError: with the sample and both steps.

    .. _arXiv 2410.19055: https://arxiv.org/abs/2410.19055
    """
    lam = check_nonnegative("damping", damping)
    case = Case.checked(loss_fn, outputs, (target,), reduction)
    t = Case.checked(loss_fn, case.args[0], (), reduction).y
    expected = (case.y - t) / (1 + lam)
    bound = ROUNDINGS * EPS[torch.float64] * (case.y.norm() + t.norm()).expand(len(t))
    for as_tensor in (True, False):
        s = step_through(
            by_function(newton_loss), case, as_tensor=as_tensor, curvature=curvature, damping=lam
        )
        assert_rows_close("the step of half the squared error", s, expected, bound, case.y)


def assert_loss_collapses(loss_fn: Any, outputs: Any, target: Any, *, reduction: str) -> None:
    """:func:`assert_mse_collapse` with the arguments that all other properties have."""
    assert_mse_collapse(outputs, target, loss_fn=loss_fn, reduction=reduction)


def _tracked_matrix(outputs: Any) -> Tensor:
    """The outputs as one matrix `(N, m)`, with their graph."""
    flat = flatten_outputs(outputs)
    return flat.join(flat.parts)
