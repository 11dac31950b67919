"""The report as Markdown: tables with the paper's figures beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.report.tables import Table
from benchmarks.runs.measures import Measure
from benchmarks.runs.paper import PaperFigure
from benchmarks.runs.statistics import mean
from benchmarks.runs.table import Row, header, markdown_table, table_lines


def render(tables: Sequence[Table], figures: Sequence[str]) -> str:
    """The report.

    Args:
        tables: in their order.
        figures: the file of each table's figure.
    """
    legends = dict.fromkeys(table.family.legend for table in tables)
    parts = [
        "# The benchmarks",
        " ".join(legends),
        "Mean ± standard deviation over the seeds. Tests: the first measure against the first row, "
        "two-sided, not adjusted for the number of rows. Paper: arXiv 2410.19055; – where it has "
        "no such row. Figures: 95 % confidence intervals of the mean.",
    ]
    for table, figure in zip(tables, figures, strict=True):
        name = table.family.measures[0].name
        parts += [f"## {table.title}", _rows(table), _protocol(table), f"![{name}]({figure})"]
        parts.append(_machines(table))
    return "\n\n".join(parts) + "\n"


def _rows(table: Table) -> str:
    family = table.family
    figures = [row.figures if row else {} for row in map(family.paper.row, table.configs)]
    known = [one for one in family.measures if any(one.key in found for found in figures)]
    headings = (*header(family.measures), "seeds")
    for measure in known:
        headings += (f"paper {measure.heading}", "difference")
    lines = []
    found = table_lines(table.rows, family.measures)
    for paper, row, line in zip(figures, table.rows, found, strict=True):
        beside = [text for measure in known for text in _beside(paper, row, measure)]
        lines.append((*line, str(len(row.records)), *beside))
    return markdown_table(headings, lines)


def _beside(paper: Mapping[str, PaperFigure], row: Row, measure: Measure) -> tuple[str, str]:
    """The paper's figure, and how far ours is above it."""
    figure = paper.get(measure.key)
    if figure is None:
        return "–", "–"
    ours = mean(list(row.values(measure).values()))
    return str(figure), f"{ours - figure.value:+.1f}"


def _protocol(table: Table) -> str:
    """How the runs differ from the paper's: what all rows have in common, then row by row."""
    differences = {
        row.label: table.family.paper.differences(config, len(row.records))
        for config, row in zip(table.configs, table.rows, strict=True)
    }
    compared = {label: found for label, found in differences.items() if found is not None}
    parts = []
    if compared:
        parts.append(_compared(compared))
    absent = [label for label, found in differences.items() if found is None]
    if absent:
        parts.append(f"Not in the paper: {'; '.join(absent)}.")
    return " ".join(parts)


def _compared(differences: Mapping[str, Sequence[str]]) -> str:
    common = [
        words
        for words in next(iter(differences.values()))
        if all(words in found for found in differences.values())
    ]
    own = [
        f"{label}: {', '.join(words for words in found if words not in common)}"
        for label, found in differences.items()
        if any(words not in common for words in found)
    ]
    if not common and not own:
        return "The rows of the paper follow its protocol, field by field."
    texts = [", ".join(common)] if common else []
    return (
        "**Not the paper's protocol**, so the figures are not expected to match: "
        f"{'; '.join([*texts, *own])}."
    )


def _machines(table: Table) -> str:
    """Where the runs were made, and how long they took."""
    found = {
        f"torch {record['torch']}, {record['device']}, {record['threads']} threads"
        for row in table.rows
        for record in row.records
    }
    # Each seed of a stack has the seconds of the whole stack in its line.
    seconds = sum(
        record["seconds"] / record["stacked_seeds"] for row in table.rows for record in row.records
    )
    return f"Run with {' and '.join(sorted(found))}; {seconds:,.0f} s of training in all."
