"""How our runs differ from the paper's protocol."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.shortest_path.paper import PAPER
from benchmarks.shortest_path.presets import FULL, QUICK


def test_the_full_size_is_the_papers() -> None:
    assert PAPER.differences(replace(FULL, data="warcraft"), 10) == []
    assert PAPER.differences(FULL, 10) == ["data terrain, not warcraft"]
    assert PAPER.figure(FULL) is None


def test_the_quick_profile_is_not() -> None:
    assert PAPER.differences(QUICK, 3) == [
        "data terrain, not warcraft",
        "network tiles, not resnet",
        "maps 1,000 instead of 10,000",
        "epochs 10 instead of 50",
        "batch size 20 instead of 70",
        "3 seeds instead of 10",
    ]
