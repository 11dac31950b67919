"""The paper's rows of sorting: which configuration is which, and every difference is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.sorting.operators import with_operator
from benchmarks.sorting.paper import PAPER, TABLE1, paper_configs, paper_row
from benchmarks.sorting.presets import MAIN

NEURALSORT = with_operator(TABLE1, "neuralsort", None, 10)
HESSIAN = replace(NEURALSORT, curvature="hessian", eigenvalues="raw", damping=0.01)


def test_every_row_of_the_paper_is_itself() -> None:
    configs = list(paper_configs())
    assert len(configs) == len(set(configs)) == 26
    for config in configs:
        row = paper_row(config)
        assert row is not None
        assert row.config == config
        assert PAPER.differences(config, 10) == []


def test_both_measures_have_their_figure() -> None:
    row = paper_row(HESSIAN)
    assert row is not None
    assert {key: str(figure) for key, figure in row.figures.items()} == {
        "best_em": "48.76 ± 5.88",
        "best_ew": "84.83 ± 2.13",
    }


def test_rows_that_the_paper_lacks_have_no_figure() -> None:
    for other in (
        replace(NEURALSORT, source="ours"),
        replace(NEURALSORT, source="ours", loss="exact"),
        replace(NEURALSORT, clip=1.0),
        replace(NEURALSORT, normalise=True),
        replace(HESSIAN, eigenvalues="absolute"),
        replace(NEURALSORT, n=7),
        with_operator(TABLE1, "bitonic", None, 8),
        replace(with_operator(TABLE1, "softsort", None, 15), curvature="fisher"),
    ):
        assert paper_row(other) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"temperature": 5.0}, "temperature 5, not 1"),
        ({"damping": 1.0}, "damping 1, not 0.01"),
        ({"lr": 1.0}, "lr 1, not 0.001"),
        ({"validate_every": 10}, "validate every 10, not 1,000"),
        ({"validation_sets": 10}, "validation sets 10, not 5,000"),
        ({"evaluation_sets": 10}, "evaluation sets 10, not 10,000"),
        ({"split": "validation"}, "split validation, not test"),
    ],
)
def test_no_field_passes_unseen(change: dict[str, Any], words: str) -> None:
    assert PAPER.differences(replace(HESSIAN, **change), 10) == [words]


def test_the_main_job_is_not_the_papers() -> None:
    assert PAPER.differences(MAIN, 8) == [
        "lr 0.003, not 0.001",
        "batch size 50, not 100",
        "data digits, not mnist",
        "steps 2,000, not 100,000",
        "evaluation sets 2,000, not 10,000",
        "validate every 100, not 1,000",
        "validation sets 1,000, not 5,000",
        "8 seeds, not 10",
    ]


def test_of_n_15_the_paper_prints_neither_damping_nor_steepness() -> None:
    largest = replace(with_operator(TABLE1, "odd_even", "cauchy", 15), curvature="fisher")
    assert PAPER.differences(replace(largest, damping=3.0, steepness=20.0), 10) == []
