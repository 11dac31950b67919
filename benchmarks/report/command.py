"""The command ``python -m benchmarks.report``: tables and figures from finished runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.families import FAMILIES
from benchmarks.report.fidelity import render_fidelity
from benchmarks.report.markdown import render
from benchmarks.report.tables import tables_of
from benchmarks.runs.command import run_command
from benchmarks.runs.errors import InputError
from benchmarks.runs.files import write_text
from benchmarks.runs.results import RUNS, Record, Results, read_records

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def report(
    results: Annotated[
        Path, typer.Option(help="Folder with runs.jsonl, in itself or in folders below.")
    ] = Path("results"),
    out: Annotated[
        Path, typer.Option(help="Folder for report.md, fidelity.md and the figures.")
    ] = Path("results/report"),
) -> None:
    """Make every table and figure from the lines of finished runs.

    Beside our figure is the paper's, where we know it, with the difference; below each table is a
    list of how our runs differ from the paper's protocol. Beside the report, fidelity.md says what
    the presets run and where the paper says so.
    """
    tables = tables_of(_read(results))
    if not tables:
        raise InputError(f"--results: no finished run in {results}")
    folder = Results(out).folder  # It exists now and is writable.
    text = render(tables, [_figure(number) for number in range(1, len(tables) + 1)])
    for number, table in enumerate(tables, start=1):
        table.family.plot(folder / _figure(number), table.title, table.rows)
    write_text(folder / "report.md", text)
    write_text(folder / "fidelity.md", render_fidelity(FAMILIES))
    print(text)
    print(f"In {folder}: report.md, fidelity.md and {len(tables)} figures")


def _read(folder: Path) -> list[Record]:
    if not folder.is_dir():
        raise InputError(f"--results: {folder} is not a folder")
    return [record for path in sorted(folder.rglob(RUNS)) for record in read_records(path)]


def _figure(number: int) -> str:
    return f"table-{number}.png"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 2 with one line on stderr when an input cannot be used."""
    return run_command(app, "benchmarks.report", arguments)
