"""Choosing λ, rates and the like: on validation data, with seeds of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic

from benchmarks.runs.cells import Cell
from benchmarks.runs.config import ConfigT
from benchmarks.runs.family import Family
from benchmarks.runs.measures import Measure
from benchmarks.runs.results import Record
from benchmarks.runs.statistics import mean
from benchmarks.runs.table import Row, summary, text_table


@dataclass(frozen=True)
class Choice(Generic[ConfigT]):
    """What was tried for the knob of a cell.

    Args:
        cell: whose knob it is.
        rows: what each of its candidates reached.
        index: of the candidate that is chosen.
    """

    cell: Cell[ConfigT]
    rows: Sequence[Row]
    index: int

    @property
    def value(self) -> float:
        """The number that is chosen."""
        return self.cell.candidates[self.index]


def candidates(cells: Sequence[Cell[ConfigT]]) -> list[tuple[Cell[ConfigT], list[ConfigT]]]:
    """Every cell that has a number to choose, with one configuration for each candidate."""
    tried = []
    for cell in cells:
        if cell.knob is not None:
            changes: list[dict[str, Any]] = [{cell.knob: value} for value in cell.candidates]
            configs = [replace(cell.config, split="validation", **change) for change in changes]
            tried.append((cell, configs))
    return tried


def best(rows: Sequence[Row], measures: Sequence[Measure]) -> int:
    """The index of the row with the best mean of the first measure; if equal, of the next."""

    def quality(index: int) -> list[float]:
        records = rows[index].records
        return [
            (1 if measure.rising else -1) * mean([record[measure.key] for record in records])
            for measure in measures
        ]

    return max(range(len(rows)), key=quality)


def choose(
    family: Family[ConfigT],
    cells: Sequence[Cell[ConfigT]],
    records_of: Callable[[ConfigT], Sequence[Record]],
) -> list[Choice[ConfigT]]:
    """The choice of every cell that has a number to choose."""
    choices = []
    for cell, configs in candidates(cells):
        rows = [
            Row(f"{value:g}", records_of(config))
            for value, config in zip(cell.candidates, configs, strict=True)
        ]
        choices.append(Choice(cell, rows, best(rows, family.measures)))
    return choices


def tuning_report(family: Family[ConfigT], choices: Sequence[Choice[ConfigT]]) -> str:
    """A table for every number that is chosen, with what each candidate reached."""
    return "\n\n".join(_candidate_table(family, choice) for choice in choices)


def _candidate_table(family: Family[ConfigT], choice: Choice[ConfigT]) -> str:
    # The name of the row without the λ that may be chosen here.
    config = choice.cell.config
    without = replace(config, damping=None) if choice.cell.knob == "damping" else config
    title = f"{family.title(without)}: {family.label(without, config)}"
    lines = []
    for index, row in enumerate(choice.rows):
        label = row.label + ("  ← chosen" if index == choice.index else "")
        found = [summary(list(row.values(one).values()), one.digits) for one in family.measures]
        lines.append((label, *found))
    header = (str(choice.cell.knob), *(measure.heading for measure in family.measures))
    return text_table(title, header, lines)
