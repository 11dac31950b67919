"""The outputs as given, with ties, equal to the target, and wider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from newton_optim.testing._case import Case


@dataclass(frozen=True, eq=False)
class Variant:
    """A case at other outputs than those that were given.

    Args:
        label: what was changed; empty for the outputs as given.
        case: the loss at these outputs.
        is_target: whether these outputs are an argument of the loss.
        is_wider: whether these outputs are a multiple of those that were given.
    """

    label: str
    case: Case
    is_target: bool = False
    is_wider: bool = False

    def labelled(self, text: str) -> str:
        """The text, after the label if there is one."""
        return f"{self.label}: {text}" if self.label else text

    @property
    def hint(self) -> str:
        """What to do if such outputs do not occur."""
        if not self.is_wider:
            return ""
        return "; if outputs of this size do not occur, leave the factor out of spreads="


def variants(case: Case, spreads: Sequence[float]) -> list[Variant]:
    """The case as given, with ties, at its arguments of the same shape, and at each spread."""
    found = [Variant("", case)]
    y = case.y
    if y.shape[1] > 1:
        tied = torch.cat([y[:, :1], y[:, :1], y[:, 2:]], dim=1)
        found.append(Variant("with ties", case.at(tied)))
    for target in case.targets:
        found.append(Variant("at outputs = target", case.at(target), is_target=True))
    for factor in spreads:
        if factor != 1.0:
            found.append(Variant(f"outputs times {factor:g}", case.at(y * factor), is_wider=True))
    return found
