"""The figure of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.runs.table import Row
from benchmarks.sorting import plots
from benchmarks.sorting.family import SORTING


def record(seed: int) -> dict[str, Any]:
    curve = [{"step": step, "em": (seed + step) / 500} for step in (100, 200)]
    return {
        "seed": seed,
        "best_em": 0.9,
        "em": 0.1,
        "ew": 0.5,
        "config": {"damping": None},
        "curve": curve,
    }


def test_em_is_drawn_against_the_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Any] = []
    monkeypatch.setattr(plots, "save_figure", lambda figure, path: figures.append(figure))
    rows = [Row("plain", [record(0)]), Row("NL (Fisher), λ=1", [record(1), record(2)])]
    SORTING.plot(tmp_path / "figure.png", "SoftSort (τ=0.1)", rows)
    curves, ends = figures[0].axes
    assert curves.get_title() == "SoftSort (τ=0.1)"
    assert curves.get_ylabel() == "EM on test digits [%]"
    assert list(curves.lines[1].get_xdata()) == [100, 200]
    assert list(curves.lines[1].get_ydata()) == pytest.approx([20.3, 40.3])
    assert ends.get_xlabel() == "best EM on test digits [%], one point per seed"
    assert list(ends.lines[0].get_xdata()) == pytest.approx([90.0])
