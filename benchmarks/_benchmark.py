"""What a benchmark has of its own, where all of them share the machinery."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks._runner import Trainer
from benchmarks._table import Measure, Row


@dataclass(frozen=True)
class Benchmark:
    """A benchmark; `C` below is its kind of configuration.

    Args:
        name: of the benchmark, in its lines of results.
        load: the data for some configurations `C`, from a folder where it is made of files.
        trainer: makes a training of `(C, seeds, data, device)`.
        stacked: whether a training takes all seeds together, or one.
        group_name: the heading of the table that a configuration belongs to.
        row_name: the name of a configuration's row, beside the first of its table.
        measures: what is measured, the main one first.
        plot: writes the figure of a table: path, title, rows.
        conclusion: what may be concluded, and what not.
    """

    name: str
    load: Callable[[Sequence[Any], Path | None], Any]
    trainer: Callable[..., Trainer]
    stacked: bool
    group_name: Callable[[Any], str]
    row_name: Callable[[Any, Any], str]
    measures: tuple[Measure, ...]
    plot: Callable[[Path, str, Sequence[Row]], None]
    conclusion: str
