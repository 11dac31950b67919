"""The paper's figures, and how our runs differ from its protocol."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.sorting.paper import PAPER, table1_figure
from benchmarks.sorting.presets import MAIN, TABLE1, table1_cells


def test_figures_belong_to_cells_of_table1() -> None:
    found = [table1_figure(cell.config) for cell in table1_cells()]
    known = [figure for figure in found if figure is not None]
    assert len(known) == 13
    assert all(0 < figure.value < 100 for figure in known)
    assert str(known[0]) == "71.33"
    assert "12.31 ± 10.22" in map(str, known)


def test_rows_that_the_paper_lacks_have_no_figure() -> None:
    known = table1_cells()[3].config
    assert table1_figure(known) is not None
    for other in (
        replace(known, loss="exact"),
        replace(known, clip=1.0),
        replace(known, curvature="hessian", eigenvalues="absolute"),
        replace(known, n=7),
    ):
        assert table1_figure(other) is None


def test_differences_from_the_protocol_are_said() -> None:
    assert PAPER.differences(TABLE1, 10) == []
    assert PAPER.differences(MAIN, 8) == [
        "data digits, not mnist",
        "steps 2,000 instead of 100,000",
        "batch size 50 instead of 100",
        "lr 0.003, not 0.001",
        "8 seeds instead of 10",
    ]
