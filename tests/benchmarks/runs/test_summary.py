"""The files that a command leaves."""

from __future__ import annotations

from pathlib import Path

from benchmarks.runs.summary import write_summary
from benchmarks.runs.table import Row
from tests.benchmarks.runs.toy import TOY


def row(label: str, score: float) -> Row:
    curve = [{"step": 1, "score": score}]
    return Row(label, [{"seed": 0, "score": score, "error": 0.5, "curve": curve}])


def test_what_is_printed_is_what_is_written(tmp_path: Path) -> None:
    text = write_summary(TOY, {"round": [row("plain", 0.5)]}, tmp_path, "toys")
    tables, _, files = text.rpartition("\n\n")
    assert (tmp_path / "toys.txt").read_text() == tables + "\n"
    assert tables.startswith("round\n")
    assert tables.endswith(TOY.conclusion)
    assert files == f"In {tmp_path}: runs.jsonl, toys.txt, toys.png"
    assert {path.name for path in tmp_path.iterdir()} == {"toys.txt", "toys.png"}


def test_every_table_has_its_own_figure(tmp_path: Path) -> None:
    tables = {"round": [row("plain", 0.5)], "square": [row("plain", 0.7)]}
    text = write_summary(TOY, tables, tmp_path, "toys")
    assert text.endswith("toys.txt, toys-1.png, toys-2.png")
    assert "50.0" in text
    assert "70.0" in text
    assert (tmp_path / "toys-2.png").exists()
