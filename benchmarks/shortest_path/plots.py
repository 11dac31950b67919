"""The figure of a table of the shortest-path benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.runs.measures import Measure
from benchmarks.runs.plots import draw_curves, draw_ends, make_figure, save_figure
from benchmarks.runs.table import Row


def plot_rows(path: Path, title: str, rows: Sequence[Row], *, measure: Measure) -> None:
    """Write the figure of a table's rows to ``path`` (PNG), replaced atomically.

    The mean of the measure over the seeds with its 95 % confidence interval: against the epochs,
    as in the paper's Figure 3, and against the seconds of training, as in its Figure 5; right, the
    measure at the end, a point for every seed.
    """
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    figure, (epochs, seconds, ends) = make_figure((3, 3, 2), width=14)
    draw_curves(epochs, rows, measure, along="epoch")
    epochs.set(xlabel="epoch", ylabel=measure.axis("on test maps"))
    epochs.legend(fontsize="x-small", loc="best")
    draw_curves(seconds, rows, measure, along="seconds")
    seconds.set(xlabel="seconds of training (log scale)", xscale="log")
    # Between two powers of ten, a few ticks whose labels do not touch.
    seconds.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    seconds.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    seconds.xaxis.set_minor_formatter(NullFormatter())
    draw_ends(ends, rows, measure)
    figure.suptitle(title, fontsize="medium")
    save_figure(figure, path)
