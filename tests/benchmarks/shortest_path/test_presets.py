"""The cells of the quick profile and of Tables 2 and 3, and single configurations."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.runs.cells import Cell, group_cells
from benchmarks.shortest_path.config import LOSSES, RELAXED, PathConfig
from benchmarks.shortest_path.names import table_title
from benchmarks.shortest_path.presets import (
    QUICK,
    quick_cells,
    single_config,
    table2_cells,
    table3_cells,
)


def configs(cells: list[Cell[PathConfig]]) -> list[PathConfig]:
    return [cell.config for cell in cells]


def test_the_quick_profile_shows_every_curvature() -> None:
    found = [(one.loss, one.curvature) for one in configs(quick_cells())]
    assert found == [
        ("fenchel-young", "none"),
        ("fenchel-young", "hessian"),
        ("fenchel-young", "fisher"),
        ("for-l2", "none"),
        ("for-l2", "fisher"),
        ("for-l2", "gauss-newton"),
    ]
    assert {one.network for one in configs(quick_cells())} == {"tiles"}
    # A size that is asked for is that of all.
    assert {one.maps for one in configs(quick_cells(replace(QUICK, maps=50)))} == {50}


def test_tables_have_the_papers_cells_and_protocol() -> None:
    second, third = configs(table2_cells()), configs(table3_cells())
    assert {one.loss for one in second} == set(RELAXED)
    assert {(one.loss, one.samples) for one in third} == {
        (loss, samples) for loss in set(LOSSES) - set(RELAXED) for samples in (3, 10, 30)
    }
    assert {one.eigenvalues for one in third if one.curvature == "hessian"} == {"raw"}
    assert {one.sigma for one in third} == {0.1}
    assert {one.steepness for one in second} == {10.0}
    for one in (*second, *third):
        assert (one.network, one.maps, one.epochs, one.batch_size) == ("resnet", 10_000, 50, 70)
        assert one.evaluation_maps == 1_000
    for table in group_cells(table3_cells(), table_title).values():
        assert [cell.config.curvature for cell in table] == ["none", "hessian", "fisher"]


def test_tables_compare_like_with_like() -> None:
    for cells in (quick_cells(), table2_cells(), table3_cells()):
        for table in group_cells(cells, table_title).values():
            plain = table[0].config
            assert {cell.config.plain() for cell in table} == {plain}


def test_only_newton_losses_have_a_number_to_choose() -> None:
    for cell in (*quick_cells(), *table2_cells(), *table3_cells()):
        assert (cell.knob is None) == (cell.config.curvature == "none")


def test_losses_have_the_papers_strength_unless_given() -> None:
    assert single_config(QUICK, {"samples": 3}) == replace(QUICK, samples=3)
    relaxed = single_config(QUICK, {"loss": "while-l1"})
    assert (relaxed.loss, relaxed.steepness, relaxed.sigma) == ("while-l1", 10.0, None)
    assert single_config(QUICK, {"loss": "for-l2", "steepness": 3.0}).steepness == 3.0
