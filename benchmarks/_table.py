"""Tables in the form of the paper's: every measure, mean ± std over seeds, and tests of EM."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks._results import Record
from benchmarks._statistics import deviation, mean, paired, welch


@dataclass(frozen=True)
class Measure:
    """Something that every run has a number of.

    Args:
        key: of the number in a line of results.
        heading: of its column.
        scale: what the number is multiplied by.
        digits: after the point.
        rising: whether more is better.
    """

    key: str
    heading: str
    scale: float = 100.0
    digits: int = 1
    rising: bool = True


SORTING_MEASURES: Final = (Measure("em", "EM %"), Measure("ew", "EW %"))


def header(measures: Sequence[Measure]) -> tuple[str, ...]:
    """The headings of a table's columns."""
    return ("", *(measure.heading for measure in measures), "p (Welch)", "p (paired)")


HEADER: Final = header(SORTING_MEASURES)


@dataclass(frozen=True)
class Row:
    """One line of a table: what was done, and its records, one a seed."""

    label: str
    records: Sequence[Record]

    def percentages(self, measure: str) -> list[float]:
        """EM or EW of every seed, in per cent."""
        return [100 * record[measure] for record in self.records]

    def summary(self, measure: Measure) -> str:
        """Mean ± standard deviation over the seeds."""
        values = [measure.scale * record[measure.key] for record in self.records]
        return summary(values, measure.digits)


def summary(values: Sequence[float], digits: int = 1) -> str:
    """Mean ± standard deviation."""
    spread = deviation(values)
    text = f"{mean(values):.{digits}f}"
    return text + ("" if math.isnan(spread) else f" ± {spread:.{digits}f}")


def p_value(p: float) -> str:
    """A p-value to print: `–` where the test says nothing."""
    if math.isnan(p):
        return "–"
    return "<0.0001" if p < 1e-4 else f"{p:.4f}"


def tests_against(reference: Row, row: Row) -> tuple[float, float]:
    """The p of Welch's test and of the paired one for EM, over the seeds that both have."""
    ours = {record["seed"]: 100 * record["em"] for record in row.records}
    theirs = {record["seed"]: 100 * record["em"] for record in reference.records}
    common = sorted(ours.keys() & theirs.keys())
    pairs = paired([ours[seed] for seed in common], [theirs[seed] for seed in common])
    return welch(list(ours.values()), list(theirs.values())).p, pairs.p


def cells(
    rows: Sequence[Row], measures: Sequence[Measure] = SORTING_MEASURES
) -> list[tuple[str, ...]]:
    """The table's cells as text; the first row is the reference of the tests."""
    lines = []
    for row in rows:
        found = (row.summary(measure) for measure in measures)
        tests = ("", "") if row is rows[0] else map(p_value, tests_against(rows[0], row))
        lines.append((row.label, *found, *tests))
    return lines


def text_table(title: str, header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table for a terminal or a text file, its columns aligned."""
    widths = [max(len(line[column]) for line in (header, *lines)) for column in range(len(header))]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    text = [title, rule, _text_line(header, widths), rule]
    text += [_text_line(line, widths) for line in lines]
    return "\n".join([*text, rule])


def markdown_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """The same for a page of documentation."""
    text = [header, ["---"] + ["--:"] * (len(header) - 1), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in text)


def _text_line(line: Sequence[str], widths: Sequence[int]) -> str:
    first = line[0].ljust(widths[0])
    rest = [value.rjust(width) for value, width in zip(line[1:], widths[1:], strict=True)]
    return "  ".join([first, *rest]).rstrip()
