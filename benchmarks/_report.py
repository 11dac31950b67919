"""The report: finished runs gathered into tables, the paper's figures beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks._benchmark import Benchmark
from benchmarks._config import Config
from benchmarks._errors import InputError
from benchmarks._job import SORTING
from benchmarks._paper import paper_figure, protocol_differences
from benchmarks._path_config import PathConfig
from benchmarks._path_presets import PATHS
from benchmarks._results import Record
from benchmarks._statistics import mean
from benchmarks._table import Row, cells, header, markdown_table

AnyConfig = Config | PathConfig


@dataclass(frozen=True)
class Table:
    """Runs that are compared with each other; the first row is the plain loss where there is one.

    Args:
        title: what they have in common.
        configs: of the rows.
        rows: their records.
        benchmark: that they belong to.
    """

    title: str
    configs: Sequence[AnyConfig]
    rows: Sequence[Row]
    benchmark: Benchmark


def tables_of(records: Sequence[Record]) -> list[Table]:
    """The tables of all records; runs on validation digits, which only choose, are left out."""
    by_config: dict[AnyConfig, dict[int, Record]] = {}
    for record in records:
        config = _config(record["config"])
        if config.split == "test":
            by_config.setdefault(config, {}).setdefault(record["seed"], record)
    titles: dict[str, list[AnyConfig]] = {}
    for config in by_config:
        titles.setdefault(_benchmark(config).group_name(config), []).append(config)
    return [_table(title, configs, by_config) for title, configs in titles.items()]


def _table(
    title: str, configs: Sequence[AnyConfig], records: Mapping[AnyConfig, Mapping[int, Record]]
) -> Table:
    # The plain loss first; everything else as it was run (the sort is stable).
    ordered = sorted(configs, key=lambda config: config != config.plain() or config.loss == "exact")
    benchmark = _benchmark(ordered[0])
    names = [benchmark.row_name(one, ordered[0]) for one in ordered]
    rows = [
        Row(name, list(records[one].values())) for name, one in zip(names, ordered, strict=True)
    ]
    return Table(title, ordered, rows, benchmark)


def render(tables: Sequence[Table], figures: Sequence[str]) -> str:
    """The report as Markdown."""
    parts = [
        "# The benchmarks",
        "Sorting: EM, all ranks of a set are right; EW, share of elements at their rank. Shortest "
        "paths: EM, the path is the true one; path cost / best, what the path costs over what the "
        "best one costs. Mean ± standard deviation over the seeds. Tests: EM against the first "
        "row, two-sided, not adjusted for the number of rows. Paper: EM of Table 1 of arXiv "
        "2410.19055, where we know it; – where we do not, or where the paper has no such row.",
    ]
    for table, figure in zip(tables, figures, strict=True):
        parts += [f"## {table.title}", _markdown(table), _mismatch(table), f"![EM]({figure})"]
        parts.append(_machines(table))
    return "\n\n".join(parts) + "\n"


def _markdown(table: Table) -> str:
    measures = table.benchmark.measures
    headings = (*header(measures), "seeds", "paper EM %", "difference")
    lines = []
    found = cells(table.rows, measures)
    for config, row, line in zip(table.configs, table.rows, found, strict=True):
        figure = paper_figure(config)
        ours = mean(row.percentages("em"))
        paper = ("–", "–") if figure is None else (str(figure), f"{ours - figure.em:+.1f}")
        lines.append((*line, str(len(row.records)), *paper))
    return markdown_table(headings, lines)


def _mismatch(table: Table) -> str:
    """In what the runs differ from the paper's, in one sentence."""
    seeds = min(len(row.records) for row in table.rows)
    differences = protocol_differences(table.configs[0], seeds)
    if not differences:
        return "These runs follow the paper's protocol."
    return (
        f"**Not the paper's protocol**, so the figures are not expected to match: "
        f"{'; '.join(differences)}."
    )


def _machines(table: Table) -> str:
    """Where the runs were made, and how long they took."""
    found = {
        f"torch {record['torch']}, {record['device']}, {record['threads']} threads"
        for row in table.rows
        for record in row.records
    }
    # The seconds of a stack of seeds stand in the line of each of them.
    seconds = sum(
        record["seconds"] / record["stacked_seeds"] for row in table.rows for record in row.records
    )
    return f"Run with {' and '.join(sorted(found))}; {seconds:,.0f} s of training in all."


def _benchmark(config: AnyConfig) -> Benchmark:
    return PATHS if isinstance(config, PathConfig) else SORTING


def _config(values: Mapping[str, Any]) -> AnyConfig:
    choices = dict(values)
    kind = PathConfig if choices.pop("benchmark", SORTING.name) == PATHS.name else Config
    try:
        return kind(**choices)
    except TypeError as error:
        raise InputError(f"a line has a configuration of another version: {error}") from error
