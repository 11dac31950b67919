"""Finished runs of all families, gathered into tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.families import family_of
from benchmarks.runs.config import RunConfig
from benchmarks.runs.errors import InputError
from benchmarks.runs.family import Family
from benchmarks.runs.results import Record
from benchmarks.runs.table import Row

# The record of each seed, by configuration.
_Runs = dict[RunConfig, dict[int, Record]]


@dataclass(frozen=True)
class Table:
    """Runs that are compared with each other; the plain loss first, where it was run.

    Args:
        family: that they belong to.
        title: what they have in common.
        configs: of the rows.
        rows: their records.
    """

    family: Family[Any]
    title: str
    configs: Sequence[RunConfig]
    rows: Sequence[Row]


def tables_of(records: Sequence[Record]) -> list[Table]:
    """The tables of all records; runs on validation data, which only choose, are left out.

    Raises:
        InputError: a record's configuration belongs to no family, or is one of another version.
    """
    runs: _Runs = {}
    groups: dict[tuple[Family[Any], str], list[RunConfig]] = {}
    for record in records:
        family = family_of(record["config"])
        config = _config(family, record)
        if config.split != "test":
            continue
        if config not in runs:
            groups.setdefault((family, family.title(config)), []).append(config)
        runs.setdefault(config, {}).setdefault(record["seed"], record)
    return [_table(family, title, configs, runs) for (family, title), configs in groups.items()]


def _table(family: Family[Any], title: str, configs: Sequence[RunConfig], runs: _Runs) -> Table:
    # Everything but the plain loss in the order in which it was run (the sort is stable).
    ordered = sorted(configs, key=lambda config: not config.is_reference)
    rows = [
        Row(family.label(config, ordered[0]), list(runs[config].values())) for config in ordered
    ]
    return Table(family, title, ordered, rows)


def _config(family: Family[Any], record: Record) -> RunConfig:
    choices = {name: value for name, value in record["config"].items() if name != "benchmark"}
    try:
        config: RunConfig = family.config_class(**choices)
    except TypeError as error:
        raise InputError(f"a line has a configuration of another version: {error}") from error
    if config.key != record["key"]:  # The same choices once meant another computation.
        raise InputError(f"a line has a configuration of another version: key {record['key']}")
    return config
