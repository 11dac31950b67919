"""The table counts reports, and does not hide what else was found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.testing.practice.measure import measured
from tests.testing.practice.table import table

DOCS = Path(__file__).parents[3] / "docs"


def run(side: str, failed: list[str], seconds: float) -> dict[str, Any]:
    return {
        "pair": "a pair",
        "side": side,
        "caught_by": "finite",
        "failed": failed,
        "cpu_seconds": seconds,
    }


def test_a_row() -> None:
    right = [run("right", [], 0.2), run("right", ["no_dead_zone"], 0.1)]
    broken = [run("broken", ["finite", "dtype_kept"], 0.3), run("broken", [], 1.0)]
    *_, last = table([*right, *broken])
    assert last == "| a pair | 1 of 2 | `finite` | 1 of 2 | `dtype_kept` 1 | 0.2 | 1.0 |"


def test_a_line() -> None:
    line = measured("truncated", "broken", 0)
    assert line["failed"] == [line["caught_by"]] == ["dtype_kept"]
    assert "twice_differentiable" in line["follows"]


def test_the_page_has_the_table_of_the_measured_lines() -> None:
    lines = (DOCS / "results/testing_kit/pairs.jsonl").read_text(encoding="utf-8").splitlines()
    page = (DOCS / "testing.md").read_text(encoding="utf-8")
    assert "\n".join(table(map(json.loads, lines))) in page
