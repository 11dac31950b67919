"""How runs differ from the paper's."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.runs.paper import PaperFigure
from tests.benchmarks.runs.toy import BASE, TOY

PAPERS = replace(BASE, steps=1_000)


def test_the_paper_itself_has_no_difference() -> None:
    assert TOY.paper.differences(PAPERS, 5) == []
    fisher = replace(PAPERS, curvature="fisher", damping=1.0)
    assert TOY.paper.differences(fisher, 5) == []


def test_every_field_is_compared() -> None:
    config = replace(
        BASE, shape="square", steps=2_000, curvature="fisher", damping=5.0, split="validation"
    )
    assert TOY.paper.differences(config, 2) == [
        "damping 5, not 1",
        "split validation, not test",
        "shape square, not round",
        "steps 2,000, not 1,000",
        "2 seeds, not 5",
    ]


def test_what_the_paper_does_not_print_may_be_what_it_chose_from() -> None:
    assert TOY.paper.differences(replace(PAPERS, lr=0.2), 5) == []
    assert TOY.paper.differences(replace(PAPERS, lr=0.5), 5) == ["lr 0.5, not one of 0.1, 0.2"]
    assert TOY.paper.differences(replace(PAPERS, batch_size=77), 5) == []


def test_other_rows_are_not_compared() -> None:
    assert TOY.paper.differences(replace(PAPERS, curvature="gauss-newton"), 5) is None


def test_figures_have_their_deviation() -> None:
    assert str(PaperFigure(12.3, 10.22)) == "12.30 ± 10.22"
