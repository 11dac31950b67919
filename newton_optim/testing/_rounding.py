"""How much rounding alone may move a result."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._comparison import finite_norms
from newton_optim.testing._evaluation import UnusableLossError
from newton_optim.testing._quantities import Quantity
from newton_optim.testing._randomness import fixed_generator, random_signs

EPS = {torch.float32: 2.0**-23, torch.float64: 2.0**-52}
ROUNDINGS = 2.0**10
"""How many successive roundings a loss may have before it counts as wrong."""

_TOWARDS_ZERO = (0.25, 0.0625, 0.015625)


@dataclass(frozen=True)
class Surroundings:
    """A case, and the outputs around it that say how much rounding may move a result.

    Every quantity is measured at the same outputs, so that they are evaluated once.

    Args:
        case: in float64.
        eps: the machine epsilon of the dtype that rounds.
        nearby: the case with its outputs rounded up or down at random.
        towards_zero: the case at outputs on the way to zero.
    """

    case: Case
    eps: float
    nearby: tuple[Case, ...]
    towards_zero: tuple[Case, ...]

    @classmethod
    def of(cls, case: Case, dtype: torch.dtype = torch.float64) -> Surroundings:
        """Those of a case in float64, if ``dtype`` rounds.

        Outputs below one in size are rounded as if they were one, because the numbers that a loss
        computes from them are not close to zero.
        """
        y, eps = case.y, EPS[dtype]
        length = eps * y.abs().clamp(min=1.0)
        generator = fixed_generator()
        signs = [random_signs(tuple(y.shape), y, generator) for _ in range(2)]
        nearby = tuple(case.at(y + length * sign) for sign in signs)
        return cls(case, eps, nearby, tuple(case.at(t * y) for t in _TOWARDS_ZERO))

    def rounding(self, quantity: Quantity, condition: float = ROUNDINGS) -> Tensor:
        """The bound for each row of ``quantity(case)``, shape `(N,)`: a thousand roundings.

        One rounding is the machine epsilon times the :meth:`size` of the result, plus how much the
        result changes when the outputs are rounded (the condition of the problem).

        Args:
            quantity: what is judged.
            condition: how many roundings of the outputs are allowed.
        """
        return ROUNDINGS * self.eps * self.size(quantity) + condition * self.moved(quantity)

    def moved(self, quantity: Quantity) -> Tensor:
        """By how much one rounding of the outputs moves each row of ``quantity``, `(N,)`."""
        here = quantity(self.case)
        moves = [finite_norms(_where_defined(c, quantity, here) - here) for c in self.nearby]
        return torch.stack(moves).amax(0)

    def size(self, quantity: Quantity) -> Tensor:
        """The largest norm of each row of ``quantity`` on the way from the outputs to zero, `(N,)`.

        The gradient of a saturated loss is the small difference of numbers of that size.
        """
        here = quantity(self.case)
        there = [finite_norms(_where_defined(c, quantity, here)) for c in self.towards_zero]
        return torch.stack([finite_norms(here), *there]).amax(0)


def rounding(case: Case, quantity: Quantity) -> Tensor:
    """How much float64 may round each row of ``quantity(case)``, shape `(N,)`."""
    return Surroundings.of(case).rounding(quantity)


def _where_defined(case: Case, quantity: Quantity, here: Tensor) -> Tensor:
    """``quantity(case)``, or its value ``here`` where the loss is not defined."""
    try:
        return quantity(case)
    except UnusableLossError:
        return here
