"""Cells, single and grouped."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.runs.cells import DAMPINGS, Cell, group_cells, newton_cell, single_cells
from tests.benchmarks.runs.toy import BASE, title

FISHER = replace(BASE, curvature="fisher")


def test_a_newton_cell_comes_after_its_plain_loss() -> None:
    assert single_cells(FISHER) == [Cell(BASE), newton_cell(FISHER)]
    assert newton_cell(FISHER) == Cell(FISHER, "damping", DAMPINGS)


def test_the_grid_is_the_papers() -> None:
    assert DAMPINGS == (0.001, 0.01, 0.1, 1, 10, 100, 1000, 3000)


def test_a_plain_cell_is_alone() -> None:
    assert single_cells(BASE) == [Cell(BASE)]


def test_cells_of_one_title_are_a_table_in_the_order_given() -> None:
    square = replace(BASE, shape="square")
    tables = group_cells([Cell(BASE), Cell(square), newton_cell(FISHER)], title)
    assert tables == {
        "round, 3 steps": [Cell(BASE), newton_cell(FISHER)],
        "square, 3 steps": [Cell(square)],
    }
