"""The report as Markdown: the paper's figures beside ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.report.markdown import render
from benchmarks.report.tables import tables_of
from benchmarks.runs.errors import InputError
from benchmarks.shortest_path.config import PathConfig
from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.operators import with_operator
from benchmarks.sorting.paper import TABLE1
from tests.benchmarks.report.records import records

NEURALSORT = with_operator(TABLE1, "neuralsort", None, 10)
EXACT = SortingConfig(source="ours", loss="exact")


def test_the_papers_figures_are_beside_ours() -> None:
    found = [*records(NEURALSORT, [0.6, 0.62], ew=0.7), *records(EXACT, [0.5], ew=0.7)]
    text = render(tables_of(found), ["first.png", "second.png"])
    heading = "| seeds | paper best EM % | difference | paper best EW % | difference |"
    assert heading in text
    (plain,) = [line for line in text.splitlines() if line.startswith("| probability (field)")]
    assert plain.endswith("| 2 | 24.26 ± 1.52 | +36.7 | 74.47 ± 0.83 | -4.5 |")
    # A table without any row of the paper has no such columns.
    (exact,) = [line for line in text.splitlines() if line.startswith("| exact, plain")]
    assert exact.endswith("|  |  | 1 |")
    assert "![best EM](second.png)" in text
    assert "Run with torch 2.9, CPU, 2 threads; 8 s of training in all." in text


def test_every_row_is_compared_with_the_papers() -> None:
    warmer = replace(NEURALSORT, curvature="fisher", damping=7.0)
    ours = replace(NEURALSORT, source="ours")
    found = [*records(NEURALSORT, [0.5] * 9, ew=0.5), *records(ours, [0.5], ew=0.5)]
    text = render(tables_of([*found, *records(warmer, [0.5] * 9, ew=0.5)]), ["figure.png"])
    assert (
        "are not expected to match: 9 seeds, not 10; "
        "probability (field), NL (Fisher), λ=7: damping 7, not 100. "
        "Not in the paper: probability (ours), plain." in text
    )


def test_runs_of_the_papers_protocol_are_said_to_be() -> None:
    text = render(tables_of(records(NEURALSORT, [0.5] * 10, ew=0.5)), ["figure.png"])
    assert "The rows of the paper follow its protocol, field by field." in text
    assert "Not the paper's" not in text


def test_each_family_has_its_measures_and_its_legend() -> None:
    path = PathConfig()
    fisher = replace(path, curvature="fisher", damping=1.0)
    found = [*records(path, [0.25, 0.75], ratio=1.25), *records(fisher, [0.5, 0.75], ratio=1.25)]
    text = render(tables_of(found), ["figure.png"])
    assert "|  | EM % | path cost / best | p (Welch)" in text
    assert "| plain | 50.0 ± 35.4 | 1.250 ± 0.000 |  |  | 2 | 80.39 ± 0.57 | -30.4 |" in text
    assert "| NL (Fisher), λ=1 | 62.5 ± 17.7 |" in text
    assert "Shortest paths: EM, the share of maps" in text
    assert "Sorting: EM" not in text
    assert "network tiles, not resnet, maps 1,000, not 10,000" in text


def test_a_line_without_a_measure_is_named() -> None:
    with pytest.raises(InputError, match="has no 'best_ew'"):
        render(tables_of(records(SortingConfig(), [0.5])), ["figure.png"])
