"""The paper's rows beside ours: its figures, and how our runs differ from its own.

The paper is arXiv 2410.19055. Each family says which of the paper's rows a configuration is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, Generic

from benchmarks.runs.config import ConfigT

# The paper names none. PyTorch's own on its GPU is TF32 in convolutions and float32 elsewhere.
UNSAID_PRECISIONS: Final = ("fp32", "tf32")


@dataclass(frozen=True)
class PaperFigure:
    """A measure of one cell of the paper, and its standard deviation over the seeds."""

    value: float
    deviation: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ± {self.deviation:.2f}"


@dataclass(frozen=True, kw_only=True)
class PaperRow(Generic[ConfigT]):
    """One row of a table of the paper.

    Args:
        place: where the paper has it, such as ``Table 1``.
        config: what the paper ran.
        figures: what it reports, by the key of a measure.
        unsaid: the fields whose value the paper does not print: the values that it chose from, or
            an empty sequence where it says nothing.
    """

    place: str
    config: ConfigT
    figures: Mapping[str, PaperFigure]
    unsaid: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def differences(self, config: ConfigT) -> list[str]:
        """How ``config`` differs from the paper's, field by field, in words."""
        found = (self._difference(one.name, config) for one in fields(config))
        return [words for words in found if words]

    def _difference(self, name: str, config: ConfigT) -> str:
        ours, theirs = getattr(config, name), getattr(self.config, name)
        words = name.replace("_", " ")
        if name in self.unsaid:
            choices = self.unsaid[name]
            if not choices or ours in choices:
                return ""
            listed = ", ".join(map(value_in_words, choices))
            return f"{words} {value_in_words(ours)}, not one of {listed}"
        if ours == theirs:
            return ""
        return f"{words} {value_in_words(ours)}, not {value_in_words(theirs)}"


@dataclass(frozen=True)
class Paper(Generic[ConfigT]):
    """What the paper says of a family.

    Args:
        seeds: how many it reports.
        row: the paper's row that a configuration stands for, or ``None`` where it has no such row.
        rows: all of them; none where the paper has no such experiments.
        sources: where it says what the fields of a configuration are, where there are rows.
    """

    seeds: int
    row: Callable[[ConfigT], PaperRow[ConfigT] | None]
    rows: Callable[[], Sequence[PaperRow[ConfigT]]] = tuple
    sources: Mapping[str, str] = field(default_factory=dict)

    def differences(self, config: ConfigT, seeds: int) -> list[str] | None:
        """How runs of ``config`` with so many seeds differ from the paper's, in words.

        Returns:
            One string for every difference; ``None`` where the paper has no such row.
        """
        row = self.row(config)
        if row is None:
            return None
        words = [] if seeds == self.seeds else [f"{seeds} seeds, not {self.seeds}"]
        return row.differences(config) + words


def value_in_words(value: Any) -> str:
    """A field as a table writes it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)
