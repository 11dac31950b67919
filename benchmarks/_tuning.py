"""Choosing λ, rates and the clipping length: on validation digits, with seeds of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from benchmarks._config import Config
from benchmarks._presets import Cell, group_name, row_name
from benchmarks._results import Record
from benchmarks._statistics import mean
from benchmarks._table import summary, text_table


def candidates(cells: Sequence[Cell]) -> list[tuple[Cell, list[Config]]]:
    """Every cell that has a number to choose, with one configuration for each candidate."""
    tried = []
    for cell in cells:
        if cell.knob is not None:
            changes: list[dict[str, Any]] = [{cell.knob: value} for value in cell.candidates]
            configs = [replace(cell.config, split="validation", **change) for change in changes]
            tried.append((cell, configs))
    return tried


def best(records: Sequence[Sequence[Record]]) -> int:
    """The index of the candidate of the highest mean EM; of equal ones, the highest mean EW."""

    def quality(index: int) -> tuple[float, float]:
        runs = records[index]
        return mean([run["em"] for run in runs]), mean([run["ew"] for run in runs])

    return max(range(len(records)), key=quality)


def tuning_report(cells: Sequence[Cell], records_of: Callable[[Config], Sequence[Record]]) -> str:
    """A table for every number that is chosen, with what each candidate reached."""
    tables = []
    for cell, configs in candidates(cells):
        assert cell.knob is not None  # Which `candidates` has seen to.
        records = [records_of(config) for config in configs]
        chosen = best(records)
        lines = [
            (
                f"{value:g}" + ("  ← chosen" if index == chosen else ""),
                *(summary([100 * run[name] for run in runs]) for name in ("em", "ew")),
            )
            for index, (value, runs) in enumerate(zip(cell.candidates, records, strict=True))
        ]
        # The name of the row without the number that is being chosen.
        without = replace(cell.config, clip=cell.config.clip, damping=None)
        title = f"{group_name(without)}: {row_name(without, cell.config)}"
        header = (cell.knob, "EM %", "EW %")
        tables.append(text_table(title, header, lines))
    return "\n\n".join(tables)
