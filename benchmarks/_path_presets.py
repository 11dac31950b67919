"""The cells of the quick profile and of the paper's Tables 2 and 3, with the numbers chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from benchmarks._benchmark import Benchmark
from benchmarks._errors import InputError
from benchmarks._path_config import BENCHMARK, RELAXED, SAMPLED, PathConfig
from benchmarks._path_training import PathTraining
from benchmarks._plot import plot_path_rows
from benchmarks._presets import GRID, Cell
from benchmarks._table import Measure
from benchmarks._terrain import generate_terrain
from benchmarks._warcraft import Maps, read_warcraft

MEASURES: Final = (
    Measure("em", "EM %"),
    Measure("ratio", "path cost / best", scale=1.0, digits=3, rising=False),
)
CONCLUSION: Final = (
    "EM: share of maps whose path is the true one. You may conclude which rows differ from the "
    "first one of their table on these maps, with this network and this many steps; you may not "
    "compare tables of different sizes, nor conclude anything about other data or networks "
    "(p-values are not adjusted for the number of rows)."
)
SAMPLES: Final = (3, 10, 30)
STEEPNESS: Final = 10.0
SIGMA: Final = 0.1

QUICK: Final = PathConfig()
# Jacobians of the relaxed Bellman-Ford are costly on a CPU, in proportion to the maps.
QUICK_RELAXED_MAPS: Final = 200
# The paper's protocol but for the rate, which is that of the work that published the Warcraft set.
PAPER: Final = replace(
    QUICK, network="resnet", maps=10_000, epochs=50, batch_size=70, lr=5e-4, evaluation_maps=1_000
)
PRESETS: Final = ("quick", "table2", "table3")
DEFAULT_SEEDS: Final = {"quick": "0-2", "table2": "0-9", "table3": "0-9"}
TUNING_SEEDS: Final = "100-102"

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

_NAMES: Final = {
    "for-l1": "relaxed Bellman-Ford (for), L1",
    "for-l2": "relaxed Bellman-Ford (for), L2²",
    "while-l1": "relaxed Bellman-Ford (while), L1",
    "while-l2": "relaxed Bellman-Ford (while), L2²",
    "smoothed-loss": "smoothing of the loss",
    "smoothed-algorithm": "smoothing of the algorithm",
    "fenchel-young": "Fenchel-Young",
}


def with_loss(config: PathConfig, loss: str, samples: int | None = None) -> PathConfig:
    """``config`` with another loss, at the paper's σ and β, and 10 samples unless given."""
    if loss in RELAXED:
        return replace(config, loss=loss, steepness=STEEPNESS, sigma=None, samples=None)
    samples = QUICK.samples if samples is None else samples
    return replace(config, loss=loss, steepness=None, sigma=SIGMA, samples=samples)


def quick_cells(base: PathConfig = QUICK) -> list[Cell]:
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
            config = _newton(plain, curvature, damping, eigenvalues="absolute")
            cells.append(Cell(config, "damping", GRID))
    return cells


def table2_cells(base: PathConfig = PAPER) -> list[Cell]:
    """Table 2 of the paper: the relaxed Bellman-Ford, both loops and both losses.

    The Hessian is not there: it costs 144 backward passes of a backward pass for each step. Neither
    is Gauss-Newton for L1, whose second derivative is 0.
    """
    cells = []
    for loss in RELAXED:
        curvatures = ("fisher",) if loss.endswith("l1") else ("fisher", "gauss-newton")
        cells += _table_rows(with_loss(base, loss), curvatures)
    return cells


def table3_cells(base: PathConfig = PAPER) -> list[Cell]:
    """Table 3 of the paper: what is sampled, with 3, 10 and 30 samples."""
    cells = []
    for loss in SAMPLED:
        for samples in SAMPLES:
            cells += _table_rows(with_loss(base, loss, samples), ("hessian", "fisher"))
    return cells


def single_path_cells(config: PathConfig) -> list[Cell]:
    """One configuration, after the plain loss that its table compares it with."""
    if config.plain() == config:
        return [Cell(config)]
    return [Cell(config.plain()), Cell(config, "damping", GRID)]


def path_group_name(config: PathConfig) -> str:
    """The heading of the table that a configuration belongs to."""
    if config.sigma is None:
        strength = f"β={config.steepness:g}"
    else:
        strength = f"σ={config.sigma:g}, {config.samples} samples"
    size = f"{config.maps:,} maps, {config.epochs} epochs in batches of {config.batch_size}"
    return f"{_NAMES[config.loss]} ({strength}), {config.data}, {config.network}, {size}"


def path_row_name(config: PathConfig, reference: PathConfig) -> str:
    """What is done to the loss; with the rate where it is not the one of the first row."""
    names = {"none": "plain", "hessian": "NL (Hessian)", "fisher": "NL (Fisher)"}
    name = names.get(config.curvature, "NL (Gauss-Newton)")
    name += "" if config.eigenvalues is None else f", {config.eigenvalues}"
    name += "" if config.damping is None else f", λ={config.damping:g}"
    return name + ("" if config.lr == reference.lr else f", rate {config.lr:g}")


def load_paths(configs: Sequence[PathConfig], data_dir: Path | None) -> dict[str, Maps]:
    """The data that the largest of the configurations needs.

    Raises:
        InputError: the files of the Warcraft set are missing or damaged.
    """
    if configs[0].data == "warcraft":
        if data_dir is None:
            raise InputError("--data warcraft needs --data-dir, the folder of the folder 12x12")
        return read_warcraft(data_dir)
    evaluated = max(config.evaluation_maps for config in configs)
    maps = max(config.maps for config in configs)
    return generate_terrain({"train": maps, "validation": evaluated, "test": evaluated})


def _table_rows(plain: PathConfig, curvatures: Sequence[str]) -> list[Cell]:
    cells = [Cell(plain)]
    for curvature in curvatures:
        damping = CHOSEN_TABLES.get((curvature, plain.loss, plain.samples), 1.0)
        cells.append(Cell(_newton(plain, curvature, damping, eigenvalues="raw"), "damping", GRID))
    return cells


def _newton(plain: PathConfig, curvature: str, damping: float, eigenvalues: str) -> PathConfig:
    treatment: dict[str, Any] = {"eigenvalues": eigenvalues} if curvature == "hessian" else {}
    return replace(plain, curvature=curvature, damping=damping, **treatment)


PATHS: Final = Benchmark(
    name=BENCHMARK,
    load=load_paths,
    trainer=PathTraining,
    stacked=False,
    group_name=path_group_name,
    row_name=path_row_name,
    measures=MEASURES,
    plot=plot_path_rows,
    conclusion=CONCLUSION,
)
