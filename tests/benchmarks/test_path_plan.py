"""From flags to cells and seeds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks._errors import InputError
from benchmarks._path_plan import plan_path_cells, plan_path_seeds
from benchmarks._path_presets import PAPER, QUICK, quick_cells, table2_cells, table3_cells


def test_no_flags_are_the_quick_profile() -> None:
    assert plan_path_cells(None, {"loss": None}, {"epochs": None}) == quick_cells()
    assert plan_path_cells("quick", {}, {}) == quick_cells()
    assert plan_path_cells("table2", {}, {}) == table2_cells()
    assert plan_path_cells("table3", {}, {}) == table3_cells()


def test_sizes_change_every_cell() -> None:
    size = {"epochs": 3, "batch_size": 7, "maps": 20, "evaluation_maps": 5, "network": "tiles"}
    for preset in (None, "table2", "table3"):
        for cell in plan_path_cells(preset, {}, size):
            assert {name: getattr(cell.config, name) for name in size} == size


def test_flags_of_a_cell_run_it_after_its_plain_loss() -> None:
    choices = {"curvature": "hessian", "damping": 2.0, "samples": 3}
    plain, cell = plan_path_cells(None, choices, {"epochs": 4})
    assert plain.config == replace(QUICK, samples=3, epochs=4)
    assert (cell.config.curvature, cell.config.eigenvalues) == ("hessian", "raw")
    assert cell.config.damping == 2.0
    (alone,) = plan_path_cells(None, {"loss": "while-l1"}, {})
    assert (alone.config.loss, alone.config.steepness) == ("while-l1", 10.0)
    (steep,) = plan_path_cells(None, {"loss": "for-l2", "steepness": 3.0}, {})
    assert steep.config.steepness == 3.0


def test_a_preset_can_be_narrowed() -> None:
    choices = {"loss": "fenchel-young", "samples": 3, "curvature": "fisher"}
    (cell,) = plan_path_cells("table3", choices, {})
    assert cell.config.plain() == replace(PAPER, samples=3)


@pytest.mark.parametrize(
    ("preset", "choices", "message"),
    [
        ("table1", {}, "--preset must be one of quick, table2, table3, got table1"),
        ("table2", {"damping": 1.0}, "--damping describes one cell"),
        ("table2", {"samples": 3}, "--preset table2 has no cell of --samples 3"),
        (None, {"loss": "l1"}, "--loss must be one of"),
        (None, {"loss": "for-l1", "samples": 3}, "--samples: the loss for-l1 has none"),
    ],
)
def test_bad_plans_are_named(preset: str | None, choices: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan_path_cells(preset, choices, {})


def test_seeds_of_presets_and_of_tuning() -> None:
    assert plan_path_seeds(None, None, tune=False) == [0, 1, 2]
    assert plan_path_seeds(None, "table2", tune=False) == list(range(10))
    assert plan_path_seeds("4,7", "table3", tune=False) == [4, 7]
    assert not set(plan_path_seeds(None, None, tune=True)) & set(range(10))
