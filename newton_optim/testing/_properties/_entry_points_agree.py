"""All entry points send the same step to the network."""

from __future__ import annotations

from typing import Any

from torch import Tensor

import newton_optim
from newton_optim.curvature import RelativeDamping, SupportsNewtonStep
from newton_optim.testing._case import Case
from newton_optim.testing._comparison import assert_rows_close
from newton_optim.testing._entry_points import (
    NewtonLossFunction,
    by_function,
    entry_points,
    step_through,
)
from newton_optim.testing._step_rounding import step_rounding


def assert_entry_points_agree(
    loss_fn: Any,
    outputs: Any,
    *args: Any,
    curvature: str | SupportsNewtonStep = "hessian",
    damping: float | RelativeDamping | None = None,
    reduction: str = "mean",
    newton_loss: NewtonLossFunction = newton_optim.newton_loss,
) -> dict[str, str]:
    """Every entry point, given the loss as a callable or as a tensor, takes the same step.

    The entry points are ``newton_target``, ``newton_loss``, ``NewtonLoss``, ``NewtonLossOptimizer``
    (``step`` and ``backward``) and, for ``curvature="fisher"``, ``inject_fisher``. Their steps
    agree up to rounding in float64, as the condition of `C + λ I` amplifies it.

    It sees one entry point that takes another step than the others. It does not see an error that
    all have.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        curvature: "hessian", "fisher", "identity" or a curvature object, also a custom one.
        damping: λ, or relative to `C`; ``None`` is the curvature's own default.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".
        newton_loss: one more entry point, to compare a custom function with the others.

    Returns:
        The entry points that refuse this loss, by name, and why. (A callable is refused if
        ``torch.func`` cannot differentiate it.)

    Raises:
        AssertionError: with the entry point, the sample and both steps, or if all refuse.
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    case.evaluate()  # Raises if the loss cannot be used at all.
    ways = entry_points(curvature)
    if newton_loss is not newton_optim.newton_loss:
        ways["the given newton_loss"] = by_function(newton_loss), True
        ways["the given newton_loss of a callable"] = by_function(newton_loss), False
    steps: dict[str, Tensor] = {}
    refused: dict[str, str] = {}
    for name, (way, as_tensor) in ways.items():
        try:
            steps[name] = step_through(
                way, case, as_tensor=as_tensor, curvature=curvature, damping=damping
            )
        except (TypeError, ValueError) as error:
            refused[name] = str(error)
    if not steps:
        reason = next(iter(refused.values()))
        raise AssertionError(f"every entry point refuses this loss: {reason}")
    expected, bound = next(iter(steps.values())), step_rounding(case, curvature, damping)
    for name, step in steps.items():
        assert_rows_close(f"the step of {name}", step, expected, bound, case.y)
    return refused


def describe_refusals(refused: dict[str, str]) -> str:
    """The remark of a report on what :func:`assert_entry_points_agree` returned."""
    if not refused:
        return ""
    name, reason = next(iter(refused.items()))
    return f"entry points that refuse the loss: {len(refused)}; {name}: {reason}"
