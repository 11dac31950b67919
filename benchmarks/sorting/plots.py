"""The figure of a table of the sorting benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.runs.measures import Measure
from benchmarks.runs.plots import draw_curves, draw_ends, make_figure, save_figure
from benchmarks.runs.table import Row


def plot_rows(
    path: Path, title: str, rows: Sequence[Row], *, measure: Measure, end: Measure
) -> None:
    """Write the figure of a table's rows to ``path`` (PNG), replaced atomically.

    Left, the mean of the measure over the seeds with its 95 % confidence interval, step by step;
    right, the measure that a run ends with, a point for every seed.
    """
    figure, (curves, ends) = make_figure((3, 2), width=11)
    draw_curves(curves, rows, measure, along="step")
    curves.set(xlabel="step", ylabel=measure.axis("on test digits"), title=title)
    curves.legend(fontsize="x-small", loc="best")
    draw_ends(ends, rows, end, "on test digits")
    save_figure(figure, path)
