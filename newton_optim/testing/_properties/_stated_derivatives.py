"""Derivatives that a loss states itself, and that agree with autograd."""

from __future__ import annotations

from typing import Any

from newton_optim.testing._agreement import assert_quantity_matches
from newton_optim.testing._case import Case
from newton_optim.testing._quantities import derivatives, has_derivatives, stated_value, value
from newton_optim.testing._rounding import Surroundings


def assert_derivatives_match(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean"
) -> None:
    """The ``derivatives`` method returns the value, gradient and Hessian of the loss itself.

    Autograd on ``loss_fn(outputs, *args)`` in float64 is the judge, up to rounding.

    It sees a ``derivatives`` method that differs from autograd. It does not see an error that both
    have.

    Args:
        loss_fn: a loss with a method ``derivatives(outputs, *args) -> LossDerivatives``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".

    Raises:
        TypeError: if the loss has no such method.
        AssertionError: with the sample that exceeds its bound the most and both results.
    """
    if not has_derivatives(loss_fn):
        raise TypeError("loss_fn must have a `derivatives` method, got none")
    case = Case.checked(loss_fn, outputs, args, reduction)
    around = Surroundings.of(case)
    assert_quantity_matches("the value of `derivatives`", (case, stated_value), (around, value))
    for kind, quantity, reference in derivatives(case):
        if reference is not None and reference is not quantity:
            assert_quantity_matches(f"the {kind}", (case, quantity), (around, reference))
