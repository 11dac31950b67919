"""Numbers that are finite."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._comparison import show
from newton_optim.testing._float32_range import beyond_float32
from newton_optim.testing._quantities import Quantity, derivatives, value


def assert_finite(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean", order: int = 2
) -> list[str]:
    """Value, gradient and Hessian are finite, in the dtype of the outputs.

    So are those of a ``derivatives`` method. A loss without a second derivative passes without one;
    see :func:`assert_twice_differentiable`. A sample whose number is too large for float32, as
    float64 shows, is not judged in float32.

    It sees NaN and infinity at these outputs. It does not see those at other outputs, or what is
    finite and wrong.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".
        order: 1 to leave out the Hessian.

    Returns:
        The quantities that are too large for float32 in some sample.

    Raises:
        AssertionError: with the first sample that is not finite, and its numbers.
    """
    case = Case.checked(loss_fn, outputs, args, reduction, dtype=None)
    beyond: list[str] = []
    too_large = torch.zeros(case.num_samples, dtype=torch.bool, device=case.y.device)
    quantities = [(kind, quantity) for kind, quantity, _ in derivatives(case, order)]
    for kind, quantity in [("value", value), *quantities]:
        rows = quantity(case)
        if rows.isfinite().all():
            continue
        skipped = _too_large(case, quantity)
        if skipped.any():
            beyond.append(kind)
        if len(skipped) == len(too_large):
            too_large = skipped = too_large | skipped
        _assert_finite_rows(kind, rows, skipped, case)
    return beyond


def _too_large(case: Case, quantity: Quantity) -> Tensor:
    """Which rows float32 cannot hold, `(N,)`."""
    exact = quantity(case.to(torch.float64))
    if case.outputs.dtype == torch.float64:
        return torch.zeros(len(exact), dtype=torch.bool, device=exact.device)
    return beyond_float32(exact)


def _assert_finite_rows(kind: str, rows: Tensor, skipped: Tensor, case: Case) -> None:
    bad = ~rows.isfinite().all(1) & ~skipped
    if bad.any():
        i = int(bad.long().argmax())
        y = case.y[i] if len(rows) == case.num_samples else case.y
        raise AssertionError(
            f"the {kind} of sample {i} is not finite: {show(rows[i])} at outputs {show(y)} "
            f"in {case.outputs.dtype} ({int(bad.sum())} of {len(bad)} samples)"
        )
