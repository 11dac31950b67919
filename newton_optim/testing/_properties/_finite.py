"""Numbers that are finite."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._comparison import show
from newton_optim.testing._quantities import derivatives


def assert_finite(loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean") -> None:
    """Value, gradient and Hessian are finite, in the dtype of the outputs.

    So are those of a ``derivatives`` method. A loss without a second derivative passes without one;
    see :func:`assert_twice_differentiable`.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".

    Raises:
        AssertionError: with the first sample that is not finite, and its numbers.
    """
    case = Case.checked(loss_fn, outputs, args, reduction, dtype=None)
    _assert_finite_rows("value", case.evaluate().value.reshape(-1, 1), case)
    for kind, quantity, _ in derivatives(case):
        _assert_finite_rows(kind, quantity(case), case)


def _assert_finite_rows(kind: str, rows: Tensor, case: Case) -> None:
    bad = ~rows.isfinite().all(1)
    if bad.any():
        i = int(bad.long().argmax())
        y = case.y[i] if len(rows) == case.num_samples else case.y
        raise AssertionError(
            f"the {kind} of sample {i} is not finite: {show(rows[i])} at outputs {show(y)} "
            f"in {case.outputs.dtype} ({int(bad.sum())} of {len(bad)} samples)"
        )
