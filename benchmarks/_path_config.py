"""What one run of the shortest-path benchmark is, but for the seed."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from benchmarks._config import EIGENVALUES, check_choice, flag
from benchmarks._errors import InputError
from benchmarks._warcraft import PARTS

BENCHMARK: Final = "shortest_path"
DATA: Final = ("terrain", "warcraft")
NETWORKS: Final = ("tiles", "resnet")
RELAXED: Final = ("for-l1", "for-l2", "while-l1", "while-l2")
SAMPLED: Final = ("smoothed-loss", "smoothed-algorithm", "fenchel-young")
LOSSES: Final = (*RELAXED, *SAMPLED)
CURVATURES: Final = ("none", "hessian", "fisher", "gauss-newton")
# Part of every hash: raised when the same configuration comes to mean another computation.
_VERSION: Final = 1


@dataclass(frozen=True)
class PathConfig:
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
        curvature: of the Newton loss; ``"none"`` is the plain loss.
        eigenvalues: the Hessian's treatment, ``"raw"`` being the paper's; ``None`` without Hessian.
        damping: λ, or ``None`` for the library's own default (and for the plain loss).
        lr: Adam's rate of the first 60 % of the epochs; it is divided by 10 there, and at 80 %.
        epochs: of training.
        batch_size: maps in a batch.
        split: the maps of the evaluation, ``"test"``, or ``"validation"`` to choose λ and rates.
        evaluation_maps: how many of them are used, from the first.
    """

    data: str = "terrain"
    network: str = "tiles"
    maps: int = 1_000
    loss: str = "fenchel-young"
    steepness: float | None = None
    sigma: float | None = 0.1
    samples: int | None = 10
    curvature: str = "none"
    eigenvalues: str | None = None
    damping: float | None = None
    lr: float = 5e-3
    epochs: int = 10
    batch_size: int = 20
    split: str = "test"
    evaluation_maps: int = 500

    def __post_init__(self) -> None:
        check_choice("--data", self.data, DATA)
        check_choice("--network", self.network, NETWORKS)
        check_choice("--loss", self.loss, LOSSES)
        check_choice("--curvature", self.curvature, CURVATURES)
        check_choice("--split", self.split, tuple(PARTS))
        self._check_numbers()
        self._check_loss()
        self._check_curvature()

    def _check_numbers(self) -> None:
        for name in ("maps", "samples", "epochs", "batch_size", "evaluation_maps"):
            number = getattr(self, name)
            if number is not None and not number >= 1:
                raise InputError(f"{flag(name)} must be at least 1, got {number}")
        for name in ("steepness", "sigma", "lr"):
            number = getattr(self, name)
            if number is not None and not 0.0 < number < math.inf:
                raise InputError(f"{flag(name)} must be finite and above 0, got {number}")
        if self.damping is not None and not 0.0 <= self.damping < math.inf:
            raise InputError(f"--damping must be finite and at least 0, got {self.damping}")

    def _check_loss(self) -> None:
        needed, excluded = ["steepness"], ["sigma", "samples"]
        if self.loss in SAMPLED:
            needed, excluded = excluded, needed
        for name in needed:
            if getattr(self, name) is None:
                raise InputError(f"--loss {self.loss} needs {flag(name)}")
        for name in excluded:
            if getattr(self, name) is not None:
                raise InputError(f"{flag(name)}: the loss {self.loss} has none")

    def _check_curvature(self) -> None:
        if self.curvature == "hessian":
            check_choice("--eigenvalues", self.eigenvalues, EIGENVALUES)
            if self.loss == "fenchel-young" and self.samples == 1:
                raise InputError(
                    "--curvature hessian of fenchel-young needs --samples of 2 or more"
                )
        elif self.eigenvalues is not None:
            raise InputError(f"--eigenvalues goes with --curvature hessian, not {self.curvature}")
        if self.curvature == "none" and self.damping is not None:
            raise InputError("--damping needs --curvature hessian, fisher or gauss-newton")
        if self.curvature == "gauss-newton" and not self.is_composed:
            raise InputError(f"--curvature gauss-newton: {self.loss} has no inner algorithm")

    @property
    def is_composed(self) -> bool:
        """Whether the loss is one that is taken of the result of an algorithm."""
        return self.loss in {*RELAXED, "smoothed-algorithm"}

    @property
    def steps(self) -> int:
        """Of the whole training; the last batch of an epoch may be smaller."""
        return self.epochs * math.ceil(self.maps / self.batch_size)

    def rate(self, epoch: int) -> float:
        """Adam's rate in this epoch, counted from 0."""
        drops = sum(epoch >= share * self.epochs for share in (0.6, 0.8))
        return self.lr * 0.1**drops

    def asdict(self) -> dict[str, Any]:
        """The choices as plain values, for a JSON line, with the name of the benchmark."""
        return {"benchmark": BENCHMARK, **asdict(self)}

    def plain(self) -> PathConfig:
        """The plain loss beside this run: no Newton step, all else the same."""
        return replace(self, curvature="none", eigenvalues=None, damping=None)

    @property
    def key(self) -> str:
        """The hash that names this configuration in files of results and of checkpoints."""
        text = json.dumps({"version": _VERSION, **self.asdict()}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
