"""The command ``python -m benchmarks.report``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.report.command import main
from benchmarks.runs.results import Results
from benchmarks.shortest_path.config import PathConfig
from benchmarks.sorting.config import SortingConfig
from tests.benchmarks.commands import assert_refused, help_of
from tests.benchmarks.report.records import records, write


def test_runs_of_all_folders_and_families_are_in_one_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = SortingConfig(steps=9)
    write(tmp_path / "a", small, replace(small, split="validation"), ew=0.7)
    write(tmp_path / "b" / "c", PathConfig(epochs=3), ratio=1.2)
    out = tmp_path / "report"
    assert main(["--results", str(tmp_path), "--out", str(out)]) == 0
    text = (out / "report.md").read_text()
    assert text in capsys.readouterr().out
    assert text.count("\n## ") == 2
    assert {path.name for path in out.iterdir()} == {
        "report.md",
        "fidelity.md",
        "table-1.png",
        "table-2.png",
    }


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("missing", "is not a folder"),
        ("empty", "no finished run in"),
        ("other version", "a configuration of another version"),
        ("out", "--out: "),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str, message: str
) -> None:
    results, out = tmp_path / "results", tmp_path / "out"
    if case != "missing":
        results.mkdir()
    if case == "other version":
        (record,) = records(SortingConfig(), [0.5])
        Results(results).append([{**record, "config": {"colour": "red"}}])
    if case == "out":
        write(results, SortingConfig(), ew=0.5)
        out.write_text("")
    assert_refused(main, ["--results", str(results), "--out", str(out)], message, capsys)


def test_as_a_module() -> None:
    text = help_of("benchmarks.report")
    assert "--results" in text
    assert "--out" in text
