"""Choosing λ, rates and the clipping length: on validation data, with seeds of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from benchmarks._presets import Cell, group_name, row_name
from benchmarks._results import Record
from benchmarks._statistics import mean
from benchmarks._table import SORTING_MEASURES, Measure, Row, text_table


def candidates(cells: Sequence[Cell]) -> list[tuple[Cell, list[Any]]]:
    """Every cell that has a number to choose, with one configuration for each candidate."""
    tried = []
    for cell in cells:
        if cell.knob is not None:
            changes: list[dict[str, Any]] = [{cell.knob: value} for value in cell.candidates]
            configs = [replace(cell.config, split="validation", **change) for change in changes]
            tried.append((cell, configs))
    return tried


def best(
    records: Sequence[Sequence[Record]], measures: Sequence[Measure] = SORTING_MEASURES
) -> int:
    """The index of the candidate with the best mean of the first measure; if equal, the next."""

    def quality(index: int) -> list[float]:
        runs = records[index]
        signs = [1 if measure.rising else -1 for measure in measures]
        pairs = zip(signs, measures, strict=True)
        return [sign * mean([run[measure.key] for run in runs]) for sign, measure in pairs]

    return max(range(len(records)), key=quality)


def tuning_report(
    cells: Sequence[Cell],
    records_of: Callable[[Any], Sequence[Record]],
    *,
    measures: Sequence[Measure] = SORTING_MEASURES,
    name_group: Callable[[Any], str] = group_name,
    name_row: Callable[[Any, Any], str] = row_name,
) -> str:
    """A table for every number that is chosen, with what each candidate reached."""
    tables = []
    for cell, configs in candidates(cells):
        assert cell.knob is not None  # Which `candidates` has seen to.
        records = [records_of(config) for config in configs]
        chosen = best(records, measures)
        lines = []
        for index, (value, runs) in enumerate(zip(cell.candidates, records, strict=True)):
            row = Row(f"{value:g}" + ("  ← chosen" if index == chosen else ""), runs)
            lines.append((row.label, *(row.summary(measure) for measure in measures)))
        # The name of the row without the number that is being chosen.
        without = replace(cell.config, damping=None)
        title = f"{name_group(without)}: {name_row(without, cell.config)}"
        header = (cell.knob, *(measure.heading for measure in measures))
        tables.append(text_table(title, header, lines))
    return "\n\n".join(tables)
