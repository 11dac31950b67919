"""From the flags of the command to the cells and the seeds that are run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from benchmarks._config import Config
from benchmarks._errors import InputError
from benchmarks._presets import (
    DEFAULT_SEEDS,
    MAIN,
    PRESETS,
    TABLE1,
    TUNING_SEEDS,
    Cell,
    main_cells,
    single_cells,
    table1_cells,
    with_operator,
)

_SEEDS_END: Final = 10_000
_SELECTORS: Final = ("operator", "distribution", "n", "loss", "curvature")


def plan_cells(
    preset: str | None, choices: Mapping[str, Any], size: Mapping[str, Any]
) -> list[Cell]:
    """The cells to run.

    Args:
        preset: the name of a table, or ``None``.
        choices: the flags that describe one cell, ``None`` where not given. Beside a preset they
            select among its cells.
        size: the flags that change the size of every cell, ``None`` where not given.

    Raises:
        InputError: a flag has a value that it cannot have, or goes with no cell.
    """
    chosen = {name: value for name, value in choices.items() if value is not None}
    changed = {name: value for name, value in size.items() if value is not None}
    if preset is None and chosen:
        return single_cells(_one_config(chosen, changed))
    if preset not in {None, *PRESETS}:
        raise InputError(f"--preset must be one of {', '.join(PRESETS)}, got {preset}")
    if preset == "table1":
        cells = table1_cells(replace(TABLE1, **changed))
    else:
        cells = main_cells(_main_base(changed))
    return select_cells(cells, chosen, _SELECTORS, preset)


def select_cells(
    cells: list[Cell], chosen: Mapping[str, Any], selectors: Sequence[str], preset: str | None
) -> list[Cell]:
    """Those cells of a preset whose configurations have the chosen values.

    Raises:
        InputError: a flag is none of the ``selectors``, or no cell is left.
    """
    for name, value in chosen.items():
        if name not in selectors:
            raise InputError(f"--{name} describes one cell: give it without --preset")
        cells = [cell for cell in cells if getattr(cell.config, name) == value]
    if not cells:
        words = ", ".join(f"--{name} {value}" for name, value in chosen.items())
        raise InputError(f"--preset {preset} has no cell of {words}")
    return cells


def plan_seeds(text: str | None, preset: str | None, tune: bool) -> list[int]:
    """The seeds that ``text`` names, or those that the preset, or tuning, has by default."""
    default = TUNING_SEEDS if tune else DEFAULT_SEEDS[preset or "main"]
    return parse_seeds(default if text is None else text)


def parse_seeds(text: str) -> list[int]:
    """The seeds that ``text`` names, such as ``0-7`` or ``0,2,5``.

    Raises:
        InputError: it names none, or one twice.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise InputError(f"--seeds must be such as 0-7 or 0,2,5, got {text}")
        start, stop = int(first), int(last if dash else first) + 1
        if stop > _SEEDS_END:
            raise InputError(f"--seeds must be below {_SEEDS_END:,}, got {text}")
        seeds += range(start, stop)
    if not seeds or len(set(seeds)) != len(seeds):
        raise InputError(f"--seeds must name each seed once, and at least one, got {text}")
    return seeds


def _main_base(changed: Mapping[str, Any]) -> Config:
    """The main job's profile; on MNIST with the paper's rate, which its larger network needs."""
    base = replace(MAIN, **changed)
    return base if base.data == "digits" else replace(base, lr=TABLE1.lr)


def _one_config(chosen: Mapping[str, Any], changed: Mapping[str, Any]) -> Config:
    base = _main_base(changed)
    rest = dict(chosen)
    operator = rest.pop("operator", base.operator)
    distribution = rest.pop("distribution", None)
    base = with_operator(base, operator, distribution, rest.pop("n", base.n))
    if rest.get("curvature") == "hessian":
        rest.setdefault("eigenvalues", "raw")
    return replace(base, **rest)
