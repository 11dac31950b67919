"""Running all cells of a command, and writing what was found."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.runs.cells import Cell, group_cells
from benchmarks.runs.config import ConfigT
from benchmarks.runs.family import Family
from benchmarks.runs.files import write_text
from benchmarks.runs.results import Record, Results
from benchmarks.runs.runner import run
from benchmarks.runs.summary import write_summary
from benchmarks.runs.table import Row
from benchmarks.runs.tuning import candidates, tuning_report


@dataclass(frozen=True, kw_only=True)
class Job(Generic[ConfigT]):
    """What a command runs.

    Args:
        family: that the cells belong to.
        name: of its files.
        cells: that it trains.
        seeds: for each of them.
        device: to train on.
        data_dir: where the files of the data are.
        out: the folder of the results.
    """

    family: Family[ConfigT]
    name: str
    cells: Sequence[Cell[ConfigT]]
    seeds: Sequence[int]
    device: torch.device
    data_dir: Path | None
    out: Path


def run_job(job: Job[ConfigT], *, tune: bool) -> str:
    """Train what has no line yet, write tables and figures, and return the text to print."""
    if tune:
        configs = [config for _, tried in candidates(job.cells) for config in tried]
        records = _run_all(job, configs)
        text = tuning_report(job.family, job.cells, lambda config: records[config.key])
        write_text(job.out / f"{job.name}-tuning.txt", text + "\n")
        return text
    records = _run_all(job, [cell.config for cell in job.cells])
    tables = {}
    for title, group in group_cells(job.cells, job.family.title).items():
        first = group[0].config
        tables[f"{title}, {len(job.seeds)} seeds"] = [
            Row(job.family.label(cell.config, first), records[cell.config.key]) for cell in group
        ]
    return write_summary(job.family, tables, job.out, job.name)


def _run_all(job: Job[ConfigT], configs: Sequence[ConfigT]) -> dict[str, list[Record]]:
    """The records of every configuration, by its key."""
    family = job.family
    data = family.load(configs, job.data_dir)
    results = Results(job.out)
    stacks = [job.seeds] if family.stacked else [[seed] for seed in job.seeds]
    records: dict[str, list[Record]] = {}
    with _progress() as progress:
        steps = sum(config.total_steps for config in configs)
        task = progress.add_task("all", total=len(stacks) * steps)

        def advance(steps: int) -> None:
            progress.advance(task, steps)

        for config in configs:
            records[config.key] = []
            progress.update(task, description=family.label(config, configs[0]))
            for stack in stacks:
                records[config.key] += run(
                    family, config, stack, data, job.device, results, progress=advance
                )
    return records


def _progress() -> Progress:
    """A bar on stderr; nothing at all where that is not a terminal."""
    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} steps"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
