"""The figure of a table of inverse problems."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.runs.measures import Measure
from benchmarks.runs.plots import draw_curves, draw_ends, make_figure, save_figure
from benchmarks.runs.table import Row


def plot_rows(path: Path, title: str, rows: Sequence[Row], *, measure: Measure) -> None:
    """Write the figure of a table's rows to ``path`` (PNG), replaced atomically.

    The mean of the measure over the seeds with its 95 % confidence interval: against the steps, and
    against the seconds of training; right, the measure at the end, a point for every seed. Rows
    without a curve, which train nothing, are at the right alone.
    """
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    figure, (steps, seconds, ends) = make_figure((3, 3, 3), width=17)
    for axes, along in ((steps, "step"), (seconds, "seconds")):
        draw_curves(axes, rows, measure, along=along)
        axes.set(xscale="log", yscale="log")
        # An interval that reaches below 0 would take the axis with it.
        axes.set_ylim(bottom=0.8 * min(min(line.get_ydata()) for line in axes.lines))
    steps.set(xlabel="step (log scale)", ylabel=measure.axis("of held-out samples"))
    seconds.set(xlabel="seconds of training (log scale)")
    draw_ends(ends, rows, measure)  # Which names the rows.
    ends.set(xscale="log")
    ends.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ends.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ends.xaxis.set_minor_formatter(NullFormatter())
    figure.suptitle(title, fontsize="medium")
    save_figure(figure, path)
