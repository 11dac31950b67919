"""A loss at other outputs than those where it was differentiated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from newton_optim._derivatives._loss_derivatives import LossDerivatives


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """The loss after a step: at `y - s`.

    Args:
        value_after: from a step `(N, m)` to the losses `l_i(y_i - s_i)`, shape `(N,)`.
        derivatives_after: from a step `(N, m)` to the derivatives there.
    """

    value_after: Callable[[Tensor], Tensor]
    derivatives_after: Callable[[Tensor], LossDerivatives]

    def values(self, steps: Tensor) -> Tensor:
        """The losses after each of several steps, shape `(c, N)`; infinite where the loss fails.

        All steps go through the loss in one call, by ``torch.func.vmap``. Where that is not
        possible, the loss is called once for each of them. A loss fails where it raises, for all
        samples of that call, and where it is NaN.

        Args:
            steps: shape `(c, N, m)`.
        """
        try:
            values = torch.func.vmap(self.value_after, randomness="same")(steps)
        except Exception:
            values = torch.stack([self._value_or_infinity(step) for step in steps])
        return torch.where(values.isnan(), torch.inf, values)

    def derivatives(self, step: Tensor) -> LossDerivatives | None:
        """The derivatives after a step `(N, m)`; ``None`` where the loss raises."""
        try:
            return self.derivatives_after(step)
        except Exception:
            return None

    def _value_or_infinity(self, step: Tensor) -> Tensor:
        try:
            return self.value_after(step)
        except Exception:
            return step.new_full((len(step),), torch.inf)
