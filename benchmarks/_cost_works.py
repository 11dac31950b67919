"""What a Newton loss costs: forward and backward of it, against those of the plain loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import torch
from torch import Tensor

from benchmarks._config import Config
from benchmarks._objective import make_objective
from benchmarks._path_config import PathConfig
from benchmarks._path_losses import draw_noise
from benchmarks._path_losses import make_objective as make_path_objective
from benchmarks._path_presets import with_loss
from benchmarks._presets import with_operator
from benchmarks._speed_timing import Work
from benchmarks._speed_works import Works
from newton_optim.paths import grid_shortest_path

SORTED: Final = 5  # Scores in a set.
SETS: Final = 100
MAPS: Final = 70
DAMPING: Final = 1.0

# The heading of a family -> its operator and distribution.
SORTING_FAMILIES: Final[dict[str, tuple[str, str | None]]] = {
    "NeuralSort": ("neuralsort", None),
    "SoftSort": ("softsort", None),
    "odd-even network, logistic": ("odd_even", "logistic"),
    "odd-even network, Cauchy": ("odd_even", "cauchy"),
}
# The heading of a family -> its loss and the curvatures that it has.
PATH_FAMILIES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "relaxed Bellman-Ford, for, L2²": ("for-l2", ("hessian", "gauss-newton", "fisher")),
    "relaxed Bellman-Ford, while, L2²": ("while-l2", ("hessian", "gauss-newton", "fisher")),
    "smoothing of the loss": ("smoothed-loss", ("hessian", "fisher")),
    "smoothing of the algorithm": ("smoothed-algorithm", ("hessian", "gauss-newton", "fisher")),
    "Fenchel-Young": ("fenchel-young", ("hessian", "fisher")),
}


def sorting_cost_works(family: str, curvature: str, device: torch.device) -> Works:
    """The exact ranking loss of 100 sets of 5 scores, with and without its Newton loss."""
    plain = replace(with_operator(Config(loss="exact"), *SORTING_FAMILIES[family], SORTED))
    newton = replace(plain, **_treatment(curvature))
    generator = torch.Generator().manual_seed(0)
    shape = (1, SETS, SORTED)  # One seed.
    scores = torch.randn(shape, generator=generator, device="cpu").to(device)
    labels = torch.rand(shape, generator=generator, device="cpu").to(device)

    def work(config: Config) -> Work:
        objective = make_objective(config, device)
        return _backward(lambda y: objective(y, labels).sum(), scores)

    return Works(work(newton), work(plain))


def path_cost_works(family: str, curvature: str, device: torch.device) -> Works:
    """The loss of 70 maps of 12 by 12 tiles; where it is sampled, with 10 samples for each map."""
    plain = with_loss(PathConfig(batch_size=MAPS), PATH_FAMILIES[family][0])
    newton = replace(plain, **_treatment(curvature))
    generator = torch.Generator().manual_seed(0)
    draw = torch.rand(2, MAPS, 12, 12, generator=generator, device="cpu").to(device) + 0.2
    costs, paths = draw[0], grid_shortest_path(draw[1]).float()
    noise = draw_noise(plain, MAPS, generator)
    noise = None if noise is None else noise.to(device)

    def work(config: PathConfig) -> Work:
        objective = make_path_objective(config)
        return _backward(lambda y: objective(y, paths, noise), costs)

    return Works(work(newton), work(plain))


def _treatment(curvature: str) -> dict[str, Any]:
    eigenvalues = {"eigenvalues": "absolute"} if curvature == "hessian" else {}
    return {"curvature": curvature, "damping": DAMPING, **eigenvalues}


def _backward(loss: Callable[[Tensor], Tensor], outputs: Tensor) -> Work:
    def work() -> Tensor | None:
        y = outputs.detach().requires_grad_()
        loss(y).backward()
        return y.grad

    return work
