"""From flags to cells and seeds."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks._errors import InputError
from benchmarks._plan import plan_cells, plan_seeds
from benchmarks._presets import MAIN, TABLE1, main_cells, table1_cells


def test_no_flags_are_the_main_job() -> None:
    assert plan_cells(None, {"n": None}, {"steps": None}) == main_cells(MAIN)
    assert plan_cells("main", {}, {}) == main_cells(MAIN)
    assert plan_cells("table1", {}, {}) == table1_cells(TABLE1)


def test_sizes_change_every_cell() -> None:
    for preset in ("main", "table1"):
        cells = plan_cells(preset, {}, {"steps": 7, "batch_size": 3, "evaluation_sets": 5})
        found = {(c.config.steps, c.config.batch_size, c.config.evaluation_sets) for c in cells}
        assert found == {(7, 3, 5)}


def test_mnist_trains_at_the_papers_rate() -> None:
    cells = plan_cells(None, {}, {"data": "mnist"})
    assert {cell.config.lr for cell in cells} == {1e-3}
    assert {cell.config.curvature for cell in cells} == {"none", "hessian", "fisher"}


def test_flags_of_a_cell_run_it_after_its_plain_loss() -> None:
    plain, cell = plan_cells(None, {"curvature": "hessian", "damping": 2.0}, {})
    assert plain.config == MAIN
    assert (cell.config.curvature, cell.config.eigenvalues) == ("hessian", "raw")
    assert cell.config.damping == 2.0
    (alone,) = plan_cells(None, {"loss": "exact"}, {})
    assert alone.config.loss == "exact"


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"operator": "neuralsort"}, (1.0, None, None)),
        ({"operator": "softsort", "temperature": 0.3}, (0.3, None, None)),
        ({"operator": "odd_even"}, (None, "cauchy", 10.0)),
        ({"operator": "odd_even", "n": 10}, (None, "cauchy", 100.0)),
        ({"operator": "odd_even", "distribution": "logistic", "n": 10}, (None, "logistic", 10.0)),
        ({"operator": "bitonic", "n": 4, "steepness": 3.0}, (None, "cauchy", 3.0)),
    ],
)
def test_operators_come_with_the_papers_strength(
    choices: dict[str, Any], expected: tuple[object, ...]
) -> None:
    config = plan_cells(None, choices, {})[0].config
    assert (config.temperature, config.distribution, config.steepness) == expected


def test_a_preset_can_be_narrowed() -> None:
    cells = plan_cells("table1", {"operator": "softsort", "n": 10}, {})
    assert [cell.config.curvature for cell in cells] == ["none", "hessian", "fisher"]
    assert {(cell.config.operator, cell.config.n) for cell in cells} == {("softsort", 10)}


@pytest.mark.parametrize(
    ("preset", "choices", "message"),
    [
        ("table9", {}, "--preset must be one of main, table1, got table9"),
        ("table1", {"damping": 1.0}, "--damping describes one cell"),
        ("table1", {"n": 7}, "--preset table1 has no cell of --n 7"),
        (None, {"curvature": "newton"}, "--curvature must be one of"),
    ],
)
def test_bad_plans_are_named(preset: str | None, choices: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan_cells(preset, choices, {})


@pytest.mark.parametrize(
    ("text", "expected"), [("0-3", [0, 1, 2, 3]), ("5", [5]), ("0,2, 7-8", [0, 2, 7, 8])]
)
def test_seeds(text: str, expected: list[int]) -> None:
    assert plan_seeds(text, None, tune=False) == expected


def test_tuning_seeds_are_not_reported_ones() -> None:
    tuning = set(plan_seeds(None, None, tune=True))
    assert plan_seeds(None, None, tune=False) == list(range(8))
    assert plan_seeds(None, "table1", tune=False) == list(range(10))
    assert not tuning & set(range(10))


@pytest.mark.parametrize("text", ["", "a", "3-", "-3", "3-1", "1,1", "0-99999", "1;2", "1.5"])
def test_bad_seeds_are_named(text: str) -> None:
    with pytest.raises(InputError, match="--seeds must"):
        plan_seeds(text, None, tune=False)
