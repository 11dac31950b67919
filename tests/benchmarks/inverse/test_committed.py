"""The committed comparison is what the committed lines say."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from benchmarks.inverse.comparison import compare_folder

RESULTS: Final = Path(__file__).parents[3] / "docs/results/inverse"


def test_the_comparison_is_made_of_the_committed_lines(tmp_path: Path) -> None:
    shutil.copy(RESULTS / "runs.jsonl", tmp_path)
    compare_folder(tmp_path)
    made, committed = (folder / "comparison.txt" for folder in (tmp_path, RESULTS))
    assert made.read_text(encoding="utf-8") == committed.read_text(encoding="utf-8")
