"""The cells of the quick profile and of Tables 2 and 3, and single configurations."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.runs.cells import Cell, group_cells
from benchmarks.shortest_path.config import LOSSES, RELAXED, PathConfig
from benchmarks.shortest_path.names import table_title
from benchmarks.shortest_path.paper import PAPER
from benchmarks.shortest_path.presets import PRESETS, QUICK, quick_cells, single_config
from benchmarks.shortest_path.table_cells import figure3_cells, table2_cells, table3_cells


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
        curvatures = ["none", "hessian", "fisher"]
        if table[0].config.loss == "smoothed-algorithm":
            curvatures = ["none", "fisher", "hessian"]
        assert [cell.config.curvature for cell in table] == curvatures


def test_tables_compare_like_with_like() -> None:
    for cells in (quick_cells(), table2_cells(), table3_cells()):
        for table in group_cells(cells, table_title).values():
            plain = table[0].config
            assert {cell.config.plain() for cell in table} == {plain}


def test_rows_of_the_papers_tables_are_the_papers() -> None:
    for cell in (*table2_cells(), *table3_cells()):
        assert (PAPER.differences(cell.config, 10) is None) == bool(cell.on_request)
        assert not PAPER.differences(cell.config, 10)


def test_what_the_paper_leaves_out_is_there_on_request() -> None:
    asked = [cell.config for cell in (*table2_cells(), *table3_cells()) if cell.on_request]
    assert {(one.loss, one.curvature) for one in asked} == {
        ("for-l2", "gauss-newton"),
        ("while-l2", "gauss-newton"),
        ("smoothed-algorithm", "hessian"),
    }


def test_each_table_has_the_number_to_choose_that_the_paper_chose() -> None:
    for cell in (*quick_cells(), *table3_cells()):
        assert cell.knob == (None if cell.config.curvature == "none" else "damping")
    assert {cell.knob for cell in table2_cells()} == {"lr"}


def test_presets_take_the_published_maps_unless_others_are_named() -> None:
    assert PRESETS["quick"].base.data == "terrain"
    assert {PRESETS[name].base.data for name in ("table2", "table3", "figure3")} == {"warcraft"}
    base = replace(PRESETS["table3"].base, data="terrain")
    assert {cell.config.data for cell in table3_cells(base)} == {"terrain"}
    assert table3_cells(base)[-1].config.lr == 1e-2


def test_figures_3_and_5_are_a_part_of_table_3() -> None:
    assert [cell.config.curvature for cell in figure3_cells()] == ["none", "hessian", "fisher"]
    assert set(figure3_cells()) <= set(table3_cells())


def test_losses_have_the_papers_strength_unless_given() -> None:
    assert single_config(QUICK, {"samples": 3}) == replace(QUICK, samples=3)
    relaxed = single_config(QUICK, {"loss": "while-l1"})
    assert (relaxed.loss, relaxed.steepness, relaxed.sigma) == ("while-l1", 10.0, None)
    assert single_config(QUICK, {"loss": "for-l2", "steepness": 3.0}).steepness == 3.0
