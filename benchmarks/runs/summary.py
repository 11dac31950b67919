"""The files that a command leaves: its tables as text, and a figure for each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.runs.config import ConfigT
from benchmarks.runs.family import Family
from benchmarks.runs.files import write_text
from benchmarks.runs.results import RUNS
from benchmarks.runs.table import Row, header, table_lines, text_table


def write_summary(
    family: Family[ConfigT],
    tables: Mapping[str, Sequence[Row]],
    folder: Path,
    name: str,
    notes: Sequence[str] = (),
) -> str:
    """Write the tables and their figures.

    Args:
        family: that the rows belong to.
        tables: the rows of each table by its title.
        folder: of the files.
        name: that the files' names start with.
        notes: what the flags changed.

    Returns:
        The tables, the notes, the conclusion, and the names of the files, to print.
    """
    texts, figures = [], []
    for number, (title, rows) in enumerate(tables.items(), start=1):
        lines = table_lines(rows, family.measures)
        texts.append(text_table(title, header(family.measures), lines))
        suffix = "" if len(tables) == 1 else f"-{number}"
        figures.append(folder / f"{name}{suffix}.png")
        family.plot(figures[-1], title, rows)
    text = "\n\n".join([*texts, *notes, family.conclusion])
    write_text(folder / f"{name}.txt", text + "\n")
    files = ", ".join([RUNS, f"{name}.txt", *(path.name for path in figures)])
    return f"{text}\n\nIn {folder}: {files}"
