"""What one run of the shortest-path benchmark is, except for its seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Final

from benchmarks.runs.checks import check_choice, check_counts, check_needed, check_positive
from benchmarks.runs.config import RunConfig
from benchmarks.runs.errors import InputError

DATA: Final = ("terrain", "warcraft")
NETWORKS: Final = ("tiles", "resnet")
RELAXED: Final = ("for-l1", "for-l2", "while-l1", "while-l2")
SAMPLED: Final = ("smoothed-loss", "smoothed-algorithm", "fenchel-young")
LOSSES: Final = (*RELAXED, *SAMPLED)


@dataclass(frozen=True, kw_only=True)
class PathConfig(RunConfig):
    """The configuration of a run of the shortest-path benchmark.

    Args:
        data: ``"terrain"`` (generated) or ``"warcraft"`` (the published files).
        network: ``"resnet"``, the paper's, or ``"tiles"``, a small one.
        maps: how many of the training maps are used, from the first.
        loss: the relaxed Bellman-Ford with the ``for`` or the ``while`` loop and the loss L1 or
            L2², or stochastic smoothing of the loss or of the algorithm, or Fenchel-Young.
        steepness: β of the relaxed Bellman-Ford; ``None`` for the others.
        sigma: σ of the noise; ``None`` for the relaxed Bellman-Ford.
        samples: of the noise, for each map; ``None`` for the relaxed Bellman-Ford.
        lr: Adam's rate of the first 60 % of the epochs; it is divided by 10 there, and at 80 %.
        epochs: of training.
        batch_size: maps in a batch.
        evaluation_maps: how many maps of the evaluation are used, from the first.
    """

    benchmark: ClassVar[str] = "shortest_path"
    version: ClassVar[int] = 1
    curvatures: ClassVar[tuple[str, ...]] = ("none", "hessian", "fisher", "gauss-newton")
    length: ClassVar[str] = "epochs"

    data: str = "terrain"
    network: str = "tiles"
    maps: int = 1_000
    loss: str = "fenchel-young"
    steepness: float | None = None
    sigma: float | None = 0.1
    samples: int | None = 10
    lr: float = 5e-3
    epochs: int = 10
    batch_size: int = 20
    evaluation_maps: int = 500

    def __post_init__(self) -> None:
        check_choice("data", self.data, DATA)
        check_choice("network", self.network, NETWORKS)
        check_choice("loss", self.loss, LOSSES)
        check_counts(self, "maps", "samples", "epochs", "evaluation_maps")
        check_positive(self, "steepness", "sigma")
        needed, unused = ["steepness"], ["sigma", "samples"]
        if self.loss in SAMPLED:
            needed, unused = unused, needed
        check_needed(self, "loss", needed, unused)
        super().__post_init__()
        self._check_curvature_of_loss()

    def _check_curvature_of_loss(self) -> None:
        if self.curvature == "gauss-newton" and not self.is_composed:
            raise InputError(
                f"--curvature gauss-newton needs a loss of an algorithm's result, got {self.loss}"
            )
        if (self.curvature, self.loss, self.samples) == ("hessian", "fenchel-young", 1):
            raise InputError("--curvature hessian of fenchel-young needs --samples of 2 or more")

    @property
    def is_composed(self) -> bool:
        """Whether the loss is taken of the result of an algorithm."""
        return self.loss in {*RELAXED, "smoothed-algorithm"}

    @property
    def total_steps(self) -> int:
        """The steps of the whole training; the last batch of an epoch may be smaller."""
        return self.epochs * math.ceil(self.maps / self.batch_size)

    @property
    def key_version(self) -> int:
        """2 for the ResNet block, whose first layer is initialised otherwise than in version 1."""
        return 2 if self.network == "resnet" else self.version

    def rate(self, epoch: int) -> float:
        """Adam's rate in this epoch, counted from 0."""
        drops = sum(epoch >= share * self.epochs for share in (0.6, 0.8))
        return self.lr * 0.1**drops
