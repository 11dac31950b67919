"""The figure of an ablation of λ, in the form of the paper's Figure 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.runs.measures import Measure
from benchmarks.runs.names import curvature_name
from benchmarks.runs.plots import make_grid, save_figure
from benchmarks.runs.statistics import mean
from benchmarks.runs.table import Row

_FEWEST: Final = 5  # Values of λ that make an ablation.


def ablation_of(rows: Sequence[Row]) -> dict[str, dict[float, Row]]:
    """The rows of each curvature by their λ; empty unless one of them has five values or more."""
    found: dict[str, dict[float, Row]] = {}
    for row in rows:
        config: Mapping[str, Any] = row.records[0]["config"]
        if config["damping"] is not None:
            found.setdefault(config["curvature"], {})[config["damping"]] = row
    if all(len(of_curvature) < _FEWEST for of_curvature in found.values()):
        return {}
    return {
        curvature: {damping: of_curvature[damping] for damping in sorted(of_curvature)}
        for curvature, of_curvature in found.items()
    }


def plot_ablation(path: Path, title: str, rows: Sequence[Row], *, measure: Measure) -> None:
    """Write the figure: the measure over λ, its mean bold and every seed thin.

    The first row is the plain loss: a horizontal line.
    """
    figure, (axes,) = make_grid(rows=1, columns=1)
    plain = mean(list(rows[0].values(measure).values()))
    axes.axhline(plain, color="black", label=rows[0].label)
    for position, (curvature, of_curvature) in enumerate(ablation_of(rows).items()):
        values = [row.values(measure) for row in of_curvature.values()]
        dampings, colour = list(of_curvature), f"C{position}"
        for seed in sorted(set.intersection(*(set(found) for found in values))):
            axes.plot(dampings, [found[seed] for found in values], color=colour, alpha=0.2)
        means = [mean(list(found.values())) for found in values]
        axes.plot(dampings, means, color=colour, label=f"NL ({curvature_name(curvature)})")
    axes.set(xscale="log", xlabel="λ", ylabel=measure.axis("on test digits"))
    axes.set_title(title, fontsize="small")
    axes.legend(fontsize="x-small", loc="best")
    save_figure(figure, path)
