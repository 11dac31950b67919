"""The cells of a table: configurations, and which of their numbers are chosen beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic

from benchmarks.runs.config import ConfigT

# The paper's grid for λ.
DAMPINGS: Final = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 3000.0)


@dataclass(frozen=True)
class Cell(Generic[ConfigT]):
    """One configuration of a table, trained with every seed.

    Args:
        config: what is trained.
        knob: which number of it is chosen beforehand (one of its fields), or ``None``.
        candidates: for that number.
        on_request: the field, one of the selectors, that has to be named for a preset to run the
            cell; ``None`` for cells that it always has.
    """

    config: ConfigT
    knob: str | None = None
    candidates: tuple[float, ...] = ()
    on_request: str | None = None


def newton_cell(config: ConfigT, *, on_request: str | None = None) -> Cell[ConfigT]:
    """The cell of a Newton loss, whose λ is chosen from the paper's grid."""
    return Cell(config, "damping", DAMPINGS, on_request)


def single_cells(config: ConfigT) -> list[Cell[ConfigT]]:
    """One configuration, after the plain loss that its table compares it with."""
    one = Cell(config) if config.curvature == "none" else newton_cell(config)
    return [one] if config.plain() == config else [Cell(config.plain()), one]


def group_cells(
    cells: Sequence[Cell[ConfigT]], title: Callable[[ConfigT], str]
) -> dict[str, list[Cell[ConfigT]]]:
    """The cells of each table under its title, in the order given."""
    tables: dict[str, list[Cell[ConfigT]]] = {}
    for cell in cells:
        tables.setdefault(title(cell.config), []).append(cell)
    return tables
