"""The paper's figures, and in what our runs differ from its protocol."""

from __future__ import annotations

from dataclasses import replace

from benchmarks._paper import paper_figure, protocol_differences
from benchmarks._presets import MAIN, TABLE1, table1_cells


def test_figures_belong_to_cells_of_table1() -> None:
    found = [paper_figure(cell.config) for cell in table1_cells()]
    known = [figure for figure in found if figure is not None]
    assert len(known) == 13
    assert all(0 < figure.em < 100 for figure in known)
    assert str(known[0]) == "71.33"
    assert "12.31 ± 10.22" in map(str, known)


def test_rows_that_the_paper_does_not_have_have_no_figure() -> None:
    plain = next(c.config for c in table1_cells() if paper_figure(c.config) is not None)
    assert paper_figure(replace(plain, loss="exact")) is None
    assert paper_figure(replace(plain, clip=1.0)) is None
    absolute = replace(plain, curvature="hessian", eigenvalues="absolute")
    assert paper_figure(absolute) is None


def test_differences_from_the_protocol_are_said() -> None:
    assert protocol_differences(TABLE1, 10) == []
    assert protocol_differences(MAIN, 8) == [
        "data digits, not mnist",
        "steps 2,000 instead of 100,000",
        "batch size 50 instead of 100",
        "lr 0.003, not 0.001",
        "8 seeds instead of 10",
    ]
