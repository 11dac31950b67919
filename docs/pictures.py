"""The pictures of maps in the docs: ``python docs/pictures.py``.

For each family of losses, the small network of ``python -m benchmarks.shortest_path`` is trained on
generated terrain maps (seed 0), and its prediction for one test map is drawn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT.parent))

from benchmarks.shortest_path.data import load_maps  # noqa: E402
from benchmarks.shortest_path.losses import solve  # noqa: E402
from benchmarks.shortest_path.presets import QUICK  # noqa: E402
from benchmarks.shortest_path.strength import with_loss  # noqa: E402
from benchmarks.shortest_path.training import PathTraining  # noqa: E402
from newton_optim.paths import RelaxedBellmanFord  # noqa: E402

SAMPLES = 1_000


def relaxed(costs: Tensor) -> Tensor:
    """The path of the relaxed Bellman-Ford."""
    return RelaxedBellmanFord(steepness=10.0)(costs)


def smoothed(costs: Tensor) -> Tensor:
    """The mean path under the benchmark's noise."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(SAMPLES, *costs.shape, generator=generator)
    return solve(costs + 0.1 * noise).mean(0)


# Page -> the loss of the training, the path that is drawn of the predicted costs, and its name.
PICTURES: dict[str, tuple[str, Callable[[Tensor], Tensor], str]] = {
    "shortest_path": ("fenchel-young", solve, "exact path"),
    "bellman_ford": ("for-l2", relaxed, "relaxed path"),
    "stochastic_smoothing": ("smoothed-algorithm", smoothed, "smoothed path"),
    "fenchel_young": ("fenchel-young", smoothed, "mean perturbed path"),
}


def draw(page: str, map_index: int = 3) -> None:
    """Train, and write the picture of one test map."""
    loss, path_of, name = PICTURES[page]
    config = with_loss(QUICK, loss)
    parts = load_maps([config], None)
    training = PathTraining(config, [0], parts, torch.device("cpu"))
    while not training.finished:
        training.advance()
    costs, true = training.predict(torch.tensor([map_index]))
    test = parts["test"]
    panels: list[tuple[str, Any]] = [
        ("map", test.images[map_index]),
        ("true costs", test.weights[map_index].astype(float)),
        ("true path", true[0].numpy()),
        ("predicted costs", costs[0].numpy()),
        (name, path_of(costs)[0].numpy()),
    ]
    figure = Figure(figsize=(11, 2.5), layout="constrained")
    for axes, (title, image) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        axes.imshow(image, cmap="viridis" if "costs" in title else "magma")
        axes.set_title(title, fontsize="medium")
        axes.set_axis_off()
    figure.savefig(ROOT / "images" / f"{page}.png", dpi=100)
    print(f"{page}: EM {100 * training.curve[-1]['em'][0]:.1f} % after {config.epochs} epochs")


if __name__ == "__main__":
    for one in PICTURES:
        draw(one)
