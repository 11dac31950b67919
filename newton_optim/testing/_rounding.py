"""How much rounding alone may move a result."""

from __future__ import annotations

import torch
from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._comparison import assert_rows_close, finite_norms
from newton_optim.testing._evaluation import UnusableLossError
from newton_optim.testing._own_rounding import own_rounding
from newton_optim.testing._quantities import Quantity, gradient, value
from newton_optim.testing._randomness import fixed_generator, random_signs

EPS = {torch.float32: 2.0**-23, torch.float64: 2.0**-52}
ROUNDINGS = 2.0**10
"""How many successive roundings a loss may have before it counts as wrong."""

_ROUNDED_OUTPUTS_OF_VALUES = 2.0**5
"""How many roundings of the outputs a value may have: they do not add up over two derivatives."""

_OWN_ROUNDINGS = 8.0
"""How much larger an error may be than the largest of a few measured ones."""

_LARGEST = 2.0**-7
"""The largest error that the loss's own rounding excuses, relative to the size of the result."""

_TOWARDS_ZERO = (0.25, 0.0625, 0.015625)


def rounding(
    case: Case,
    quantity: Quantity,
    dtype: torch.dtype = torch.float64,
    *,
    condition: float = ROUNDINGS,
) -> Tensor:
    """The bound for each row of ``quantity(case)``, shape `(N,)`: a thousand roundings.

    One rounding is the machine epsilon times the size of the result, plus how much the result
    changes when the outputs are rounded (the condition of the problem, measured in float64). The
    size is the largest on the way from the outputs to zero: the gradient of a saturated loss is the
    small difference of numbers of that size. Outputs below one in size are rounded as if they were
    one, because the numbers that a loss computes from them are not close to zero.

    Args:
        case: in float64.
        quantity: what is judged.
        dtype: the one that rounds.
        condition: how many roundings of the outputs are allowed.
    """
    y, eps = case.y, EPS[dtype]
    here = quantity(case)
    moved = torch.zeros_like(here[:, 0])
    length = y.abs().clamp(min=1.0)
    generator = fixed_generator()
    for _ in range(2):
        signs = random_signs(tuple(y.shape), y, generator)
        nearby = _where_defined(case.at(y + eps * length * signs), quantity, here)
        moved = torch.maximum(moved, finite_norms(nearby - here))
    return ROUNDINGS * eps * size_of(case, quantity) + condition * moved


def size_of(case: Case, quantity: Quantity) -> Tensor:
    """The largest norm of each row of ``quantity`` on the way from the outputs to zero, `(N,)`."""
    here = quantity(case)
    size = finite_norms(here)
    for t in _TOWARDS_ZERO:
        there = _where_defined(case.at(t * case.y), quantity, here)
        size = torch.maximum(size, finite_norms(there))
    return size


def assert_quantity_matches(
    what: str,
    actual: tuple[Case, Quantity],
    expected: tuple[Case, Quantity],
    judged: Tensor | None = None,
) -> None:
    """A quantity equals another one up to rounding, in the dtype of the case that is judged.

    A difference that exceeds the bound of :func:`rounding` may still be explained by the loss's own
    rounding, which is measured then.

    Args:
        what: the start of the message.
        actual: the case and the quantity that are judged.
        expected: those that judge, the case in float64.
        judged: which rows; ``None`` for all.

    Raises:
        AssertionError: with the sample that exceeds its bound the most and both results.
    """
    case, quantity = expected
    found, right = actual[1](actual[0]).double(), quantity(case)
    if judged is not None:
        found = torch.where(judged[:, None], found, right)
    dtype = actual[0].outputs.dtype
    condition = _ROUNDED_OUTPUTS_OF_VALUES if quantity is value else ROUNDINGS
    bound = rounding(case, quantity, dtype, condition=condition)
    if not bool(((found - right).norm(dim=1) <= bound).all()):
        bound = torch.maximum(bound, _explained(case, quantity, EPS[dtype]))
    y = case.y if len(bound) == case.num_samples else case.y.reshape(1, -1)
    assert_rows_close(what, found, right, bound, y)


def _explained(case: Case, quantity: Quantity, eps: float) -> Tensor:
    """The error that the loss's own rounding explains, of a small share of its size, `(N,)`."""
    if quantity is value:
        size = size_of(case, value)
    else:  # A Hessian may be the difference of numbers of the size of the gradient.
        size = torch.maximum(finite_norms(quantity(case)), finite_norms(gradient(case)))
    return torch.minimum(_OWN_ROUNDINGS * own_rounding(case, quantity, eps), _LARGEST * size)


def _where_defined(case: Case, quantity: Quantity, here: Tensor) -> Tensor:
    """``quantity(case)``, or its value ``here`` where the loss is not defined."""
    try:
        return quantity(case)
    except UnusableLossError:
        return here
