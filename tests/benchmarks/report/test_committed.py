"""The committed report is what its lines say."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from benchmarks.report.command import main

RESULTS: Final = Path(__file__).parents[3] / "docs" / "results"


def test_the_report_is_made_of_the_committed_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--results", str(RESULTS), "--out", str(tmp_path)]) == 0
    for name in ("report.md", "fidelity.md"):
        assert (tmp_path / name).read_text() == (RESULTS / name).read_text()
    figures = {path.name for path in tmp_path.glob("*.png")}
    assert figures == {path.name for path in RESULTS.glob("*.png")}
    capsys.readouterr()
