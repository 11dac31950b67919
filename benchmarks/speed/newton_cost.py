"""What a Newton loss costs: forward and backward of it, against those of the plain loss."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import torch

from benchmarks.shortest_path.config import PathConfig
from benchmarks.shortest_path.losses import draw_noise, path_objective
from benchmarks.shortest_path.strength import with_loss
from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.objective import sorting_objective
from benchmarks.sorting.operators import with_operator
from benchmarks.speed.sides import Sides, gradient_work
from benchmarks.speed.timing import Work
from newton_optim.paths import grid_shortest_path

SORTED: Final = 5  # Scores in a set.
SETS: Final = 100
MAPS: Final = 70
DAMPING: Final = 1.0

# The heading of a loss -> its operator and distribution.
SORTING_LOSSES: Final[dict[str, tuple[str, str | None]]] = {
    "NeuralSort": ("neuralsort", None),
    "SoftSort": ("softsort", None),
    "odd-even network, logistic": ("odd_even", "logistic"),
    "odd-even network, Cauchy": ("odd_even", "cauchy"),
}
# The heading of a loss -> its name in a configuration and the curvatures that it has.
PATH_LOSSES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "relaxed Bellman-Ford, for, L2²": ("for-l2", ("hessian", "gauss-newton", "fisher")),
    "relaxed Bellman-Ford, while, L2²": ("while-l2", ("hessian", "gauss-newton", "fisher")),
    "smoothing of the loss": ("smoothed-loss", ("hessian", "fisher")),
    "smoothing of the algorithm": ("smoothed-algorithm", ("hessian", "gauss-newton", "fisher")),
    "Fenchel-Young": ("fenchel-young", ("hessian", "fisher")),
}


def sorting_cost(name: str, curvature: str, device: torch.device) -> Sides:
    """The exact ranking loss of 100 sets of 5 scores, with and without its Newton loss."""
    plain = with_operator(SortingConfig(loss="exact", source="ours"), *SORTING_LOSSES[name], SORTED)
    newton = replace(plain, **_treatment(curvature))
    generator = torch.Generator().manual_seed(0)
    shape = (1, SETS, SORTED)  # One seed.
    scores = torch.randn(shape, generator=generator, device="cpu").to(device)
    labels = torch.rand(shape, generator=generator, device="cpu").to(device)

    def work(config: SortingConfig) -> Work:
        objective = sorting_objective(config, device)
        return gradient_work(lambda y: objective(y, labels).sum(), scores)

    return Sides(work(newton), work(plain))


def path_cost(name: str, curvature: str, device: torch.device) -> Sides:
    """The loss of 70 maps of 12 by 12 tiles; where it is sampled, with 10 samples for each map."""
    plain = with_loss(PathConfig(batch_size=MAPS), PATH_LOSSES[name][0])
    newton = replace(plain, **_treatment(curvature))
    generator = torch.Generator().manual_seed(0)
    draw = torch.rand(2, MAPS, 12, 12, generator=generator, device="cpu").to(device) + 0.2
    costs, paths = draw[0], grid_shortest_path(draw[1]).float()
    noise = draw_noise(plain, MAPS, generator)
    noise = None if noise is None else noise.to(device)

    def work(config: PathConfig) -> Work:
        objective = path_objective(config)
        return gradient_work(lambda y: objective(y, paths, noise), costs)

    return Sides(work(newton), work(plain))


def _treatment(curvature: str) -> dict[str, Any]:
    eigenvalues = {"eigenvalues": "absolute"} if curvature == "hessian" else {}
    return {"curvature": curvature, "damping": DAMPING, **eigenvalues}
