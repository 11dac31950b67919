"""The cells of the main job and of the paper's Table 1, with the numbers chosen for them.

λ, rates and the clipping length are chosen beforehand, on validation digits and on seeds that are
not reported, by the commands beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from benchmarks.runs.cells import Cell, newton_cell
from benchmarks.runs.family import Preset
from benchmarks.sorting.config import SortingConfig

CLIPS: Final = (0.01, 0.1, 1.0, 10.0)
RATES: Final = (3e-4, 1e-3, 2e-3, 3e-3, 1e-2)

# python -m benchmarks.sorting --tune
CHOSEN_MAIN: Final = {
    "lr": 2e-3,  # Of the plain probability form; all other rows train at the rate of MAIN.
    "clip": 0.1,
    "raw": 1000.0,
    "absolute": 0.1,
    "fisher": 1.0,
    "exact absolute": 0.01,
}
# python -m benchmarks.sorting --preset table1 --tune --data digits --steps 1000 --batch-size 50
# (operator, distribution, n) -> (λ of the Hessian, λ of the Fisher).
CHOSEN_TABLE1: Final[dict[tuple[str, str | None, int], tuple[float, float]]] = {
    ("neuralsort", None, 5): (0.01, 0.001),
    ("neuralsort", None, 10): (0.01, 0.001),
    ("softsort", None, 5): (0.01, 0.01),
    ("softsort", None, 10): (0.1, 0.01),
    ("odd_even", "logistic", 5): (1000.0, 0.1),
    ("odd_even", "logistic", 10): (100.0, 100.0),
    ("odd_even", "cauchy", 5): (10.0, 0.01),
    ("odd_even", "cauchy", 10): (100.0, 0.01),
}

MAIN: Final = SortingConfig()
# The paper's protocol.
TABLE1: Final = SortingConfig(data="mnist", lr=1e-3, steps=100_000, batch_size=100)
_TABLE1_OPERATORS: Final[tuple[tuple[str, str | None], ...]] = (
    ("neuralsort", None),
    ("softsort", None),
    ("odd_even", "logistic"),
    ("odd_even", "cauchy"),
)


def with_operator(
    config: SortingConfig, operator: str, distribution: str | None, n: int
) -> SortingConfig:
    """``config`` with another operator, at the temperature or steepness of the paper.

    τ = 1 for NeuralSort, 0.1 for SoftSort; β = 10 for networks, but 100 for Cauchy's at n = 10.
    """
    temperature = {"neuralsort": 1.0, "softsort": 0.1}.get(operator)
    steepness = None
    if temperature is None:
        distribution = distribution or "cauchy"
        steepness = 100.0 if (distribution, n) == ("cauchy", 10) else 10.0
    return replace(
        config,
        operator=operator,
        temperature=temperature,
        distribution=distribution,
        steepness=steepness,
        n=n,
    )


def main_cells(base: SortingConfig = MAIN) -> list[Cell[SortingConfig]]:
    """The main job: the paper's comparison first, then the controls that keep it honest.

    The Hessian is there twice: raw, as in the paper, and with the absolute eigenvalues that are
    the library's default, since the raw one is indefinite and does not rescue this loss.

    The rate of the plain loss was tuned on the bundled digits, so on other data that row is left
    out.
    """
    base, chosen = at_the_rate_of_its_data(base), CHOSEN_MAIN
    raw = replace(base, curvature="hessian", eigenvalues="raw", damping=chosen["raw"])
    absolute = replace(raw, eigenvalues="absolute", damping=chosen["absolute"])
    exact = replace(absolute, loss="exact", damping=chosen["exact absolute"])
    cells = [
        Cell(base),
        Cell(replace(base, lr=chosen["lr"]), "lr", RATES),
        newton_cell(raw),
        newton_cell(absolute),
        newton_cell(replace(base, curvature="fisher", damping=chosen["fisher"])),
        Cell(replace(base, clip=chosen["clip"]), "clip", CLIPS),
        Cell(exact.plain()),
        newton_cell(exact),
    ]
    return cells if base.data == "digits" else [cell for cell in cells if cell.knob != "lr"]


def table1_cells(base: SortingConfig = TABLE1) -> list[Cell[SortingConfig]]:
    """Table 1 of the paper: four operators, n = 5 and 10, plain and both Newton losses."""
    cells = []
    for operator, distribution in _TABLE1_OPERATORS:
        for n in (5, 10):
            plain = with_operator(base, operator, distribution, n)
            chosen = CHOSEN_TABLE1[operator, distribution, n]
            hessian = replace(plain, curvature="hessian", eigenvalues="raw", damping=chosen[0])
            fisher = replace(plain, curvature="fisher", damping=chosen[1])
            cells += [Cell(plain), newton_cell(hessian), newton_cell(fisher)]
    return cells


def single_config(base: SortingConfig, chosen: Mapping[str, Any]) -> SortingConfig:
    """``base`` with the fields that were given, and the paper's strength of its operator."""
    rest = dict(chosen)
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


PRESETS: Final = {
    "main": Preset(base=MAIN, cells=main_cells, seeds="0-7"),
    "table1": Preset(base=TABLE1, cells=table1_cells, seeds="0-9"),
}
TUNING_SEEDS: Final = "100-107"
