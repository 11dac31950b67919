"""The figure of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.runs.table import Row
from benchmarks.shortest_path import plots
from benchmarks.shortest_path.family import SHORTEST_PATH


def record(seed: int, pace: float) -> dict[str, Any]:
    curve = [
        {"step": 10 * epoch, "epoch": epoch, "seconds": pace * epoch, "em": (seed + epoch) / 9}
        for epoch in (1, 2)
    ]
    return {"seed": seed, "em": curve[-1]["em"], "ratio": 1.1, "curve": curve}


def test_em_is_drawn_against_epochs_and_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Any] = []
    save = plots.save_figure

    def kept_save(figure: Any, path: Path) -> None:
        figures.append(figure)
        save(figure, path)

    monkeypatch.setattr(plots, "save_figure", kept_save)
    rows = [Row("plain", [record(0, 3.0), record(3, 5.0)])]
    SHORTEST_PATH.plot(tmp_path / "figure.png", "Fenchel-Young", rows)
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    epochs, seconds, ends = figures[0].axes
    em = pytest.approx([100 * 2.5 / 9, 100 * 3.5 / 9])
    assert list(epochs.lines[0].get_xdata()) == [1, 2]
    assert list(seconds.lines[0].get_xdata()) == [4.0, 8.0]
    for axes in (epochs, seconds):
        assert list(axes.lines[0].get_ydata()) == em
    assert epochs.get_ylabel() == "EM on test maps [%]"
    assert ends.get_xlabel() == "EM at the end [%], one point per seed"
