"""From the flags of a family's command to the cells that are run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from benchmarks.runs.cells import Cell, single_cells
from benchmarks.runs.checks import check_choice, flag
from benchmarks.runs.config import ConfigT
from benchmarks.runs.errors import InputError
from benchmarks.runs.family import Family


def cell_choices(family: Family[ConfigT], flags: Mapping[str, Any]) -> dict[str, Any]:
    """The flags that were given and describe a single cell, by the fields of a configuration."""
    return {name: value for name, value in _given(family, flags) if name not in family.size_flags}


def plan_cells(
    family: Family[ConfigT], preset: str | None, flags: Mapping[str, Any]
) -> list[Cell[ConfigT]]:
    """The cells to run.

    Args:
        family: whose flags they are.
        preset: the name of one, or ``None``.
        flags: by the fields of a configuration, ``None`` where not given. Those of size change
            every cell. The others describe one cell; beside a preset they select among its cells.

    Returns:
        The cells, each table's plain loss first.

    Raises:
        InputError: a flag has a value that it cannot have, or no cell has it.
    """
    chosen = cell_choices(family, flags)
    size = {name: value for name, value in _given(family, flags) if name in family.size_flags}
    if preset is None and chosen:
        if chosen.get("curvature") == "hessian":
            chosen.setdefault("eigenvalues", "raw")  # The paper's.
        base = replace(family.presets[family.main_preset].base, **size)
        return single_cells(family.single(base, chosen))
    name = preset or family.main_preset
    check_choice("preset", name, tuple(family.presets))
    found = family.presets[name]
    return _select(found.cells(replace(found.base, **size)), chosen, family.selectors, name)


def _given(family: Family[ConfigT], flags: Mapping[str, Any]) -> list[tuple[str, Any]]:
    names = {field.name for field in fields(family.config_class)}
    return [(name, value) for name, value in flags.items() if name in names and value is not None]


def _select(
    cells: list[Cell[ConfigT]], chosen: Mapping[str, Any], selectors: Sequence[str], preset: str
) -> list[Cell[ConfigT]]:
    """Those cells of a preset whose configurations have the chosen values."""
    for name, value in chosen.items():
        if name not in selectors:
            raise InputError(f"{flag(name)} describes one cell: give it without --preset")
        cells = [cell for cell in cells if getattr(cell.config, name) == value]
    if not cells:
        words = ", ".join(f"{flag(name)} {value}" for name, value in chosen.items())
        raise InputError(f"--preset {preset} has no cell of {words}")
    return cells
