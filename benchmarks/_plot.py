"""Figures of EM: over the steps of training, and of every seed at its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks._statistics import deviation, mean
from benchmarks._table import Row


def plot_rows(path: Path, title: str, rows: Sequence[Row]) -> None:
    """Write a figure of a table's rows to ``path`` (PNG), replaced atomically.

    Left, the mean of EM over the seeds with one standard deviation, step by step; right, EM at the
    end, a point for every seed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    curves, ends = figure.subplots(1, 2, width_ratios=(3, 2))
    for position, row in enumerate(rows):
        colour = f"C{position % 10}"
        steps = [point["step"] for point in row.records[0]["curve"]]
        per_step = [
            [100 * record["curve"][index]["em"] for record in row.records]
            for index in range(len(steps))
        ]
        centre = [mean(values) for values in per_step]
        spread = [deviation(values) if len(values) > 1 else 0.0 for values in per_step]
        curves.plot(steps, centre, color=colour, label=row.label)
        low = [a - b for a, b in zip(centre, spread, strict=True)]
        high = [a + b for a, b in zip(centre, spread, strict=True)]
        curves.fill_between(steps, low, high, color=colour, alpha=0.12, linewidth=0)
        values = row.percentages("em")
        ends.plot(values, [position] * len(values), "o", color=colour, alpha=0.5)
        ends.plot([mean(values)], [position], "|", color=colour, markersize=22)
    curves.set(xlabel="step", ylabel="EM on test digits [%]", title=title)
    curves.legend(fontsize="x-small", loc="best")
    ends.set(xlabel="EM at the end [%], one point a seed")
    ends.set_yticks(range(len(rows)), [row.label for row in rows], fontsize="x-small")
    ends.invert_yaxis()
    temporary = path.with_suffix(".tmp")
    figure.savefig(temporary, format="png", dpi=150)
    temporary.replace(path)
