"""A quantity against the same one computed in another way or in another dtype."""

from __future__ import annotations

import torch
from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._comparison import assert_rows_close, finite_norms
from newton_optim.testing._own_rounding import OWN_ROUNDINGS, own_rounding
from newton_optim.testing._quantities import Quantity, gradient, value
from newton_optim.testing._rounding import ROUNDINGS, Surroundings

_ROUNDED_OUTPUTS_OF_VALUES = 2.0**5
"""How many roundings of the outputs a value may have: they do not add up over two derivatives."""

LARGEST_EXPLAINED = 2.0**-8
"""The largest error that the loss's own rounding excuses, relative to the size of the result."""


def assert_quantity_matches(
    what: str,
    actual: tuple[Case, Quantity],
    expected: tuple[Surroundings, Quantity],
    judged: Tensor | None = None,
) -> None:
    """A quantity equals another one up to rounding, in the dtype of the case that is judged.

    The bound is that of :class:`Surroundings`, which are evaluated only where a difference exceeds
    the part of it that is known here. A difference that exceeds the whole bound may still be
    explained by the loss's own rounding, which is measured then.

    Args:
        what: the start of the message.
        actual: the case and the quantity that are judged.
        expected: those that judge, in float64, with the surroundings of the case.
        judged: which rows; ``None`` for all.

    Raises:
        AssertionError: with the sample that exceeds its bound the most and both results.
    """
    around, quantity = expected
    case = around.case
    found, right = actual[1](actual[0]).double(), quantity(case)
    if judged is not None:
        found = torch.where(judged[:, None], found, right)
    error = torch.linalg.vector_norm(found - right, dim=1)
    if bool((error <= ROUNDINGS * around.eps * finite_norms(right)).all()):
        return
    condition = _ROUNDED_OUTPUTS_OF_VALUES if quantity is value else ROUNDINGS
    bound = around.rounding(quantity, condition)
    if not bool((error <= bound).all()):
        bound = torch.maximum(bound, _explained(around, quantity))
    y = case.y if len(bound) == case.num_samples else case.y.reshape(1, -1)
    assert_rows_close(what, found, right, bound, y)


def largest_explained(around: Surroundings, quantity: Quantity) -> Tensor:
    """The largest error that the loss's own rounding may explain, `(N,)`."""
    if quantity is value:
        size = around.size(value)
    else:  # A Hessian may be the difference of numbers of the size of the gradient.
        case = around.case
        size = torch.maximum(finite_norms(quantity(case)), finite_norms(gradient(case)))
    return LARGEST_EXPLAINED * size


def _explained(around: Surroundings, quantity: Quantity) -> Tensor:
    """The error that the loss's own rounding explains, of a small share of its size, `(N,)`."""
    measured = OWN_ROUNDINGS * own_rounding(around.case, quantity, around.eps)
    return torch.minimum(measured, largest_explained(around, quantity))
