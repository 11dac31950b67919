"""Tables in the form of the paper's: every measure as mean ± std over seeds, and tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.runs.errors import InputError
from benchmarks.runs.measures import Measure
from benchmarks.runs.results import Record
from benchmarks.runs.statistics import deviation, mean, paired, welch


@dataclass(frozen=True)
class Row:
    """One line of a table: what was done, and its records, one per seed."""

    label: str
    records: Sequence[Record]

    def values(self, measure: Measure) -> dict[int, float]:
        """The measure of every seed, scaled.

        Raises:
            InputError: a record lacks the measure.
        """
        for record in self.records:
            if measure.key not in record:
                raise InputError(f"a line of {self.label!r} has no {measure.key!r}")
        return {record["seed"]: measure.scale * record[measure.key] for record in self.records}


def header(measures: Sequence[Measure]) -> tuple[str, ...]:
    """The headings of a table's columns."""
    return ("", *(measure.heading for measure in measures), "p (Welch)", "p (paired)")


def table_lines(rows: Sequence[Row], measures: Sequence[Measure]) -> list[tuple[str, ...]]:
    """The table's cells as text.

    Args:
        rows: the first one is the reference of the tests.
        measures: of the columns; the first one is tested.
    """
    lines = []
    for row in rows:
        found = (
            summary(list(row.values(measure).values()), measure.digits) for measure in measures
        )
        tests = ("", "")
        if row is not rows[0]:
            welch_p, paired_p = tests_against(rows[0], row, measures[0])
            tests = p_value(welch_p), p_value(paired_p)
        lines.append((row.label, *found, *tests))
    return lines


def tests_against(reference: Row, row: Row, measure: Measure) -> tuple[float, float]:
    """The p of Welch's test, and of the paired one over the seeds that both rows have."""
    ours, theirs = row.values(measure), reference.values(measure)
    common = sorted(ours.keys() & theirs.keys())
    pairs = paired([ours[seed] for seed in common], [theirs[seed] for seed in common])
    return welch(list(ours.values()), list(theirs.values())).p, pairs.p


def summary(values: Sequence[float], digits: int = 1) -> str:
    """Mean ± standard deviation; of one value, the value."""
    spread = deviation(values)
    text = f"{mean(values):.{digits}f}"
    return text + ("" if math.isnan(spread) else f" ± {spread:.{digits}f}")


def p_value(p: float) -> str:
    """A p-value to print: `–` where the test does not apply."""
    if math.isnan(p):
        return "–"
    return "<0.0001" if p < 1e-4 else f"{p:.4f}"


def text_table(title: str, header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table for a terminal or a text file, its columns aligned."""
    widths = [max(len(line[column]) for line in (header, *lines)) for column in range(len(header))]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    text = [title, rule, _text_line(header, widths), rule]
    text += [_text_line(line, widths) for line in lines]
    return "\n".join([*text, rule])


def markdown_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table for a page of documentation."""
    text = [header, ["---"] + ["--:"] * (len(header) - 1), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in text)


def _text_line(line: Sequence[str], widths: Sequence[int]) -> str:
    first = line[0].ljust(widths[0])
    rest = [value.rjust(width) for value, width in zip(line[1:], widths[1:], strict=True)]
    return "  ".join([first, *rest]).rstrip()
