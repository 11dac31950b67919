"""Whether a loss is its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from newton_optim._composed._composed_loss import ComposedLoss, LossParts
from newton_optim._composed._residual_loss import ResidualLoss


def parts_of(loss: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> LossParts | None:
    """The parts of ``loss`` with its further arguments; ``None`` if it names none.

    A subclass that overrides ``forward`` may be more than its parts.
    """
    own = (ComposedLoss.forward, ResidualLoss.forward)
    if isinstance(loss, ComposedLoss) and type(loss).forward in own:
        return loss.parts(args, kwargs)
    return None
