"""The presets: the quick profile with the numbers chosen for it, and the paper's experiments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from benchmarks.runs.cells import Cell, newton_cell
from benchmarks.runs.family import Preset
from benchmarks.shortest_path.config import PathConfig
from benchmarks.shortest_path.paper import FULL
from benchmarks.shortest_path.strength import with_loss
from benchmarks.shortest_path.table_cells import figure3_cells, table2_cells, table3_cells

QUICK: Final = PathConfig()
# Jacobians of the relaxed Bellman-Ford are costly on a CPU, in proportion to the maps.
QUICK_RELAXED_MAPS: Final = 200
# λ of the quick profile by curvature and loss: `python -m benchmarks.shortest_path --tune`
# (Gauss-Newton, which is slow: with `--seeds 100`).
CHOSEN_QUICK: Final = {
    ("hessian", "fenchel-young"): 1.0,
    ("fisher", "fenchel-young"): 1.0,
    ("fisher", "for-l2"): 100.0,
    ("gauss-newton", "for-l2"): 1000.0,
}


def quick_cells(base: PathConfig = QUICK) -> list[Cell[PathConfig]]:
    """The quick profile: Fenchel-Young, and the relaxed Bellman-Ford on fewer maps."""
    sampled = with_loss(base, "fenchel-young")
    relaxed = with_loss(base, "for-l2")
    if base.maps == QUICK.maps:
        relaxed = replace(relaxed, maps=QUICK_RELAXED_MAPS)
    cells = []
    for plain, curvatures in (
        (sampled, ("hessian", "fisher")),
        (relaxed, ("fisher", "gauss-newton")),
    ):
        cells.append(Cell(plain))
        for curvature in curvatures:
            damping = CHOSEN_QUICK[curvature, plain.loss]
            cells.append(newton_cell(_newton(plain, curvature, damping)))
    return cells


def single_config(base: PathConfig, chosen: Mapping[str, Any]) -> PathConfig:
    """``base`` with the fields that were given, and the paper's strength of its loss."""
    rest = dict(chosen)
    return replace(with_loss(base, rest.pop("loss", base.loss)), **rest)


def _newton(plain: PathConfig, curvature: str, damping: float) -> PathConfig:
    eigenvalues = "absolute" if curvature == "hessian" else None
    return replace(plain, curvature=curvature, eigenvalues=eigenvalues, damping=damping)


# The paper's experiments: 10 seeds, and λ chosen on one that is not among them.
_PAPERS: Final = {
    "table2": table2_cells,
    "table3": table3_cells,
    "figure3": figure3_cells,
    "figure5": figure3_cells,
}
_QUICK: Final = Preset(base=QUICK, cells=quick_cells, seeds="0-2", tuning_seeds="100-102")
PRESETS: Final = {"quick": _QUICK} | {
    name: Preset(base=FULL, cells=cells, seeds="0-9", tuning_seeds="100")
    for name, cells in _PAPERS.items()
}
