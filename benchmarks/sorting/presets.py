"""The presets of sorting: the main job with the numbers chosen for it, and the paper's experiments.

λ, the rate and the clipping length of the main job are chosen beforehand, on validation digits and
on seeds that are not reported, by the command beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from benchmarks.runs.cells import Cell, newton_cell
from benchmarks.runs.family import Preset
from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.operators import with_operator
from benchmarks.sorting.paper import TABLE1
from benchmarks.sorting.table_cells import (
    CLIPS,
    RATES,
    cauchy15_cells,
    control_cells,
    figure4_cells,
    table1_cells,
)

# python -m benchmarks.sorting --tune. It also chose the rate of MAIN, for the plain loss.
CHOSEN_MAIN: Final = {
    "clip": 0.1,
    "raw": 0.1,
    "absolute": 0.1,
    "fisher": 1.0,
    "exact absolute": 0.01,
}

MAIN: Final = SortingConfig()


def main_cells(base: SortingConfig = MAIN) -> list[Cell[SortingConfig]]:
    """The main job: the paper's comparison first, then the controls that keep it honest.

    The Hessian is there twice: raw, as in the paper, and with the absolute eigenvalues that are
    the library's default, since the raw one is indefinite and does not rescue this loss.

    On the bundled digits the rate, the same for all rows, is the one tuned for the plain loss.
    """
    base, chosen = at_the_rate_of_its_data(base), CHOSEN_MAIN
    plain = Cell(base, "lr", RATES) if base.data == "digits" else Cell(base)
    raw = replace(base, curvature="hessian", eigenvalues="raw", damping=chosen["raw"])
    absolute = replace(raw, eigenvalues="absolute", damping=chosen["absolute"])
    exact = replace(absolute, source="ours", loss="exact", damping=chosen["exact absolute"])
    return [
        plain,
        newton_cell(raw),
        newton_cell(absolute),
        newton_cell(replace(base, curvature="fisher", damping=chosen["fisher"])),
        Cell(replace(base, clip=chosen["clip"]), "clip", CLIPS),
        Cell(replace(base, normalise=True)),
        Cell(exact.plain()),
        newton_cell(exact),
    ]


def single_config(base: SortingConfig, chosen: Mapping[str, Any]) -> SortingConfig:
    """``base`` with the fields that were given, and the paper's strength of its operator."""
    rest = dict(chosen)
    if rest.get("loss") == "exact":
        rest.setdefault("source", "ours")
    config = with_operator(
        at_the_rate_of_its_data(base),
        rest.pop("operator", base.operator),
        rest.pop("distribution", None),
        rest.pop("n", base.n),
    )
    return replace(config, **rest)


def at_the_rate_of_its_data(base: SortingConfig) -> SortingConfig:
    """``base`` itself on the bundled digits; on MNIST at the rate that its larger network needs."""
    return base if base.data == "digits" else replace(base, lr=TABLE1.lr)


_MAIN: Final = Preset(base=MAIN, cells=main_cells, seeds="0-7", tuning_seeds="100-107")
# The paper's experiments: 10 seeds, and λ chosen on one that is not among them.
_PAPERS: Final = {
    "table1": table1_cells,
    "cauchy15": cauchy15_cells,
    "figure4": figure4_cells,
    "controls": control_cells,
}
PRESETS: Final = {"main": _MAIN} | {
    name: Preset(base=TABLE1, cells=cells, seeds="0-9", tuning_seeds="100")
    for name, cells in _PAPERS.items()
}
