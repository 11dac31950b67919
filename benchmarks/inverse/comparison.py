"""Every Newton loss and control against the plain loss, at equal steps and at equal seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.inverse.config import InverseConfig
from benchmarks.inverse.holm import holm
from benchmarks.inverse.measures import CLEAN, LOSS, MEDIAN
from benchmarks.inverse.names import table_title, treatment
from benchmarks.runs.errors import InputError
from benchmarks.runs.files import write_text
from benchmarks.runs.measures import Measure
from benchmarks.runs.results import RUNS, read_records
from benchmarks.runs.statistics import confidence, mean, paired
from benchmarks.runs.table import Row, p_value, text_table

# A table by the configurations of its rows.
_Runs = dict[InverseConfig, Row]
_HEADER: Final = ("", "against", "seconds", "loss [95 %]", "p", "p (Holm)", "median", "clean")
_NOTES: Final = (
    "Ratios to the plain loss named under `against`, below 1 where the row is better: geometric "
    "means over the paired seeds; of the loss with its 95 % interval. p: paired t-test of the "
    "logarithms; Holm: corrected over all lines of all tables. seconds: the processor time of the "
    "row over that of what it is compared with. A row is compared at equal steps, and with the "
    "plain loss that was trained for at least as many seconds or, where none was, for the most."
)


@dataclass(frozen=True)
class Comparison:
    """A row against a plain loss.

    Args:
        label: of the row.
        against: the label of the plain loss.
        row: the runs of the row.
        plain: the runs of the plain loss.
    """

    label: str
    against: str
    row: Row
    plain: Row

    def logarithms(self, measure: Measure) -> list[float]:
        """The logarithm of the ratio of a measure, for each seed that both have."""
        ours, theirs = self.row.values(measure), self.plain.values(measure)
        return [math.log(ours[seed] / theirs[seed]) for seed in sorted(ours.keys() & theirs.keys())]

    @property
    def p(self) -> float:
        """Of the paired test of the logarithms of the loss."""
        logarithms = self.logarithms(LOSS)
        return paired(logarithms, [0.0] * len(logarithms)).p

    @property
    def seconds(self) -> float:
        """The seconds of training over those of the plain loss."""
        return _seconds(self.row) / _seconds(self.plain)


def compare_folder(folder: Path) -> str:
    """Compare the finished runs of a folder; write ``comparison.txt`` there and return its text.

    Raises:
        InputError: there are no runs that can be compared.
    """
    tables = {title: compare(runs) for title, runs in _tables(folder).items()}
    tables = {title: found for title, found in tables.items() if found}
    if not tables:
        raise InputError(f"--out: {folder} has no plain runs with others beside them")
    corrected = iter(holm([one.p for found in tables.values() for one in found]))
    texts = []
    for title, found in tables.items():
        lines = [_line(one, next(corrected)) for one in found]
        texts.append(text_table(title, _HEADER, lines))
    text = "\n\n".join([*texts, _NOTES])
    write_text(folder / "comparison.txt", text + "\n")
    return f"{text}\n\nIn {folder}: comparison.txt"


def compare(runs: _Runs) -> list[Comparison]:
    """The comparisons of a table: each row at equal steps, then at equal seconds if that differs.

    Where the plain loss was run at several rates, the one with the lowest mean loss counts.
    """
    plains = _best_plains(runs)
    if 1 not in plains:
        return []
    found = []
    for config, row in runs.items():
        if _is_plain(config) or config.solver != "network":
            continue
        for other, plain in dict([plains[1], _equal_seconds(row, plains)]).items():
            found.append(Comparison(row.label, treatment(other), row, plain))
    return found


def _best_plains(runs: _Runs) -> dict[int, tuple[InverseConfig, Row]]:
    """The plain loss of each number of steps, by ``factor``, at the rate that was best."""
    plains: dict[int, tuple[InverseConfig, Row]] = {}
    for config, row in runs.items():
        best = plains.get(config.factor)
        if _is_plain(config) and (best is None or _loss(row) < _loss(best[1])):
            plains[config.factor] = config, row
    return plains


def _equal_seconds(
    row: Row, plains: Mapping[int, tuple[InverseConfig, Row]]
) -> tuple[InverseConfig, Row]:
    """The shortest plain training that takes as long as the row, or the longest of them."""
    by_time = sorted(plains.values(), key=lambda item: _seconds(item[1]))
    enough = [item for item in by_time if _seconds(item[1]) >= _seconds(row)]
    return enough[0] if enough else by_time[-1]


def _is_plain(config: InverseConfig) -> bool:
    """Whether nothing but the number of steps tells it from the plain loss."""
    return replace(config, factor=1).is_reference


def _loss(row: Row) -> float:
    return mean(list(row.values(LOSS).values()))


def _seconds(row: Row) -> float:
    return mean([record["seconds"] for record in row.records])


def _line(one: Comparison, corrected: float) -> tuple[str, ...]:
    logarithms = one.logarithms(LOSS)
    centre, half = mean(logarithms), confidence(logarithms)
    low, high = math.exp(centre - half), math.exp(centre + half)
    ratio = f"{math.exp(centre):.3f} [{low:.3f}, {high:.3f}]"
    others = (f"{math.exp(mean(one.logarithms(measure))):.3f}" for measure in (MEDIAN, CLEAN))
    tests = p_value(one.p), p_value(corrected)
    return (one.label, one.against, f"{one.seconds:.2f}", ratio, *tests, *others)


def _tables(folder: Path) -> dict[str, _Runs]:
    """The runs of a folder that are no trials, by table and by configuration."""
    rows: dict[InverseConfig, list[dict[str, object]]] = {}
    for record in read_records(folder / RUNS):
        choices = {name: value for name, value in record["config"].items() if name != "benchmark"}
        config = InverseConfig(**choices)
        if config.split == "test":
            rows.setdefault(config, []).append(record)
    tables: dict[str, _Runs] = {}
    for config, records in rows.items():
        label = f"{treatment(config)}, rate {config.lr:g}"
        tables.setdefault(table_title(config), {})[config] = Row(label, records)
    return tables
