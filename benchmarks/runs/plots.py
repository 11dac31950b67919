"""Parts of figures: a measure over the course of training, and of every seed at its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.runs.measures import Measure
from benchmarks.runs.statistics import confidence, mean
from benchmarks.runs.table import Row


def make_figure(width_ratios: Sequence[float], width: float) -> tuple[Any, Any]:
    """A figure of panels side by side, and their axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, len(width_ratios), width_ratios=width_ratios)


def make_grid(rows: int, columns: int) -> tuple[Any, list[Any]]:
    """A figure of panels in a grid, and their axes row by row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5 * columns, 3 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def draw_curves(axes: Any, rows: Sequence[Row], measure: Measure, along: str) -> None:
    """The mean of a measure over the seeds with its 95 % confidence interval, for every row.

    Args:
        axes: to draw on.
        rows: whose curves are drawn.
        measure: at the points of the curves.
        along: what the points are drawn against, such as ``"step"``: its mean over the seeds.
    """
    for position, row in enumerate(rows):
        points = list(zip(*(record["curve"] for record in row.records), strict=True))
        places = [mean([point[along] for point in seeds]) for seeds in points]
        values = [[measure.scale * point[measure.key] for point in seeds] for seeds in points]
        centre = [mean(seeds) for seeds in values]
        spread = [confidence(seeds) for seeds in values]
        axes.plot(places, centre, color=_colour(position), label=row.label)
        low = [a - b for a, b in zip(centre, spread, strict=True)]
        high = [a + b for a, b in zip(centre, spread, strict=True)]
        axes.fill_between(places, low, high, color=_colour(position), alpha=0.12, linewidth=0)


def draw_ends(axes: Any, rows: Sequence[Row], measure: Measure, when: str = "at the end") -> None:
    """A measure that every run has once: a point for every seed, a stroke at their mean."""
    for position, row in enumerate(rows):
        values = list(row.values(measure).values())
        axes.plot(values, [position] * len(values), "o", color=_colour(position), alpha=0.5)
        axes.plot([mean(values)], [position], "|", color=_colour(position), markersize=22)
    axes.set(xlabel=measure.axis(when) + ", one point per seed")
    axes.set_yticks(range(len(rows)), [row.label for row in rows], fontsize="x-small")
    axes.invert_yaxis()


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure to ``path`` (PNG), replaced atomically."""
    temporary = path.with_suffix(".tmp")
    figure.savefig(temporary, format="png", dpi=150)
    temporary.replace(path)


def _colour(position: int) -> str:
    return f"C{position % 10}"
