"""The cells of the paper's Tables 2 and 3 and of its Figures 3 and 5."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from benchmarks.runs.cells import Cell, newton_cell
from benchmarks.shortest_path.config import LOSSES, PathConfig
from benchmarks.shortest_path.paper import FULL, RELAXED_RATES, paper_configs


def table2_cells(base: PathConfig = FULL) -> list[Cell[PathConfig]]:
    """Table 2: the relaxed Bellman-Ford, both loops and both losses, plain and with the Fisher.

    The rate is what is tuned, for each row, as in the paper. On request there is Gauss-Newton
    where the loss is L2² (the second derivative of L1 is 0); the Hessian would take 144 backward
    passes of a backward pass for each step.
    """
    cells = []
    for config in _configs("table2", base):
        cells.append(Cell(config, "lr", RELAXED_RATES))
        if config.curvature == "fisher" and config.loss.endswith("l2"):
            gauss_newton = replace(config, curvature="gauss-newton")
            cells.append(Cell(gauss_newton, "lr", RELAXED_RATES, on_request="curvature"))
    return cells


def table3_cells(base: PathConfig = FULL) -> list[Cell[PathConfig]]:
    """Table 3: what is sampled, with 3, 10 and 30 samples, plain and with both Newton losses.

    On request there is the Hessian of smoothing of the algorithm, which the paper leaves out.
    """
    cells = []
    for config in _configs("table3", base):
        cells.append(Cell(config) if config.curvature == "none" else newton_cell(config))
        if (config.loss, config.curvature) == ("smoothed-algorithm", "fisher"):
            hessian = replace(config, curvature="hessian", eigenvalues="raw")
            cells.append(newton_cell(hessian, on_request="curvature"))
    return cells


def figure3_cells(base: PathConfig = FULL) -> list[Cell[PathConfig]]:
    """Figures 3 and 5: smoothing of the loss with 10 samples, over epochs and over seconds."""
    cells = table3_cells(base)
    return [
        cell for cell in cells if (cell.config.loss, cell.config.samples) == ("smoothed-loss", 10)
    ]


def _configs(table: str, base: PathConfig) -> list[PathConfig]:
    """The paper's rows, a table after another, each with what ``base`` has changed."""
    changes: dict[str, Any] = {
        one.name: getattr(base, one.name)
        for one in fields(base)
        if getattr(base, one.name) != getattr(FULL, one.name)
    }
    configs = sorted(paper_configs(table), key=_order)
    return [replace(config, **changes) for config in configs]


def _order(config: PathConfig) -> tuple[int, int, int]:
    curvature = PathConfig.curvatures.index(config.curvature)
    return LOSSES.index(config.loss), config.samples or 0, curvature
