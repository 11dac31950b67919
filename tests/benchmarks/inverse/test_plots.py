"""The figure of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.inverse import plots
from benchmarks.inverse.family import INVERSE
from benchmarks.runs.table import Row


def record(seed: int, points: int, pace: float) -> dict[str, Any]:
    curve = [
        {"step": 10 * number, "seconds": pace * number, "loss": (seed + 1) / number}
        for number in range(1, points + 1)
    ]
    return {"seed": seed, "loss": curve[-1]["loss"], "curve": curve}


def test_the_loss_is_drawn_against_steps_and_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Any] = []
    save = plots.save_figure

    def kept_save(figure: Any, path: Path) -> None:
        figures.append(figure)
        save(figure, path)

    monkeypatch.setattr(plots, "save_figure", kept_save)
    rows = [
        Row("plain", [record(0, 3, 1.0), record(1, 3, 3.0)]),
        Row("least squares", [record(0, 1, 5.0)]),
    ]
    INVERSE.plot(tmp_path / "figure.png", "decay", rows)
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    steps, seconds, ends = figures[0].axes
    assert list(steps.lines[0].get_xdata()) == [10, 20, 30]
    assert list(seconds.lines[0].get_xdata()) == [2.0, 4.0, 6.0]
    assert list(steps.lines[0].get_ydata()) == pytest.approx([1.5e4, 0.75e4, 0.5e4])
    assert steps.get_xscale() == steps.get_yscale() == seconds.get_xscale() == "log"
    assert len(ends.get_yticklabels()) == 2
