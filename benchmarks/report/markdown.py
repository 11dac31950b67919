"""The report as Markdown: tables with the paper's figures beside ours."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report.tables import Table
from benchmarks.runs.statistics import mean
from benchmarks.runs.table import header, markdown_table, table_lines


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
        "two-sided, not adjusted for the number of rows. Paper: the first measure in arXiv "
        "2410.19055, where we know it; – where we do not, or where the paper has no such row.",
    ]
    for table, figure in zip(tables, figures, strict=True):
        name = table.family.measures[0].name
        parts += [f"## {table.title}", _rows(table), _protocol(table), f"![{name}]({figure})"]
        parts.append(_machines(table))
    return "\n\n".join(parts) + "\n"


def _rows(table: Table) -> str:
    measures = table.family.measures
    headings = (*header(measures), "seeds", f"paper {measures[0].heading}", "difference")
    lines = []
    found = table_lines(table.rows, measures)
    for config, row, line in zip(table.configs, table.rows, found, strict=True):
        figure = table.family.paper.figure(config)
        ours = mean(list(row.values(measures[0]).values()))
        paper = ("–", "–") if figure is None else (str(figure), f"{ours - figure.value:+.1f}")
        lines.append((*line, str(len(row.records)), *paper))
    return markdown_table(headings, lines)


def _protocol(table: Table) -> str:
    """How the runs differ from the paper's, in one sentence."""
    seeds = min(len(row.records) for row in table.rows)
    differences = table.family.paper.differences(table.configs[0], seeds)
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
    # Each seed of a stack has the seconds of the whole stack in its line.
    seconds = sum(
        record["seconds"] / record["stacked_seeds"] for row in table.rows for record in row.records
    )
    return f"Run with {' and '.join(sorted(found))}; {seconds:,.0f} s of training in all."
