"""Running the cells of a job and writing what it found."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks._config import Config
from benchmarks._data import load_digits
from benchmarks._files import write_text
from benchmarks._plot import plot_rows
from benchmarks._presets import Cell, groups, row_name
from benchmarks._results import Record, Results
from benchmarks._runner import run
from benchmarks._table import HEADER, Row, cells, text_table
from benchmarks._tuning import candidates, tuning_report

CONCLUSION: Final = (
    "You may conclude which rows differ from the first one on these numbers, with this network and "
    "this many steps; you may not conclude that curvature is what helps where clipping, a tuned "
    "rate or the exact loss does as well, nor anything about other data or networks (p-values are "
    "not adjusted for the number of rows)."
)


@dataclass(frozen=True)
class Job:
    """What a command runs.

    Args:
        name: of its files.
        cells: that it trains.
        seeds: for each of them.
        device: to train on.
        data_dir: where the files of the data are.
        out: the folder of the results.
    """

    name: str
    cells: Sequence[Cell]
    seeds: Sequence[int]
    device: torch.device
    data_dir: Path | None
    out: Path


def run_job(job: Job, *, tune: bool) -> str:
    """Train what has no line yet, write tables and figures, and give the text to print."""
    configs = [cell.config for cell in job.cells]
    if tune:
        configs = [config for _, tried in candidates(job.cells) for config in tried]
    records = _run_all(job, configs)
    if tune:
        text = tuning_report(job.cells, lambda config: records[config.key])
        write_text(job.out / f"{job.name}-tuning.txt", text + "\n")
        return text
    return _report(job, records)


def _run_all(job: Job, configs: Sequence[Config]) -> dict[str, list[Record]]:
    digits = load_digits(job.cells[0].config.data, job.data_dir)
    results = Results(job.out)
    records = {}
    with _progress() as progress:
        total = progress.add_task("all", total=sum(config.steps for config in configs))
        for config in configs:
            progress.update(total, description=row_name(config, configs[0]))
            records[config.key] = run(
                config,
                job.seeds,
                digits,
                job.device,
                results,
                progress=lambda steps: progress.advance(total, steps),
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


def _report(job: Job, records: dict[str, list[Record]]) -> str:
    tables, figures = [], []
    for number, (title, group) in enumerate(groups(job.cells).items(), start=1):
        reference = group[0].config
        rows = [Row(row_name(one.config, reference), records[one.config.key]) for one in group]
        heading = f"{title}, {len(job.seeds)} seeds"
        tables.append(text_table(heading, HEADER, cells(rows)))
        suffix = "" if len(groups(job.cells)) == 1 else f"-{number}"
        figures.append(job.out / f"{job.name}{suffix}.png")
        plot_rows(figures[-1], heading, rows)
    text = "\n\n".join([*tables, CONCLUSION])
    write_text(job.out / f"{job.name}.txt", text + "\n")
    names = ", ".join(path.name for path in figures)
    return f"{text}\n\nIn {job.out}: runs.jsonl, {job.name}.txt, {names}"
