"""``--list``: every cell of a command, what is done of it, and the time that is left."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Generic

from benchmarks.runs.checkpoint import Checkpoint
from benchmarks.runs.config import ConfigT
from benchmarks.runs.results import RUNS, Record, read_records
from benchmarks.runs.runner import CHECKPOINTS
from benchmarks.runs.step_time import seconds_per_seed
from benchmarks.runs.table import text_table
from benchmarks.runs.work import Job, units_of

# Fields that hardly change how long a step takes.
_NUMBERS: Final = {
    "damping",
    "lr",
    "split",
    "temperature",
    "steepness",
    "sigma",
    "clip",
    "validate_every",
}


def list_cells(
    job: Job[ConfigT], configs: Sequence[ConfigT], *, as_json: bool, measure: bool = False
) -> str:
    """The cells as a table, or as one JSON object per line; nothing is trained or written.

    The seconds that are left are estimated from the finished runs of the folder (of the same cell
    or of one that differs in λ, rates and the like alone) and from the cell's checkpoint. Where
    there are neither they are ``None``, or measured on ten steps with made-up data.
    """
    records = read_records(job.out / RUNS)
    seeds: dict[ConfigT, list[int]] = {config: [] for config in configs}
    for unit in units_of(job, configs):
        seeds[unit.config] += unit.seeds
    measured = _Measured(job) if measure else None
    entries = [
        _entry(job, config, found, records, measured) for config, found in seeds.items() if found
    ]
    if as_json:
        return "\n".join(json.dumps(entry, allow_nan=False) for entry in entries)
    return _table(job, [config for config, found in seeds.items() if found], entries)


def _table(job: Job[ConfigT], configs: Sequence[ConfigT], entries: Sequence[dict[str, Any]]) -> str:
    lines = []
    firsts: dict[str, ConfigT] = {}
    for config, entry in zip(configs, entries, strict=True):
        title = job.family.title(config)
        name = f"{title}: {job.family.label(config, firsts.setdefault(title, config))}"
        seeds = f"{len(entry['seeds'])}"
        lines.append((name, seeds, "yes" if entry["done"] else "no", _time(entry["seconds_left"])))
    known = [entry["seconds_left"] for entry in entries if entry["seconds_left"] is not None]
    left = _time(sum(known) if known else None)
    title = f"{len(entries)} cells; left where it can be estimated: {left}"
    return text_table(title, ("", "seeds", "done", "left"), lines)


def _entry(
    job: Job[ConfigT],
    config: ConfigT,
    seeds: Sequence[int],
    records: Sequence[Record],
    measured: _Measured[ConfigT] | None,
) -> dict[str, Any]:
    finished = {record["seed"] for record in records if record["key"] == config.key}
    missing = [seed for seed in seeds if seed not in finished]
    return {
        "config": config.asdict(),
        "seeds": list(seeds),
        "done": not missing,
        "seconds_left": _seconds_left(job, config, missing, records, measured) if missing else 0.0,
    }


def _seconds_left(
    job: Job[ConfigT],
    config: ConfigT,
    missing: Sequence[int],
    records: Sequence[Record],
    measured: _Measured[ConfigT] | None,
) -> float | None:
    stacks = [missing] if job.family.stacked else [[seed] for seed in missing]
    rate = _seconds_per_step(config, records)
    steps = 0
    for stack in stacks:
        state = Checkpoint(job.out / CHECKPOINTS, config.key, stack).load() or {"step": 0}
        steps += (config.total_steps - state["step"]) * len(stack)
        if rate is None and state["step"] > 0:
            rate = state["seconds"] / state["step"] / len(stack)
    if rate is None and measured is not None:
        rate = measured.rate(config, stacks[0])
    return None if rate is None else round(rate * steps, 2)


class _Measured(Generic[ConfigT]):
    """The seconds of a step of one seed, measured once for all cells that take as long."""

    def __init__(self, job: Job[ConfigT]) -> None:
        self._job = job
        self._rates: dict[str, float] = {}

    def rate(self, config: ConfigT, seeds: Sequence[int]) -> float:
        """Of this configuration, with so many seeds in a stack."""
        alike = _without_numbers(config.asdict(), config.length)
        kind = json.dumps([alike, len(seeds)])
        if kind not in self._rates:
            training = self._job.family.rehearsal(config, seeds, self._job.device)
            self._rates[kind] = seconds_per_seed(training)
        return self._rates[kind]


def _seconds_per_step(config: ConfigT, records: Sequence[Record]) -> float | None:
    """Of one seed: the mean over the runs that take as long as this one."""
    alike = _without_numbers(config.asdict(), config.length)
    rates = []
    for record in records:
        if _without_numbers(record["config"], config.length) == alike:
            theirs = replace(config, **{config.length: record["config"][config.length]})
            rates.append(record["seconds"] / record["stacked_seeds"] / theirs.total_steps)
    return sum(rates) / len(rates) if rates else None


def _without_numbers(choices: dict[str, Any], length: str) -> dict[str, Any]:
    return {name: value for name, value in choices.items() if name not in {*_NUMBERS, length}}


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d} h" if minutes else f"{seconds:.0f} s"
