"""The cells of the paper's experiments, and of the controls beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any, Final

from benchmarks.runs.cells import Cell, newton_cell
from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.paper import TABLE1, paper_configs

RATES: Final = (3e-4, 1e-3, 2e-3, 3e-3, 1e-2)
CLIPS: Final = (0.01, 0.1, 1.0, 10.0)
# Figure 4: 13 λ from 0.001 to 1000, two per power of ten.
ABLATION: Final = tuple(float(f"{10 ** (power / 2):.3g}") for power in range(-6, 7))
# Controls start from these where --tune has chosen nothing yet.
_CLIP: Final = 0.1
_EXACT_DAMPING: Final = 0.01


def table1_cells(base: SortingConfig = TABLE1) -> list[Cell[SortingConfig]]:
    """Table 1: four operators, n = 5 and 10, plain and both Newton losses, at the paper's λ."""
    return [cell for cell in _paper_cells(base) if cell.config.n <= 10]


def cauchy15_cells(base: SortingConfig = TABLE1) -> list[Cell[SortingConfig]]:
    """The Cauchy network with n = 15, plain and with the Fisher."""
    return [cell for cell in _paper_cells(base) if cell.config.n == 15]


def control_cells(base: SortingConfig = TABLE1) -> list[Cell[SortingConfig]]:
    """Table 1's plain losses with what else may help them.

    A tuned rate, clipped and normalised gradients, the library's own operators, and the exact loss
    plain and with its Newton loss.
    """
    cells = []
    for plain in (cell.config for cell in table1_cells(base) if cell.config.curvature == "none"):
        exact = replace(plain, source="ours", loss="exact")
        hessian = replace(exact, curvature="hessian", eigenvalues="absolute")
        cells += [
            Cell(plain),
            Cell(replace(plain, lr=2 * plain.lr), "lr", RATES),
            Cell(replace(plain, clip=_CLIP), "clip", CLIPS),
            Cell(replace(plain, normalise=True)),
            Cell(replace(plain, source="ours")),
            Cell(exact),
            newton_cell(replace(hessian, damping=_EXACT_DAMPING)),
        ]
    return cells


def figure4_cells(base: SortingConfig = TABLE1) -> list[Cell[SortingConfig]]:
    """Figure 4: λ from 0.001 to 1000 for NeuralSort and SoftSort, n = 5.

    On request (``--loss exact``) there is the same of the library's exact loss.
    """
    configs = [
        cell.config
        for cell in table1_cells(base)
        if cell.config.n == 5 and cell.config.temperature is not None
    ]
    exact = [replace(config, source="ours", loss="exact") for config in configs]
    return [*_over_dampings(configs), *_over_dampings(exact, on_request="loss")]


def _over_dampings(
    configs: Sequence[SortingConfig], on_request: str | None = None
) -> Iterator[Cell[SortingConfig]]:
    """Plain losses as they are, Newton losses with each λ of the ablation."""
    for config in configs:
        dampings = (None,) if config.curvature == "none" else ABLATION
        for damping in dampings:
            yield Cell(replace(config, damping=damping), on_request=on_request)


def _paper_cells(base: SortingConfig) -> Iterator[Cell[SortingConfig]]:
    """The paper's rows, a table after another, each with what ``base`` has changed."""
    changes: dict[str, Any] = {
        one.name: getattr(base, one.name)
        for one in fields(base)
        if getattr(base, one.name) != getattr(TABLE1, one.name)
    }
    configs = sorted(paper_configs(), key=_order)
    for config in (replace(config, **changes) for config in configs):
        yield Cell(config) if config.curvature == "none" else newton_cell(config)


def _order(config: SortingConfig) -> tuple[int, int, int, int]:
    operators = ("neuralsort", "softsort", "odd_even")
    distributions = (None, "logistic", "cauchy")
    return (
        operators.index(config.operator),
        distributions.index(config.distribution),
        config.n,
        SortingConfig.curvatures.index(config.curvature),
    )
