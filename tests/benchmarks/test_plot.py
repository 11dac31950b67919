"""The figures are written whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks._plot import plot_rows
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
