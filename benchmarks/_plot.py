"""Figures of EM: over the course of training, and of every seed at its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks._statistics import deviation, mean
from benchmarks._table import Row


def plot_rows(path: Path, title: str, rows: Sequence[Row]) -> None:
    """Write a figure of a table's rows to ``path`` (PNG), replaced atomically.

    Left, the mean of EM over the seeds with one standard deviation, step by step; right, EM at the
    end, a point for every seed.
    """
    figure, (curves, ends) = _figure(2, width_ratios=(3, 2))
    _draw_curves(curves, rows, "step")
    curves.set(xlabel="step", ylabel="EM on test digits [%]", title=title)
    curves.legend(fontsize="x-small", loc="best")
    _draw_ends(ends, rows)
    _save(figure, path)


def plot_path_rows(path: Path, title: str, rows: Sequence[Row]) -> None:
    """Write a figure of the shortest-path benchmark to ``path`` (PNG), replaced atomically.

    The mean of EM over the seeds with one standard deviation: against the epochs, as in the
    paper's Figure 3, and against the seconds of training, as in its Figure 5; right, EM at the
    end, a point for every seed.
    """
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    figure, (epochs, seconds, ends) = _figure(3, width_ratios=(3, 3, 2))
    _draw_curves(epochs, rows, "epoch")
    epochs.set(xlabel="epoch", ylabel="EM on test maps [%]")
    epochs.legend(fontsize="x-small", loc="best")
    _draw_curves(seconds, rows, "seconds")
    seconds.set(xlabel="seconds of training (log scale)", xscale="log")
    # Between two powers of ten, a few ticks whose labels do not touch.
    seconds.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    seconds.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    seconds.xaxis.set_minor_formatter(NullFormatter())
    _draw_ends(ends, rows)
    figure.suptitle(title, fontsize="medium")
    _save(figure, path)


def _figure(panels: int, width_ratios: Sequence[float]) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2) if panels == 2 else (14, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, panels, width_ratios=width_ratios)


def _draw_curves(axes: Any, rows: Sequence[Row], along: str) -> None:
    """EM of the points of each row against the mean of what they call ``along``."""
    for position, row in enumerate(rows):
        points = list(zip(*(record["curve"] for record in row.records), strict=True))
        places = [mean([point[along] for point in seeds]) for seeds in points]
        values = [[100 * point["em"] for point in seeds] for seeds in points]
        centre = [mean(seeds) for seeds in values]
        spread = [deviation(seeds) if len(seeds) > 1 else 0.0 for seeds in values]
        axes.plot(places, centre, color=_colour(position), label=row.label)
        low = [a - b for a, b in zip(centre, spread, strict=True)]
        high = [a + b for a, b in zip(centre, spread, strict=True)]
        axes.fill_between(places, low, high, color=_colour(position), alpha=0.12, linewidth=0)


def _draw_ends(axes: Any, rows: Sequence[Row]) -> None:
    for position, row in enumerate(rows):
        values = row.percentages("em")
        axes.plot(values, [position] * len(values), "o", color=_colour(position), alpha=0.5)
        axes.plot([mean(values)], [position], "|", color=_colour(position), markersize=22)
    axes.set(xlabel="EM at the end [%], one point a seed")
    axes.set_yticks(range(len(rows)), [row.label for row in rows], fontsize="x-small")
    axes.invert_yaxis()


def _colour(position: int) -> str:
    return f"C{position % 10}"


def _save(figure: Any, path: Path) -> None:
    temporary = path.with_suffix(".tmp")
    figure.savefig(temporary, format="png", dpi=150)
    temporary.replace(path)
