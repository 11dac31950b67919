"""The command ``python -m benchmarks.speed``: the speed of the library, as ratios."""

from __future__ import annotations

import fnmatch
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.runs.command import run_command
from benchmarks.runs.device import select_device
from benchmarks.runs.errors import InputError
from benchmarks.runs.files import write_text
from benchmarks.speed.comparison import Comparison, ComparisonResult, measure
from benchmarks.speed.comparisons import COMPARISONS
from benchmarks.speed.timing import machine

HEADER: Final = ("work", "against", "ours ms", "peer ms", "ratio", "reach", "reached")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def speed(
    device: Annotated[str, typer.Option(help="cpu (one thread) | cuda.")] = "cpu",
    rows: Annotated[
        str, typer.Option(help="Which rows: a pattern of keys, such as 'odd-even-*'.")
    ] = "*",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the results to this file too.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Timings of each side of a row.")] = 50,
) -> None:
    """Measure the library's work side by side with its peers', and print the ratios.

    The two sides of a row run in turn in this process, in blocks of about 10 ms; the times are
    medians in milliseconds of one call. The ratio is that of our time to the peer's; where the peer
    makes further passes or decompositions (`≥`), that of the peer's time to ours.
    """
    place, chosen = select_device(device, ("cpu", "cuda")), _chosen(rows)
    if json_file is not None and not json_file.parent.is_dir():
        raise InputError(f"--json: {json_file.parent} is not a folder")
    progress = track(chosen, "measuring", console=Console(stderr=True), transient=True)
    results = [measure(row, place, repeats) for row in progress]
    # A table that goes to a file is not cut to the width of a terminal.
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(_table(results, machine(place)))
    if json_file is not None:
        records = [result.record() for result in results]
        content = {"machine": machine(place), "repeats": repeats, "rows": records}
        write_text(json_file, json.dumps(content, indent=1) + "\n")


def table_line(result: ComparisonResult) -> tuple[str, ...]:
    """A line of the table."""
    row = result.comparison
    factor, unit = (100, " %") if row.percent else (1, "")
    times = f"{result.ours_ms:.3g}", f"{result.peer_ms:.3g}"
    sign = "≥" if row.faster else "≤"
    reach = "" if row.reach is None else f"{sign} {factor * row.reach:g}{unit}"
    ratio = f"{factor * result.ratio:.2f}{unit}"
    reached = {True: "yes", False: "no", None: ""}[result.reached]
    return row.work, row.peer, *times, ratio, reach, reached


def _table(results: Sequence[ComparisonResult], where: dict[str, str | int]) -> Table:
    title = f"{where['processor']}, {where['threads']} threads, torch {where['torch']}"
    table = Table(title=title.replace(" 1 threads", " 1 thread"))
    for column, name in enumerate(HEADER):
        table.add_column(name, justify="left" if column < 2 else "right")
    for result in results:
        table.add_row(*table_line(result), style="bold red" if result.reached is False else None)
    return table


def _chosen(pattern: str) -> list[Comparison]:
    chosen = [row for row in COMPARISONS if fnmatch.fnmatchcase(row.key, pattern)]
    if not chosen:
        keys = ", ".join(row.key for row in COMPARISONS)
        raise InputError(f"--rows: no row matches {pattern!r}; there are {keys}")
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 2 with one line on stderr when an input cannot be used."""
    return run_command(app, "benchmarks.speed", arguments)
