"""The numbers that ``--tune`` chose, in a file that ``--lambda own`` reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from benchmarks.runs.cells import Cell
from benchmarks.runs.config import ConfigT
from benchmarks.runs.errors import InputError
from benchmarks.runs.family import Family
from benchmarks.runs.files import write_text
from benchmarks.runs.tuning import Choice

CHOSEN: Final = "chosen.json"


def write_chosen(
    folder: Path, family: Family[ConfigT], choices: Sequence[Choice[ConfigT]], seeds: Sequence[int]
) -> Path:
    """Write the choices beside those that the file has of other cells.

    Args:
        folder: of the results.
        family: that the cells belong to.
        choices: what was chosen.
        seeds: on which.

    Returns:
        The file.
    """
    path = folder / CHOSEN
    entries = [
        {
            "knob": choice.cell.knob,
            "value": choice.value,
            "seeds": list(seeds),
            "config": _cell_of(family, choice.cell),
        }
        for choice in choices
    ]
    new = [(entry["knob"], entry["config"]) for entry in entries]
    kept = [entry for entry in _read(path) if (entry["knob"], entry["config"]) not in new]
    lines = ",\n".join(json.dumps(entry) for entry in [*kept, *entries])
    write_text(path, f"[\n{lines}\n]\n")
    return path


def with_chosen(
    folder: Path, family: Family[ConfigT], cells: Sequence[Cell[ConfigT]]
) -> list[Cell[ConfigT]]:
    """The same cells with the numbers of the file in place of the preset's.

    Raises:
        InputError: the file has no number for one of them.
    """
    path = folder / CHOSEN
    entries = _read(path)
    return [cell if cell.knob is None else _choose(path, family, cell, entries) for cell in cells]


def _choose(
    path: Path, family: Family[ConfigT], cell: Cell[ConfigT], entries: Sequence[dict[str, Any]]
) -> Cell[ConfigT]:
    knob, wanted = str(cell.knob), _cell_of(family, cell)
    for entry in entries:
        if (entry["knob"], entry["config"]) == (knob, wanted):
            return replace(cell, config=replace(cell.config, **{knob: entry["value"]}))
    row = f"{family.title(cell.config)}: {family.label(cell.config, cell.config)}"
    raise InputError(f"--lambda own: {path} has no {knob} for {row}; run --tune first")


def _cell_of(family: Family[ConfigT], cell: Cell[ConfigT]) -> dict[str, Any]:
    """What tells a cell from others: its choices without its knob, at whatever size it is run."""
    without = {*family.size_flags, cell.knob, "split"}
    return {name: value for name, value in cell.config.asdict().items() if name not in without}


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        if all(entry.keys() >= {"knob", "value", "config"} for entry in entries):
            return list(entries)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    raise InputError(f"{path} is not a file of chosen numbers")
