"""The paper's figures beside ours, and how our runs differ from its protocol.

The paper is arXiv 2410.19055. Each family names the figures that it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from benchmarks.runs.config import ConfigT, RunConfig


@dataclass(frozen=True)
class PaperFigure:
    """The first measure of one cell of the paper, and its standard deviation where we know it."""

    value: float
    deviation: float | None = None

    def __str__(self) -> str:
        return f"{self.value:.2f}" + ("" if self.deviation is None else f" ± {self.deviation:.2f}")


def no_figure(config: RunConfig) -> PaperFigure | None:
    """For a family of whose cells we know no figure."""
    return None


@dataclass(frozen=True)
class Paper(Generic[ConfigT]):
    """What the paper says of a family.

    Args:
        protocol: the paper's choices, by the fields of a configuration.
        seeds: how many it reports.
        figure: the figure of a configuration, or ``None`` where we do not know it or the paper has
            no such row.
    """

    protocol: Mapping[str, Any]
    seeds: int
    figure: Callable[[ConfigT], PaperFigure | None] = no_figure

    def differences(self, config: ConfigT, seeds: int) -> list[str]:
        """How runs of ``config`` with so many seeds differ from the protocol, in words."""
        differences = []
        for name, expected in self.protocol.items():
            found = getattr(config, name)
            if found != expected:
                count = isinstance(expected, int)
                values = (
                    f"{found:,} instead of {expected:,}" if count else f"{found}, not {expected}"
                )
                differences.append(f"{name.replace('_', ' ')} {values}")
        if seeds != self.seeds:
            differences.append(f"{seeds} seeds instead of {self.seeds}")
        return differences
