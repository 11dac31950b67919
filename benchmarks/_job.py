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

from benchmarks._benchmark import Benchmark
from benchmarks._config import Config
from benchmarks._data import Digits, load_digits
from benchmarks._files import write_text
from benchmarks._plot import plot_rows
from benchmarks._presets import Cell, group_name, groups, row_name
from benchmarks._results import Record, Results
from benchmarks._runner import RunConfig, run
from benchmarks._table import SORTING_MEASURES, Row, cells, header, text_table
from benchmarks._training import Training
from benchmarks._tuning import candidates, tuning_report

CONCLUSION: Final = (
    "You may conclude which rows differ from the first one on these numbers, with this network and "
    "this many steps; you may not conclude that curvature is what helps where clipping, a tuned "
    "rate or the exact loss does as well, nor anything about other data or networks (p-values are "
    "not adjusted for the number of rows)."
)


def _load(configs: Sequence[Config], data_dir: Path | None) -> dict[str, Digits]:
    return load_digits(configs[0].data, data_dir)


SORTING: Final = Benchmark(
    name="sorting",
    load=_load,
    trainer=Training,
    stacked=True,
    group_name=group_name,
    row_name=row_name,
    measures=SORTING_MEASURES,
    plot=plot_rows,
    conclusion=CONCLUSION,
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
        benchmark: that the cells belong to.
    """

    name: str
    cells: Sequence[Cell]
    seeds: Sequence[int]
    device: torch.device
    data_dir: Path | None
    out: Path
    benchmark: Benchmark = SORTING


def run_job(job: Job, *, tune: bool) -> str:
    """Train what has no line yet, write tables and figures, and give the text to print."""
    configs = [cell.config for cell in job.cells]
    if tune:
        configs = [config for _, tried in candidates(job.cells) for config in tried]
    records = _run_all(job, configs)
    if tune:
        text = tuning_report(
            job.cells,
            lambda config: records[config.key],
            measures=job.benchmark.measures,
            name_group=job.benchmark.group_name,
            name_row=job.benchmark.row_name,
        )
        write_text(job.out / f"{job.name}-tuning.txt", text + "\n")
        return text
    return _report(job, records)


def _run_all(job: Job, configs: Sequence[RunConfig]) -> dict[str, list[Record]]:
    benchmark = job.benchmark
    data = benchmark.load(configs, job.data_dir)
    results = Results(job.out)
    stacks = [job.seeds] if benchmark.stacked else [[seed] for seed in job.seeds]
    records: dict[str, list[Record]] = {}
    with _progress() as progress:
        steps = sum(config.steps for config in configs)
        total = progress.add_task("all", total=len(stacks) * steps)
        for config in configs:
            records[config.key] = []
            progress.update(total, description=benchmark.row_name(config, configs[0]))
            for stack in stacks:
                records[config.key] += run(
                    config,
                    stack,
                    data,
                    job.device,
                    results,
                    trainer=benchmark.trainer,
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
    benchmark, tables, figures = job.benchmark, [], []
    grouped = groups(job.cells, benchmark.group_name)
    for number, (title, group) in enumerate(grouped.items(), start=1):
        names = [benchmark.row_name(one.config, group[0].config) for one in group]
        found = [records[one.config.key] for one in group]
        rows = [Row(*pair) for pair in zip(names, found, strict=True)]
        heading = f"{title}, {len(job.seeds)} seeds"
        lines = cells(rows, benchmark.measures)
        tables.append(text_table(heading, header(benchmark.measures), lines))
        suffix = "" if len(grouped) == 1 else f"-{number}"
        figures.append(job.out / f"{job.name}{suffix}.png")
        benchmark.plot(figures[-1], heading, rows)
    text = "\n\n".join([*tables, benchmark.conclusion])
    write_text(job.out / f"{job.name}.txt", text + "\n")
    pictures = ", ".join(path.name for path in figures)
    return f"{text}\n\nIn {job.out}: runs.jsonl, {job.name}.txt, {pictures}"
