"""Tables and figures from finished runs: ``python -m benchmarks.report`` (see ``--help``)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks._command import run_command
from benchmarks._errors import InputError
from benchmarks._files import write_text
from benchmarks._report import render, tables_of
from benchmarks._results import RUNS, Record, Results, read_records

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def report(
    results: Annotated[
        Path, typer.Option(help="Folder with runs.jsonl, in itself or in folders below.")
    ] = Path("results"),
    out: Annotated[Path, typer.Option(help="Folder for report.md and the figures.")] = Path(
        "results/report"
    ),
) -> None:
    """Make every table and figure from the lines of finished runs.

    Beside our figure stands the paper's, where we know it, with the difference; below each table
    stands in what our runs differ from the paper's protocol.
    """
    tables = tables_of(_read(results))
    if not tables:
        raise InputError(f"--results: no finished run in {results}")
    folder = Results(out).folder  # Made, and known to be writable.
    text = render(tables, [_figure(number) for number in range(1, len(tables) + 1)])
    for number, table in enumerate(tables, start=1):
        table.benchmark.plot(folder / _figure(number), table.title, table.rows)
    write_text(folder / "report.md", text)
    print(text)
    print(f"In {folder}: report.md and {len(tables)} figures")


def _read(folder: Path) -> list[Record]:
    if not folder.is_dir():
        raise InputError(f"--results: {folder} is not a folder")
    return [record for path in sorted(folder.rglob(RUNS)) for record in read_records(path)]


def _figure(number: int) -> str:
    return f"table-{number}.png"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 2 with one line on stderr when an input cannot be used."""
    return run_command(app, "benchmarks.report", arguments)


if __name__ == "__main__":
    sys.exit(main())
