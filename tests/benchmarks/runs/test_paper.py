"""How runs differ from the paper's protocol."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.runs.paper import Paper, PaperFigure
from tests.benchmarks.runs.toy import BASE, TOY, ToyConfig


def test_the_protocol_itself_has_no_difference() -> None:
    assert TOY.paper.differences(replace(BASE, steps=1_000), 5) == []


def test_differences_are_said() -> None:
    config = replace(BASE, shape="square", steps=2_000, lr=0.5)
    assert TOY.paper.differences(config, 2) == [
        "shape square, not round",
        "steps 2,000 instead of 1,000",
        "lr 0.5, not 0.1",
        "2 seeds instead of 5",
    ]


def test_figures_have_a_deviation_where_it_is_known() -> None:
    assert str(PaperFigure(71.3)) == "71.30"
    assert str(PaperFigure(12.31, 10.22)) == "12.31 ± 10.22"


def test_by_default_no_figure_is_known() -> None:
    paper: Paper[ToyConfig] = Paper(protocol={}, seeds=1)
    assert paper.figure(BASE) is None
