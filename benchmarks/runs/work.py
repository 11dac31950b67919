"""The work of a job: which seeds of which configurations are trained together, and by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

import torch

from benchmarks.runs.cells import Cell
from benchmarks.runs.config import ConfigT
from benchmarks.runs.family import Family
from benchmarks.runs.locks import hold
from benchmarks.runs.progress import Progress, show_progress
from benchmarks.runs.results import Record, Results
from benchmarks.runs.runner import run
from benchmarks.runs.shard import Shard


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
        notes: what the flags changed, to be printed below the tables.
        shard: the part of the work that is done, or ``None`` for all of it.
    """

    family: Family[ConfigT]
    name: str
    cells: Sequence[Cell[ConfigT]]
    seeds: Sequence[int]
    device: torch.device
    data_dir: Path | None
    out: Path
    notes: Sequence[str] = ()
    shard: Shard | None = None


@dataclass(frozen=True)
class Unit(Generic[ConfigT]):
    """What is trained at once: a configuration with all seeds, or with one of them."""

    config: ConfigT
    seeds: Sequence[int]
    lock: str


def units_of(job: Job[ConfigT], configs: Sequence[ConfigT]) -> list[Unit[ConfigT]]:
    """The units of these configurations, those of the job's shard alone."""
    if job.family.stacked:
        units = [Unit(config, job.seeds, config.key) for config in configs]
    else:
        units = [
            Unit(config, [seed], f"{config.key}-{seed}") for config in configs for seed in job.seeds
        ]
    return units if job.shard is None else job.shard.take(units)


def train_all(job: Job[ConfigT], configs: Sequence[ConfigT]) -> dict[str, list[Record]]:
    """Train what has no line yet; what another process trains is waited for at the end.

    Returns:
        The records of the job's seeds by the key of the configuration.
    """
    data = job.family.load(configs, job.data_dir)
    results = Results(job.out)
    units = units_of(job, configs)
    with show_progress(sum(unit.config.total_steps for unit in units)) as progress:

        def train(unit: Unit[ConfigT], *, wait: bool) -> bool:
            return _train(job, unit, data, results, progress, wait=wait)

        elsewhere = [unit for unit in units if not train(unit, wait=False)]
        for unit in elsewhere:
            train(unit, wait=True)
    wanted = {(unit.config.key, seed) for unit in units for seed in unit.seeds}
    found = {(record["key"], record["seed"]): record for record in results.read()}
    records: dict[str, list[Record]] = {config.key: [] for config in configs}
    for config in configs:
        keys = [(config.key, seed) for seed in job.seeds]
        records[config.key] = [found[key] for key in keys if key in wanted]
    return records


def _train(
    job: Job[ConfigT],
    unit: Unit[ConfigT],
    data: object,
    results: Results,
    progress: Progress,
    *,
    wait: bool,
) -> bool:
    """Whether the unit has its lines now; not so where another process trains it."""
    progress.describe(job.family.label(unit.config, job.cells[0].config))
    with hold(results.folder, unit.lock, wait=wait) as held:
        if held:
            config, seeds = unit.config, unit.seeds
            run(job.family, config, seeds, data, job.device, results, progress=progress.advance)
    return held
