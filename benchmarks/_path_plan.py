"""From the flags of the shortest-path command to the cells and the seeds that are run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from benchmarks._errors import InputError
from benchmarks._path_config import PathConfig
from benchmarks._path_presets import (
    DEFAULT_SEEDS,
    PAPER,
    PRESETS,
    QUICK,
    TUNING_SEEDS,
    quick_cells,
    single_path_cells,
    table2_cells,
    table3_cells,
    with_loss,
)
from benchmarks._plan import parse_seeds, select_cells
from benchmarks._presets import Cell

_SELECTORS: Final = ("loss", "curvature", "samples")


def plan_path_cells(
    preset: str | None, choices: Mapping[str, Any], size: Mapping[str, Any]
) -> list[Cell]:
    """The cells to run.

    Args:
        preset: the name of a table, ``"quick"`` or ``None``.
        choices: the flags that describe one cell, ``None`` where not given. Beside a preset they
            select among its cells.
        size: the flags that change the size of every cell, ``None`` where not given.

    Raises:
        InputError: a flag has a value that it cannot have, or goes with no cell.
    """
    chosen = {name: value for name, value in choices.items() if value is not None}
    changed = {name: value for name, value in size.items() if value is not None}
    if preset is None and chosen:
        return single_path_cells(_one_config(chosen, replace(QUICK, **changed)))
    if preset not in {None, *PRESETS}:
        raise InputError(f"--preset must be one of {', '.join(PRESETS)}, got {preset}")
    make = {"table2": table2_cells, "table3": table3_cells}.get(preset or "", quick_cells)
    cells = make(replace(QUICK if make is quick_cells else PAPER, **changed))
    return select_cells(cells, chosen, _SELECTORS, preset)


def plan_path_seeds(text: str | None, preset: str | None, tune: bool) -> list[int]:
    """The seeds that ``text`` names, or those that the preset, or tuning, has by default."""
    default = TUNING_SEEDS if tune else DEFAULT_SEEDS[preset or "quick"]
    return parse_seeds(default if text is None else text)


def _one_config(chosen: Mapping[str, Any], base: PathConfig) -> PathConfig:
    rest = dict(chosen)
    config = with_loss(base, rest.pop("loss", base.loss))
    if rest.get("curvature") == "hessian":
        rest.setdefault("eigenvalues", "raw")
    return replace(config, **rest)
