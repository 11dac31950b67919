"""Parts of figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import scipy.stats

from benchmarks.runs.plots import draw_curves, draw_ends, make_figure, make_grid, save_figure
from benchmarks.runs.table import Row
from tests.benchmarks.runs.toy import SCORE


def record(seed: int) -> dict[str, Any]:
    curve = [{"step": 10 * (seed + step), "score": (seed + step) / 10} for step in (1, 2)]
    return {"seed": seed, "score": curve[-1]["score"], "curve": curve}


ROWS = [Row("plain", [record(0)]), Row("newton", [record(1), record(3)])]


def test_curves_are_means_over_the_seeds() -> None:
    _, (axes, _) = make_figure((2, 1), width=6)
    draw_curves(axes, ROWS, SCORE, along="step")
    assert [line.get_label() for line in axes.lines] == ["plain", "newton"]
    assert list(axes.lines[1].get_xdata()) == [30, 40]
    assert list(axes.lines[1].get_ydata()) == pytest.approx([30.0, 40.0])
    band = axes.collections[1].get_paths()[0].vertices
    # The interval of 20 and 40 about 30: Student's t with one degree of freedom.
    assert band[:, 1].min() == pytest.approx(30 - 10 * scipy.stats.t.ppf(0.975, 1))


def test_ends_are_points_and_their_mean() -> None:
    _, (_, axes) = make_figure((2, 1), width=6)
    draw_ends(axes, ROWS, SCORE)
    points = [line.get_xdata() for line in axes.lines]
    assert list(points[2]) == pytest.approx([30.0, 50.0])
    assert list(points[3]) == pytest.approx([40.0])
    assert axes.get_xlabel() == "score at the end [%], one point per seed"


def test_a_grid_has_its_panels_row_by_row() -> None:
    _, axes = make_grid(rows=3, columns=2)
    assert len(axes) == 6
    assert [one.get_subplotspec().rowspan.start for one in axes] == [0, 0, 1, 1, 2, 2]


def test_a_png_is_left_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    save_figure(make_figure((1, 1), width=4)[0], path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert list(tmp_path.iterdir()) == [path]
