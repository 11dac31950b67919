"""Ratios of a comparison, and what is timed."""

from __future__ import annotations

import pytest
import torch

from benchmarks.speed import comparison as comparison_module
from benchmarks.speed.command import table_line
from benchmarks.speed.comparison import Comparison, ComparisonResult, measure
from benchmarks.speed.sides import Sides


def nothing(device: torch.device) -> Sides:
    return Sides(lambda: None, lambda: None)


def comparison(reach: float | None, faster: bool) -> Comparison:
    return Comparison(
        key="key", work="work", peer="peer", prepare=nothing, reach=reach, faster=faster
    )


@pytest.mark.parametrize(
    ("faster", "reach", "ratio", "reached", "sign"),
    [
        (False, 0.6, 0.5, True, "≤"),
        (False, 0.4, 0.5, False, "≤"),
        (True, 2.0, 2.0, True, "≥"),
        (True, 2.1, 2.0, False, "≥"),
    ],
)
def test_ratios(faster: bool, reach: float, ratio: float, reached: bool, sign: str) -> None:
    result = ComparisonResult(comparison(reach, faster), 1.0, 2.0)
    assert result.ratio == result.record()["ratio"] == ratio
    assert result.reached is reached
    line = table_line(result)
    assert line[:2] == ("work", "peer")
    assert line[4:] == (f"{ratio:.2f}", f"{sign} {reach:g}", "yes" if reached else "no")


@pytest.mark.parametrize(("faster", "ratio"), [(False, 0.5), (True, 2.0)])
def test_where_no_ratio_was_set_none_is_reached_or_missed(faster: bool, ratio: float) -> None:
    result = ComparisonResult(comparison(None, faster), 1.0, 2.0)
    assert result.reached is None
    assert table_line(result)[4:] == (f"{ratio:.2f}", "", "")


def test_what_is_subtracted_is_timed_as_often_as_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[list[int]] = []

    def medians(works: list[object], repeats: list[int], device: torch.device) -> list[float]:
        counts.append(repeats)
        return [5.0, 2.0, 1.0]

    monkeypatch.setattr(comparison_module, "interleaved_medians", medians)
    one = Comparison(
        key="key",
        work="work",
        peer="peer",
        prepare=lambda device: Sides(lambda: None, lambda: None, lambda: None),
        repeats=(9, 3),
    )
    result = measure(one, torch.device("cpu"), 20)
    assert counts == [[9, 3, 9]]
    assert (result.ours_ms, result.peer_ms) == (4.0, 2.0)
