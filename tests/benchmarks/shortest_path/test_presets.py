"""The cells of the quick profile and of Tables 2 and 3, and the data that they need."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks._errors import InputError
from benchmarks._path_config import LOSSES, RELAXED, PathConfig
from benchmarks._path_presets import (
    PAPER,
    QUICK,
    load_paths,
    path_group_name,
    path_row_name,
    quick_cells,
    single_path_cells,
    table2_cells,
    table3_cells,
    with_loss,
)
from benchmarks._presets import Cell, groups
from benchmarks._terrain import generate_maps, write_terrain


def configs(cells: list[Cell]) -> list[PathConfig]:
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
    for table in groups(table3_cells(), path_group_name).values():
        assert [cell.config.curvature for cell in table] == ["none", "hessian", "fisher"]


def test_tables_start_with_the_plain_loss_and_compare_like_with_like() -> None:
    for cells in (quick_cells(), table2_cells(), table3_cells()):
        for table in groups(cells, path_group_name).values():
            plain = table[0].config
            assert plain == plain.plain()
            assert {cell.config.plain() for cell in table} == {plain}
            names = [path_row_name(cell.config, plain) for cell in table]
            assert len(set(names)) == len(names)


def test_chosen_numbers_are_candidates_of_their_grids() -> None:
    for cell in (*quick_cells(), *table2_cells(), *table3_cells()):
        assert (cell.knob is None) == (cell.config.curvature == "none")
        if cell.knob is not None:
            assert getattr(cell.config, cell.knob) in cell.candidates


def test_a_plain_cell_stands_alone() -> None:
    assert configs(single_path_cells(PAPER)) == [PAPER]
    fisher = replace(PAPER, curvature="fisher")
    assert configs(single_path_cells(fisher)) == [PAPER, fisher]


def test_names_say_what_is_particular() -> None:
    config = with_loss(QUICK, "while-l1")
    assert path_group_name(config) == (
        "relaxed Bellman-Ford (while), L1 (β=10), terrain, tiles, 1,000 maps, "
        "10 epochs in batches of 20"
    )
    assert "smoothing of the loss (σ=0.1, 3 samples)" in path_group_name(
        with_loss(QUICK, "smoothed-loss", 3)
    )
    raw = replace(QUICK, curvature="hessian", eigenvalues="raw", damping=0.1, lr=1.0)
    assert path_row_name(raw, QUICK) == "NL (Hessian), raw, λ=0.1, rate 1"
    newton = replace(config, curvature="gauss-newton")
    assert path_row_name(newton, config) == "NL (Gauss-Newton)"


def test_the_data_is_as_large_as_the_largest_configuration_needs() -> None:
    wanted = [replace(QUICK, maps=3, evaluation_maps=2), replace(QUICK, maps=2, evaluation_maps=4)]
    parts = load_paths(wanted, None)
    sizes = {part: len(maps) for part, maps in parts.items()}
    assert sizes == {"train": 3, "validation": 4, "test": 4}
    assert np.array_equal(parts["train"].images, generate_maps(3, 0, "train").images)


def test_warcraft_comes_from_its_folder(tmp_path: Path) -> None:
    config = replace(QUICK, data="warcraft")
    with pytest.raises(InputError, match="--data warcraft needs --data-dir"):
        load_paths([config], None)
    with pytest.raises(InputError, match=r"doi 10\.17617/3\.YJCQ5S"):
        load_paths([config], tmp_path)
    write_terrain(tmp_path, {"train": 3, "validation": 1, "test": 2}, seed=4)
    assert len(load_paths([config], tmp_path)["test"]) == 2
