"""Running all cells of a command, and writing what was found."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.runs.cells import group_cells
from benchmarks.runs.chosen import write_chosen
from benchmarks.runs.config import ConfigT
from benchmarks.runs.errors import InputError
from benchmarks.runs.files import write_text
from benchmarks.runs.results import RUNS, Record
from benchmarks.runs.summary import write_summary
from benchmarks.runs.table import Row
from benchmarks.runs.tuning import candidates, choose, tuning_report
from benchmarks.runs.work import Job, train_all, units_of


def run_job(job: Job[ConfigT], *, tune: bool) -> str:
    """Train what has no line yet, write tables and figures, and return the text to print."""
    configs = configs_of(job, tune=tune)
    records = train_all(job, configs)
    if job.shard is not None:
        return _shard_text(job, configs)
    return _tuning(job, records) if tune else _tables(job, records)


def configs_of(job: Job[ConfigT], *, tune: bool) -> list[ConfigT]:
    """The configurations of the job's cells, or of the candidates for their numbers.

    Raises:
        InputError: there are no such numbers.
    """
    if tune:
        tried = [config for _, configs in candidates(job.cells) for config in configs]
        if not tried:
            raise InputError("--tune: none of these cells has a number to choose")
        return tried
    return [cell.config for cell in job.cells]


def _tables(job: Job[ConfigT], records: dict[str, list[Record]]) -> str:
    tables = {}
    for title, group in group_cells(job.cells, job.family.title).items():
        first = group[0].config
        tables[f"{title}, {len(job.seeds)} seeds"] = [
            Row(job.family.label(cell.config, first), records[cell.config.key]) for cell in group
        ]
    return write_summary(job.family, tables, job.out, job.name, job.notes)


def _tuning(job: Job[ConfigT], records: dict[str, list[Record]]) -> str:
    chosen = choose(job.family, job.cells, lambda config: records[config.key])
    text = "\n\n".join([tuning_report(job.family, chosen), *job.notes])
    write_text(job.out / f"{job.name}-tuning.txt", text + "\n")
    file = write_chosen(job.out, job.family, chosen, job.seeds)
    return f"{text}\n\nIn {file}, which --lambda own reads"


def _shard_text(job: Job[ConfigT], configs: Sequence[ConfigT]) -> str:
    """A shard has no tables of its own: they would lack the rows of the others."""
    units = units_of(job, configs)
    runs = sum(len(unit.seeds) for unit in units)
    return (
        f"Shard {job.shard}: {runs} runs in {job.out / RUNS}. Tables and figures of all shards: "
        f"python -m benchmarks.report --results {job.out}"
    )
