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
from benchmarks.runs.scale import parse_scale


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
        flags: by the fields of a configuration, ``None`` where not given, and ``scale``. Those of
            size and the scale change every cell. The others describe one cell; beside a preset,
            selectors select among its cells and all others change the cells that they apply to.

    Returns:
        The cells, each table's plain loss first.

    Raises:
        InputError: a flag has a value that it cannot have, or no cell has it.
    """
    chosen = cell_choices(family, flags)
    size = {name: value for name, value in _given(family, flags) if name in family.size_flags}
    name = preset or family.main_preset
    check_choice("preset", name, (*family.presets, *family.drawings))
    share = parse_scale(flags.get("scale")).steps
    found = family.presets[name]
    base = replace(found.base if share == 1.0 else found.base.scaled(share), **size)
    if preset is None and chosen:
        if chosen.get("curvature") == "hessian":
            chosen.setdefault("eigenvalues", "raw")  # The paper's.
        return single_cells(family.single(base, chosen))
    selected = _select(found.cells(base), chosen, family.selectors, name)
    rest = {field: value for field, value in chosen.items() if field not in family.selectors}
    return _change(selected, rest, name)


def plan_notes(family: Family[ConfigT], preset: str | None, flags: Mapping[str, Any]) -> list[str]:
    """What the flags change of a preset, in a line below its tables; none for a single cell."""
    if preset is None and cell_choices(family, flags):
        return []
    given = [(name, value) for name, value in flags.items() if name in {"scale", "seeds"} and value]
    given += _given(family, flags)
    if not given:
        return []
    words = " ".join(f"{flag(name)} {value}" for name, value in given)
    return [f"Changed from preset {preset or family.main_preset}: {words}"]


def _given(family: Family[ConfigT], flags: Mapping[str, Any]) -> list[tuple[str, Any]]:
    names = {field.name for field in fields(family.config_class)}
    return [(name, value) for name, value in flags.items() if name in names and value is not None]


def _select(
    cells: list[Cell[ConfigT]], chosen: Mapping[str, Any], selectors: Sequence[str], preset: str
) -> list[Cell[ConfigT]]:
    """Those cells of a preset whose configurations have one of the chosen values."""
    cells = [cell for cell in cells if cell.on_request is None or cell.on_request in chosen]
    words = []
    for name, value in chosen.items():
        if name not in selectors:
            continue
        values = value.split(",") if isinstance(value, str) else [value]
        words.append(f"{flag(name)} {value}")
        _check_values(cells, name, values)
        cells = [cell for cell in cells if getattr(cell.config, name) in values]
    if not cells:
        raise InputError(f"--preset {preset} has no cell of {', '.join(words)}")
    return cells


def _check_values(cells: Sequence[Cell[ConfigT]], name: str, values: Sequence[Any]) -> None:
    """Refuse a value that no configuration may have, with the message of the configuration."""
    if name != "curvature" or not cells:
        return
    for value in values:
        check_choice(name, value, cells[0].config.curvatures)


def _change(
    cells: Sequence[Cell[ConfigT]], changes: Mapping[str, Any], preset: str
) -> list[Cell[ConfigT]]:
    """The cells with other numbers, wherever they have such a number; equal ones once."""
    for name, value in changes.items():
        if all(getattr(cell.config, name) is None for cell in cells):
            raise InputError(f"{flag(name)} applies to no cell of --preset {preset}")
        cells = [_with(cell, name, value) for cell in cells]
    return list({cell.config: cell for cell in reversed(cells)}.values())[::-1]


def _with(cell: Cell[ConfigT], name: str, value: Any) -> Cell[ConfigT]:
    if getattr(cell.config, name) is None:
        return cell
    changed = replace(cell, config=replace(cell.config, **{name: value}))
    return replace(changed, knob=None, candidates=()) if cell.knob == name else changed
