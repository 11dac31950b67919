"""From flags to cells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.runs.cells import Cell, newton_cell
from benchmarks.runs.errors import InputError
from benchmarks.runs.plan import cell_choices, plan_cells
from tests.benchmarks.runs.toy import BASE, LARGE, TOY, large_cells, main_cells

NOT_GIVEN = {"shape": None, "curvature": None, "steps": None, "preset": None, "out": "folder"}


def test_no_flags_are_the_main_preset() -> None:
    assert plan_cells(TOY, None, NOT_GIVEN) == main_cells(BASE)
    assert plan_cells(TOY, "small", {}) == main_cells(BASE)
    assert plan_cells(TOY, "large", {}) == large_cells(LARGE)


def test_sizes_change_every_cell() -> None:
    size = {"steps": 7, "batch_size": 5}
    assert plan_cells(TOY, None, size) == main_cells(replace(BASE, **size))
    assert plan_cells(TOY, "large", size) == large_cells(replace(LARGE, **size))


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


@pytest.mark.parametrize(
    ("preset", "flags", "message"),
    [
        ("huge", {}, "--preset must be one of small, large, got huge"),
        ("small", {"eigenvalues": "raw"}, "--eigenvalues describes one cell: give it without"),
        ("small", {"shape": "square"}, "--preset small has no cell of --shape square"),
        (None, {"shape": "flat"}, "--shape must be one of"),
        (None, {"steps": 0}, "--steps must be at least 1, got 0"),
    ],
)
def test_bad_plans_are_named(preset: str | None, flags: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan_cells(TOY, preset, flags)
