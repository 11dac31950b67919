"""Choosing λ, rates and the like: on validation data, with seeds of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.runs.cells import Cell
from benchmarks.runs.config import ConfigT
from benchmarks.runs.family import Family
from benchmarks.runs.measures import Measure
from benchmarks.runs.results import Record
from benchmarks.runs.statistics import mean
from benchmarks.runs.table import Row, summary, text_table


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


def tuning_report(
    family: Family[ConfigT],
    cells: Sequence[Cell[ConfigT]],
    records_of: Callable[[ConfigT], Sequence[Record]],
) -> str:
    """A table for every number that is chosen, with what each candidate reached."""
    tables = []
    for cell, configs in candidates(cells):
        # The name of the row without the λ that may be chosen here.
        without = replace(cell.config, damping=None)
        title = f"{family.title(without)}: {family.label(without, cell.config)}"
        rows = [
            Row(f"{value:g}", records_of(config))
            for value, config in zip(cell.candidates, configs, strict=True)
        ]
        tables.append(_candidate_table(title, str(cell.knob), rows, family.measures))
    return "\n\n".join(tables)


def _candidate_table(
    title: str, knob: str, rows: Sequence[Row], measures: Sequence[Measure]
) -> str:
    chosen = best(rows, measures)
    lines = []
    for index, row in enumerate(rows):
        label = row.label + ("  ← chosen" if index == chosen else "")
        found = [summary(list(row.values(one).values()), one.digits) for one in measures]
        lines.append((label, *found))
    return text_table(title, (knob, *(measure.heading for measure in measures)), lines)
