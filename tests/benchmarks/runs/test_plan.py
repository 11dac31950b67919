"""From flags to cells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.runs.cells import Cell, newton_cell
from benchmarks.runs.errors import InputError
from benchmarks.runs.plan import cell_choices, plan_cells, plan_notes
from tests.benchmarks.runs.toy import BASE, LARGE, TOY, ToyConfig, large_cells, main_cells

NOT_GIVEN = {"shape": None, "curvature": None, "steps": None, "preset": None, "out": "folder"}


def test_no_flags_are_the_main_preset() -> None:
    assert plan_cells(TOY, None, NOT_GIVEN) == main_cells(BASE)
    assert plan_cells(TOY, "small", {}) == main_cells(BASE)
    assert plan_cells(TOY, "large", {}) == large_cells(LARGE)[:-1]


def test_sizes_change_every_cell() -> None:
    size = {"steps": 7, "batch_size": 5}
    assert plan_cells(TOY, None, size) == main_cells(replace(BASE, **size))
    assert plan_cells(TOY, "large", size) == large_cells(replace(LARGE, **size))[:-1]


def test_flags_of_a_cell_run_it_after_its_plain_loss() -> None:
    flags = {**NOT_GIVEN, "curvature": "fisher", "damping": 2.0, "steps": 9}
    plain = replace(BASE, steps=9)
    fisher = replace(plain, curvature="fisher", damping=2.0)
    assert plan_cells(TOY, None, flags) == [Cell(plain), newton_cell(fisher)]
    assert plan_cells(TOY, None, {"lr": 0.5}) == [Cell(replace(BASE, lr=0.5))]


def test_the_hessian_is_the_papers_unless_its_eigenvalues_are_named() -> None:
    for given, expected in (({}, "raw"), ({"eigenvalues": "clamp"}, "clamp")):
        cell = plan_cells(TOY, None, {"curvature": "hessian", **given})[-1]
        assert cell.config.eigenvalues == expected


def test_only_flags_that_are_given_and_no_size_describe_a_cell() -> None:
    assert cell_choices(TOY, NOT_GIVEN) == {}
    assert cell_choices(TOY, {"steps": 4, "lr": 0.5, "seeds": "1"}) == {"lr": 0.5}


def test_a_preset_can_be_narrowed() -> None:
    (cell,) = plan_cells(TOY, "large", {"shape": "square", "curvature": "none"})
    assert cell.config == replace(LARGE, shape="square")


def test_a_selector_may_name_several_values() -> None:
    cells = plan_cells(TOY, "large", {"curvature": "none,fisher", "shape": "round"})
    assert cells == main_cells(LARGE)


def test_some_cells_are_there_only_when_their_curvature_is_named() -> None:
    curvatures = [cell.config.curvature for cell in plan_cells(TOY, "large", {})]
    assert "gauss-newton" not in curvatures
    (cell,) = plan_cells(TOY, "large", {"curvature": "gauss-newton"})
    assert cell == large_cells(LARGE)[-1]


def test_other_flags_change_the_cells_that_they_apply_to() -> None:
    plain, fisher = plan_cells(TOY, "small", {"damping": 7.0, "lr": 0.5})
    assert plain == Cell(replace(BASE, lr=0.5))
    # A number that is given is not tuned.
    assert fisher == Cell(replace(BASE, lr=0.5, curvature="fisher", damping=7.0))


def test_cells_that_a_flag_makes_equal_are_one() -> None:
    def cells(base: ToyConfig) -> list[Cell[ToyConfig]]:
        return [Cell(base), Cell(replace(base, lr=0.7), "lr", (0.7, 0.8))]

    family = replace(TOY, presets={"rates": replace(TOY.presets["small"], cells=cells)})
    assert plan_cells(family, "rates", {"lr": 0.7}) == [Cell(replace(BASE, lr=0.7))]


def test_a_scale_shortens_what_a_preset_has_and_nothing_that_is_given() -> None:
    scaled = plan_cells(TOY, "large", {"scale": "0.5"})
    assert {cell.config.steps for cell in scaled} == {25}
    given = plan_cells(TOY, "large", {"scale": "0.5", "steps": 7})
    assert {cell.config.steps for cell in given} == {7}
    assert plan_cells(TOY, None, {"scale": "0.01"})[0].config.steps == 1


def test_what_is_changed_of_a_preset_is_said() -> None:
    flags = {**NOT_GIVEN, "scale": "0.5", "seeds": None, "lr": 0.5, "curvature": "none,fisher"}
    assert plan_notes(TOY, "large", flags) == [
        "Changed from preset large: --scale 0.5 --curvature none,fisher --lr 0.5"
    ]
    assert plan_notes(TOY, None, {"steps": 9}) == ["Changed from preset small: --steps 9"]
    assert plan_notes(TOY, "large", NOT_GIVEN) == []
    assert plan_notes(TOY, None, {"lr": 0.5}) == []  # A single cell.


@pytest.mark.parametrize(
    ("preset", "flags", "message"),
    [
        ("huge", {}, "--preset must be one of small, large, sketch, got huge"),
        ("small", {"eigenvalues": "raw"}, "--eigenvalues applies to no cell of --preset small"),
        ("small", {"curvature": "newton"}, "--curvature must be one of none, hessian"),
        ("small", {"scale": "2"}, "--scale must be like 0.1"),
        ("small", {"shape": "square"}, "--preset small has no cell of --shape square"),
        (None, {"shape": "flat"}, "--shape must be one of"),
        (None, {"steps": 0}, "--steps must be at least 1, got 0"),
    ],
)
def test_bad_plans_are_named(preset: str | None, flags: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan_cells(TOY, preset, flags)
