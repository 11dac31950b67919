"""The outputs as given, with ties, and wider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from newton_optim.testing._case import Case


@dataclass(frozen=True)
class Variant:
    """A case at other outputs than those that were given.

    Args:
        label: what was changed; empty for the outputs as given.
        case: the loss at these outputs.
    """

    label: str
    case: Case

    def labelled(self, text: str) -> str:
        """The text, after the label if there is one."""
        return f"{self.label}: {text}" if self.label else text


def variants(case: Case, spreads: Sequence[float]) -> list[Variant]:
    """The case as given, with a tie in every sample, and multiplied by each of ``spreads``."""
    found = [Variant("", case)]
    y = case.y
    if y.shape[1] > 1:
        tied = torch.cat([y[:, :1], y[:, :1], y[:, 2:]], dim=1)
        found.append(Variant("with ties", case.at(tied)))
    for factor in spreads:
        if factor != 1.0:
            found.append(Variant(f"outputs times {factor:g}", case.at(y * factor)))
    return found
