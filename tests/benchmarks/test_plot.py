"""The figures are written whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import _plot
from benchmarks._plot import plot_path_rows, plot_rows
from benchmarks._table import Row


def record(seed: int) -> dict[str, Any]:
    curve = [{"step": step, "em": (seed + step) / 500} for step in (100, 200)]
    return {"seed": seed, "em": curve[-1]["em"], "ew": 0.5, "curve": curve}


def test_a_png_is_left_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    rows = [Row("plain", [record(0)]), Row("NL (Fisher), λ=1", [record(1), record(2)])]
    plot_rows(path, "SoftSort (τ=0.1)", rows)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert list(tmp_path.iterdir()) == [path]


def path_record(seed: int, pace: float) -> dict[str, Any]:
    curve = [
        {"step": 10 * epoch, "epoch": epoch, "seconds": pace * epoch, "em": (seed + epoch) / 9}
        for epoch in (1, 2)
    ]
    return {"seed": seed, "em": curve[-1]["em"], "ratio": 1.1, "curve": curve}


def test_path_curves_stand_against_epochs_and_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Any] = []
    save = _plot._save

    def kept_save(figure: Any, path: Path) -> None:
        figures.append(figure)
        save(figure, path)

    monkeypatch.setattr(_plot, "_save", kept_save)
    rows = [Row("plain", [path_record(0, 3.0), path_record(3, 5.0)])]
    plot_path_rows(tmp_path / "figure.png", "Fenchel-Young", rows)
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    epochs, seconds, _ = figures[0].axes
    em = pytest.approx([100 * 2.5 / 9, 100 * 3.5 / 9])
    assert list(epochs.lines[0].get_xdata()) == [1, 2]
    assert list(seconds.lines[0].get_xdata()) == [4.0, 8.0]
    for axes in (epochs, seconds):
        assert list(axes.lines[0].get_ydata()) == em
