"""The figure of an ablation of λ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.runs.table import Row
from benchmarks.sorting import ablation
from benchmarks.sorting.ablation import ablation_of
from benchmarks.sorting.family import SORTING


def row(curvature: str, damping: float | None, *values: float) -> Row:
    config = {"curvature": curvature, "damping": damping}
    records = [
        {"seed": seed, "best_ew": value, "config": config} for seed, value in enumerate(values)
    ]
    return Row(f"{curvature} {damping}", records)


PLAIN = row("none", None, 0.7, 0.9)
DAMPINGS = (10.0, 0.1, 1.0, 100.0, 0.01)
FISHER = [row("fisher", damping, damping / 1000, 3 * damping / 1000) for damping in DAMPINGS]


def test_five_values_of_lambda_are_an_ablation() -> None:
    assert ablation_of([PLAIN, *FISHER[:4], row("hessian", 1.0, 0.5)]) == {}
    found = ablation_of([PLAIN, *FISHER, row("hessian", 1.0, 0.5)])
    assert list(found) == ["fisher", "hessian"]
    assert list(found["fisher"]) == sorted(DAMPINGS)


def test_the_measure_is_drawn_over_lambda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Any] = []
    monkeypatch.setattr(ablation, "save_figure", lambda figure, path: figures.append(figure))
    SORTING.plot(tmp_path / "figure.png", "SoftSort", [PLAIN, *FISHER])
    (axes,) = figures[0].axes
    plain, first, second, means = axes.lines
    assert list(plain.get_ydata()) == pytest.approx([80.0, 80.0])
    assert list(means.get_xdata()) == sorted(DAMPINGS)
    assert list(first.get_ydata()) == pytest.approx([damping / 10 for damping in sorted(DAMPINGS)])
    assert list(means.get_ydata()) == pytest.approx([damping / 5 for damping in sorted(DAMPINGS)])
    assert second.get_alpha() < 1
    assert axes.get_xscale() == "log"
    assert axes.get_ylabel() == "best EW on test digits [%]"
