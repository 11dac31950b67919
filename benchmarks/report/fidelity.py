"""What the presets of the paper run, row by row, and where the paper says so, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from benchmarks.runs.family import Family
from benchmarks.runs.paper import PaperRow, value_in_words
from benchmarks.runs.table import markdown_table


def render_fidelity(families: Sequence[Family[Any]]) -> str:
    """The page: for each family what all rows have in common, then the rows."""
    parts = [
        "# The paper's experiments, field by field",
        "What the presets run (`--preset table1`, `cauchy15`, `table2` and `table3`), and where "
        "the paper (arXiv 2410.19055) says so. The fields are those of a configuration, as in "
        "`--list --json`. A number in brackets is not printed there: ours until `--tune` has "
        "chosen another. `python -m benchmarks.report` compares each field of each finished run "
        "with these.",
    ]
    for family in families:
        if family.paper.rows():
            parts += _family(family)
    return "\n\n".join(parts) + "\n"


def _family(family: Family[Any]) -> list[str]:
    rows = family.paper.rows()
    names = [one.name for one in fields(family.config_class)]
    common = [name for name in names if len({getattr(row.config, name) for row in rows}) == 1]
    own = [name for name in names if name not in common]
    sources = family.paper.sources
    shared = [(_words(name), _value(rows[0], name), sources[name]) for name in common]
    return [
        f"## {family.name.replace('_', ' ').capitalize()}",
        f"All rows, each with {family.paper.seeds} seeds:",
        markdown_table(("field", "value", "where"), shared),
        "Where the paper has the fields in which rows differ:",
        markdown_table(("field", "where"), [(_words(name), sources[name]) for name in own]),
        "The rows; the last columns are the paper's figures:",
        _rows(family, rows, own),
    ]


def _rows(family: Family[Any], rows: Sequence[PaperRow[Any]], names: Sequence[str]) -> str:
    measures = [one for one in family.measures if one.key in rows[0].figures]
    header = ("where", *map(_words, names), *(measure.heading for measure in measures))
    lines = []
    for row in rows:
        values = [_value(row, name) for name in names]
        figures = [str(row.figures[measure.key]) for measure in measures]
        lines.append((row.place, *values, *figures))
    return markdown_table(header, lines)


def _value(row: PaperRow[Any], name: str) -> str:
    value = getattr(row.config, name)
    if value is None or value is False:
        return "–"
    text = value_in_words(value)
    return f"[{text}]" if name in row.unsaid else text


def _words(name: str) -> str:
    return name.replace("_", " ")
