"""A loss, right and broken, with the property that names the bug."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from newton_optim.testing import LossReport, check_loss


@dataclass(frozen=True)
class Pair:
    """Two losses of the same outputs and arguments, one right and one with a single bug.

    Args:
        right: the loss that no property may flag.
        broken: the loss with the bug.
        caught_by: the property that names the bug.
        batch: outputs and arguments from a generator.
        expect: what both losses promise.
        mask: whether the last argument is a mask of the outputs.
        spreads: the spreads of the outputs on which both losses are defined.
    """

    right: Callable[..., Any]
    broken: Callable[..., Any]
    caught_by: str
    batch: Callable[[Generator], tuple[Tensor, ...]]
    expect: tuple[str, ...] = ()
    mask: bool = False
    spreads: tuple[float, ...] = (1.0, 10.0, 100.0)

    def check(self, which: str, seed: int) -> LossReport:
        """The report on the right or on the broken loss, on the batch of this seed."""
        outputs, *args = self.batch(torch.Generator().manual_seed(seed))
        return check_loss(
            getattr(self, which),
            outputs,
            *args,
            spreads=self.spreads,
            expect=self.expect,
            mask=args[-1] if self.mask else None,
        )
