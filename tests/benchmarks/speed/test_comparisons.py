"""The rows of the speed table and their ratios."""

from __future__ import annotations

import pytest
import torch

from benchmarks import _speed_works as works
from benchmarks._speed_rows import ROWS, Result, Row
from benchmarks.speed import cells


def test_keys_are_unique() -> None:
    assert len({row.key for row in ROWS}) == len(ROWS)


def nothing(device: torch.device) -> works.Works:
    return works.Works(lambda: None, lambda: None)


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
    result = Result(Row("key", "work", "peer", nothing, reach, faster=faster), 1.0, 2.0)
    assert result.ratio == ratio
    assert result.reached is reached
    line = cells(result)
    assert line[:2] == ("work", "peer")
    assert line[4:] == (f"{ratio:.2f}", f"{sign} {reach:g}", "yes" if reached else "no")


@pytest.mark.parametrize(("faster", "ratio"), [(False, 0.5), (True, 2.0)])
def test_where_no_ratio_was_set_none_is_reached_or_missed(faster: bool, ratio: float) -> None:
    result = Result(Row("key", "work", "peer", nothing, None, faster=faster), 1.0, 2.0)
    assert result.reached is None
    assert cells(result)[4:] == (f"{ratio:.2f}", "", "")
