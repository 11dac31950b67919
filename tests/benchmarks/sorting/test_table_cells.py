"""The cells of the paper's experiments, and of the controls beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.runs.cells import Cell, group_cells
from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.names import table_title
from benchmarks.sorting.paper import PAPER, TABLE1, paper_configs
from benchmarks.sorting.table_cells import (
    ABLATION,
    cauchy15_cells,
    control_cells,
    figure4_cells,
    table1_cells,
)


def configs(cells: list[Cell[SortingConfig]]) -> list[SortingConfig]:
    return [cell.config for cell in cells]


def test_tables_are_the_papers_rows() -> None:
    assert len(table1_cells()) == 4 * 2 * 3
    assert len(cauchy15_cells()) == 2
    found = [*configs(table1_cells()), *configs(cauchy15_cells())]
    assert set(found) == set(paper_configs())
    for table in group_cells(table1_cells(), table_title).values():
        assert [cell.config.curvature for cell in table] == ["none", "hessian", "fisher"]


def test_the_lambdas_are_the_papers() -> None:
    dampings = {
        (one.operator, one.distribution, one.n, one.curvature): one.damping
        for one in configs(table1_cells())
    }
    assert dampings["neuralsort", None, 5, "hessian"] == 0.01
    assert dampings["neuralsort", None, 10, "fisher"] == 100
    assert dampings["softsort", None, 10, "hessian"] == 1
    assert {dampings["odd_even", "cauchy", n, "fisher"] for n in (5, 10)} == {0.1}


def test_the_strengths_are_the_papers() -> None:
    found = configs(table1_cells())
    steep = {(c.distribution, c.n): c.steepness for c in found if c.operator == "odd_even"}
    assert steep == {
        ("logistic", 5): 10.0,
        ("logistic", 10): 10.0,
        ("cauchy", 5): 10.0,
        ("cauchy", 10): 100.0,
    }
    assert {c.temperature for c in found if c.operator == "neuralsort"} == {1.0}
    assert {c.temperature for c in found if c.operator == "softsort"} == {0.1}


def test_a_size_is_that_of_all_and_nothing_else_changes() -> None:
    base = replace(TABLE1, data="digits", steps=7)
    for ours, papers in zip(configs(table1_cells(base)), configs(table1_cells()), strict=True):
        assert ours == replace(papers, data="digits", steps=7)


def test_controls_stand_beside_each_plain_loss() -> None:
    tables = group_cells(control_cells(), table_title)
    assert len(tables) == 8
    for table in tables.values():
        plain, rate, clipped, normalised, ours, exact, newton = configs(table)
        assert PAPER.differences(plain, 10) == []
        assert rate.lr != plain.lr
        assert clipped.clip is not None
        assert normalised.normalise
        assert (ours.loss, ours.source) == ("probability", "ours")
        assert (exact.loss, exact.curvature) == ("exact", "none")
        assert (newton.loss, newton.curvature) == ("exact", "hessian")
        assert [cell.knob for cell in table] == [None, "lr", "clip", None, None, None, "damping"]


def test_figure_4_varies_lambda_alone() -> None:
    assert len(ABLATION) == 13
    assert (ABLATION[0], ABLATION[6], ABLATION[-1]) == (0.001, 1.0, 1000.0)
    assert ABLATION[1] == pytest.approx(ABLATION[0] * 10**0.5, rel=1e-2)
    always = [cell for cell in figure4_cells() if cell.on_request is None]
    tables = group_cells(always, table_title)
    assert [table[0].config.operator for table in tables.values()] == ["neuralsort", "softsort"]
    for table in tables.values():
        plain, *newton = configs(table)
        assert {one.plain() for one in newton} == {plain}
        for curvature in ("hessian", "fisher"):
            found = [one.damping for one in newton if one.curvature == curvature]
            assert found == list(ABLATION)


def test_figure_4_has_the_exact_loss_where_it_is_named() -> None:
    always = [cell.config for cell in figure4_cells() if cell.on_request is None]
    asked = [cell for cell in figure4_cells() if cell.on_request is not None]
    assert {cell.on_request for cell in asked} == {"loss"}
    exact = [replace(config, source="ours", loss="exact") for config in always]
    assert [cell.config for cell in asked] == exact
