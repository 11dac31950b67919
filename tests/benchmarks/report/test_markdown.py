"""The report as Markdown: the paper's figures beside ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.report.markdown import render
from benchmarks.report.tables import tables_of
from benchmarks.runs.errors import InputError
from benchmarks.shortest_path.config import PathConfig
from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.presets import TABLE1, table1_cells
from tests.benchmarks.report.records import records


def test_the_papers_figure_is_beside_ours() -> None:
    config = table1_cells()[3].config  # NeuralSort, n = 10, plain.
    assert (config.operator, config.n, config.curvature) == ("neuralsort", 10, "none")
    found = [*records(config, [0.6, 0.62], ew=0.7), *records(SortingConfig(), [0.5], ew=0.7)]
    text = render(tables_of(found), ["first.png", "second.png"])
    assert "| seeds | paper EM % | difference |" in text
    first, second = [line for line in text.splitlines() if line.startswith("| probability, plain")]
    assert first.endswith("| 2 | 24.26 | +36.7 |")
    assert second.endswith("| 1 | – | – |")
    assert "2 seeds instead of 10" in text
    assert "data digits, not mnist" in text
    assert "![EM](second.png)" in text
    assert "Run with torch 2.9, CPU, 2 threads; 8 s of training in all." in text


def test_runs_of_the_papers_protocol_are_said_to_be() -> None:
    text = render(tables_of(records(TABLE1, [0.5] * 10, ew=0.5)), ["figure.png"])
    assert "These runs follow the paper's protocol." in text


def test_each_family_has_its_measures_and_its_legend() -> None:
    path = PathConfig()
    fisher = replace(path, curvature="fisher", damping=1.0)
    found = [*records(path, [0.25, 0.75], ratio=1.25), *records(fisher, [0.5, 0.75], ratio=1.25)]
    text = render(tables_of(found), ["figure.png"])
    assert "|  | EM % | path cost / best | p (Welch)" in text
    assert "| plain | 50.0 ± 35.4 | 1.250 ± 0.000 |  |  | 2 | – | – |" in text
    assert "| NL (Fisher), λ=1 | 62.5 ± 17.7 |" in text
    assert "Shortest paths: EM, the share of maps" in text
    assert "Sorting: EM" not in text
    assert "network tiles, not resnet; maps 1,000 instead of 10,000" in text


def test_a_line_without_a_measure_is_named() -> None:
    with pytest.raises(InputError, match="'probability, plain' has no 'ew'"):
        render(tables_of(records(SortingConfig(), [0.5])), ["figure.png"])
