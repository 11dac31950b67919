"""How much rounding alone may move a result."""

from __future__ import annotations

import torch
from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._comparison import assert_rows_close
from newton_optim.testing._evaluation import UnusableLossError
from newton_optim.testing._quantities import Quantity
from newton_optim.testing._randomness import fixed_generator, random_signs

EPS = {torch.float32: 2.0**-23, torch.float64: 2.0**-52}
ROUNDINGS = 2.0**10
"""How many successive roundings a loss may have before it counts as wrong."""

_TOWARDS_ZERO = (0.25, 0.0625, 0.015625)


def rounding(case: Case, quantity: Quantity, dtype: torch.dtype = torch.float64) -> Tensor:
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
    """
    y, eps = case.y, EPS[dtype]
    here = quantity(case)
    moved = torch.zeros_like(here[:, 0])
    length = y.abs().clamp(min=1.0)
    generator = fixed_generator()
    for _ in range(2):
        signs = random_signs(tuple(y.shape), y, generator)
        nearby = _where_defined(case.at(y + eps * length * signs), quantity, here)
        moved = torch.maximum(moved, _finite_norms(nearby - here))
    return ROUNDINGS * (eps * size_of(case, quantity) + moved)


def size_of(case: Case, quantity: Quantity) -> Tensor:
    """The largest norm of each row of ``quantity`` on the way from the outputs to zero, `(N,)`."""
    here = quantity(case)
    size = _finite_norms(here)
    for t in _TOWARDS_ZERO:
        there = _where_defined(case.at(t * case.y), quantity, here)
        size = torch.maximum(size, _finite_norms(there))
    return size


def assert_quantity_matches(
    what: str, actual: tuple[Case, Quantity], expected: tuple[Case, Quantity]
) -> None:
    """A quantity equals another one up to rounding, in the dtype of the case that is judged.

    Args:
        what: the start of the message.
        actual: the case and the quantity that are judged.
        expected: those that judge, the case in float64.

    Raises:
        AssertionError: with the sample that exceeds its bound the most and both results.
    """
    case, quantity = expected
    bound = rounding(case, quantity, actual[0].outputs.dtype)
    y = case.y if len(bound) == case.num_samples else case.y.reshape(1, -1)
    assert_rows_close(what, actual[1](actual[0]).double(), quantity(case), bound, y)


def _where_defined(case: Case, quantity: Quantity, here: Tensor) -> Tensor:
    """``quantity(case)``, or its value ``here`` where the loss is not defined."""
    try:
        return quantity(case)
    except UnusableLossError:
        return here


def _finite_norms(rows: Tensor) -> Tensor:
    norms = torch.linalg.vector_norm(rows, dim=1)
    return torch.where(norms.isfinite(), norms, 0.0)
