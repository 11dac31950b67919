"""Choosing numbers: on validation data, by the mean of the first measure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.runs.cells import Cell
from benchmarks.runs.table import Row
from benchmarks.runs.tuning import best, candidates, choose, tuning_report
from tests.benchmarks.runs.toy import BASE, ERROR, SCORE, TOY

FISHER = replace(BASE, curvature="fisher", damping=1.0)
CELLS = [
    Cell(BASE),
    Cell(FISHER, "damping", (0.1, 10.0)),
    Cell(replace(BASE, lr=0.5), "lr", (0.5, 1.0)),
]


def row(*values: tuple[float, float]) -> Row:
    records = [
        {"seed": seed, "score": score, "error": error} for seed, (score, error) in enumerate(values)
    ]
    return Row("row", records)


def test_candidates_are_judged_on_validation_data() -> None:
    tried = candidates(CELLS)
    assert [cell for cell, _ in tried] == CELLS[1:]
    assert [config.damping for config in tried[0][1]] == [0.1, 10.0]
    assert [config.lr for config in tried[1][1]] == [0.5, 1.0]
    assert {config.split for _, configs in tried for config in configs} == {"validation"}


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        ([row((0.1, 0.9)), row((0.3, 0.4)), row((0.2, 0.9))], 1),
        # Of equal scores, the smaller error; the means of all seeds count.
        ([row((0.3, 1.5)), row((0.3, 1.2)), row((0.2, 1.0))], 1),
        ([row((0.9, 1.0), (0.1, 1.0)), row((0.4, 1.0), (0.5, 1.0))], 0),
    ],
)
def test_the_best_mean_is_chosen(rows: list[Row], chosen: int) -> None:
    assert best(rows, (SCORE, ERROR)) == chosen


def test_the_report_marks_what_is_chosen() -> None:
    choices = choose(TOY, CELLS[:2], lambda tried: row((tried.damping or 0.0, 0.5)).records)
    assert [(choice.cell, choice.value) for choice in choices] == [(CELLS[1], 10.0)]
    text = tuning_report(TOY, choices)
    (chosen,) = [line for line in text.splitlines() if "chosen" in line]
    assert chosen.startswith("10  ← chosen")
    assert text.startswith("round, 3 steps: fisher\n")
    assert "score %" in text
