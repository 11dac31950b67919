"""The cells of the quick profile and of the paper's Tables 2 and 3, with the numbers chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from benchmarks.runs.cells import Cell, newton_cell
from benchmarks.runs.family import Preset
from benchmarks.shortest_path.config import RELAXED, SAMPLED, PathConfig

SAMPLES: Final = (3, 10, 30)
STEEPNESS: Final = 10.0
SIGMA: Final = 0.1

QUICK: Final = PathConfig()
# Jacobians of the relaxed Bellman-Ford are costly on a CPU, in proportion to the maps.
QUICK_RELAXED_MAPS: Final = 200
# The paper's protocol but for the rate, which is that of the work that published the Warcraft set.
FULL: Final = replace(
    QUICK, network="resnet", maps=10_000, epochs=50, batch_size=70, lr=5e-4, evaluation_maps=1_000
)

# λ of the quick profile by curvature and loss: `python -m benchmarks.shortest_path --tune`
# (Gauss-Newton, which is slow: with `--seeds 100`).
CHOSEN_QUICK: Final = {
    ("hessian", "fenchel-young"): 1.0,
    ("fisher", "fenchel-young"): 1.0,
    ("fisher", "for-l2"): 100.0,
    ("gauss-newton", "for-l2"): 1000.0,
}
# λ of the tables by curvature, loss and samples; 1 where nothing was chosen yet.
CHOSEN_TABLES: Final[dict[tuple[str, str, int | None], float]] = {}


def with_loss(config: PathConfig, loss: str, samples: int | None = None) -> PathConfig:
    """``config`` with another loss, at the paper's σ and β, and 10 samples unless given."""
    if loss in RELAXED:
        return replace(config, loss=loss, steepness=STEEPNESS, sigma=None, samples=None)
    samples = QUICK.samples if samples is None else samples
    return replace(config, loss=loss, steepness=None, sigma=SIGMA, samples=samples)


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
            cells.append(newton_cell(_newton(plain, curvature, damping, eigenvalues="absolute")))
    return cells


def table2_cells(base: PathConfig = FULL) -> list[Cell[PathConfig]]:
    """Table 2 of the paper: the relaxed Bellman-Ford, both loops and both losses.

    The Hessian is left out: each step would take 144 backward passes of a backward pass. So is
    Gauss-Newton for L1, whose second derivative is 0.
    """
    cells = []
    for loss in RELAXED:
        curvatures = ("fisher",) if loss.endswith("l1") else ("fisher", "gauss-newton")
        cells += _table_rows(with_loss(base, loss), curvatures)
    return cells


def table3_cells(base: PathConfig = FULL) -> list[Cell[PathConfig]]:
    """Table 3 of the paper: what is sampled, with 3, 10 and 30 samples."""
    cells = []
    for loss in SAMPLED:
        for samples in SAMPLES:
            cells += _table_rows(with_loss(base, loss, samples), ("hessian", "fisher"))
    return cells


def single_config(base: PathConfig, chosen: Mapping[str, Any]) -> PathConfig:
    """``base`` with the fields that were given, and the paper's strength of its loss."""
    rest = dict(chosen)
    return replace(with_loss(base, rest.pop("loss", base.loss)), **rest)


def _table_rows(plain: PathConfig, curvatures: Sequence[str]) -> list[Cell[PathConfig]]:
    cells = [Cell(plain)]
    for curvature in curvatures:
        damping = CHOSEN_TABLES.get((curvature, plain.loss, plain.samples), 1.0)
        cells.append(newton_cell(_newton(plain, curvature, damping, eigenvalues="raw")))
    return cells


def _newton(plain: PathConfig, curvature: str, damping: float, eigenvalues: str) -> PathConfig:
    treatment: dict[str, Any] = {"eigenvalues": eigenvalues} if curvature == "hessian" else {}
    return replace(plain, curvature=curvature, damping=damping, **treatment)


PRESETS: Final = {
    "quick": Preset(base=QUICK, cells=quick_cells, seeds="0-2"),
    "table2": Preset(base=FULL, cells=table2_cells, seeds="0-9"),
    "table3": Preset(base=FULL, cells=table3_cells, seeds="0-9"),
}
TUNING_SEEDS: Final = "100-102"
