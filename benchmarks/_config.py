"""What one run is: every choice that its result depends on, but for the seed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from benchmarks._data import SPLITS
from benchmarks._errors import InputError

OPERATORS: Final = ("softsort", "neuralsort", "odd_even", "bitonic")
NETWORK_OPERATORS: Final = ("odd_even", "bitonic")
DISTRIBUTIONS: Final = (
    "logistic",
    "cauchy",
    "gaussian",
    "reciprocal",
    "optimal",
    "logistic_phi",
)
LOSSES: Final = ("probability", "exact")
CURVATURES: Final = ("none", "hessian", "fisher")
EIGENVALUES: Final = ("raw", "absolute", "clamp")
DATA: Final = ("digits", "mnist")
# Part of every hash: raised when the same configuration comes to mean another computation.
_VERSION: Final = 1


@dataclass(frozen=True)
class Config:
    """The configuration of a run of the sorting benchmark.

    Args:
        data: ``"digits"`` or ``"mnist"``; the network goes with it.
        operator: the relaxed sort.
        temperature: τ of SoftSort and NeuralSort; ``None`` for networks.
        distribution: of a sorting network's swaps; ``None`` for the other operators.
        steepness: β of a sorting network; ``None`` for the other operators.
        n: how many numbers a set has.
        loss: ``"probability"`` (`F.binary_cross_entropy` of P) or ``"exact"`` (`RankingLoss`).
        curvature: of the Newton loss; ``"none"`` is the plain loss.
        eigenvalues: the Hessian's treatment, ``"raw"`` being the paper's; ``None`` without Hessian.
        damping: λ, or ``None`` for the library's own default (and for the plain loss).
        clip: the longest gradient of a sample, or ``None``.
        lr: Adam's rate.
        steps: of training.
        batch_size: sets in a batch.
        split: the digits of the evaluation, ``"test"``, or ``"validation"`` to choose λ and rates.
        evaluation_sets: how many fixed sets the evaluation sorts.
    """

    data: str = "digits"
    operator: str = "softsort"
    temperature: float | None = 0.1
    distribution: str | None = None
    steepness: float | None = None
    n: int = 5
    loss: str = "probability"
    curvature: str = "none"
    eigenvalues: str | None = None
    damping: float | None = None
    clip: float | None = None
    lr: float = 3e-3
    steps: int = 2_000
    batch_size: int = 50
    split: str = "test"
    evaluation_sets: int = 2_000

    def __post_init__(self) -> None:
        check_choice("--data", self.data, DATA)
        check_choice("--operator", self.operator, OPERATORS)
        check_choice("--loss", self.loss, LOSSES)
        check_choice("--curvature", self.curvature, CURVATURES)
        check_choice("--split", self.split, SPLITS)
        self._check_numbers()
        self._check_operator()
        self._check_curvature()

    def _check_numbers(self) -> None:
        for name in ("n", "steps", "batch_size", "evaluation_sets"):
            if not getattr(self, name) >= 1:
                raise InputError(f"{flag(name)} must be at least 1, got {getattr(self, name)}")
        for name in ("temperature", "steepness", "lr", "clip"):
            number = getattr(self, name)
            if number is not None and not 0.0 < number < math.inf:
                raise InputError(f"{flag(name)} must be finite and above 0, got {number}")
        if self.damping is not None and not 0.0 <= self.damping < math.inf:
            raise InputError(f"--damping must be finite and at least 0, got {self.damping}")

    def _check_operator(self) -> None:
        is_network = self.operator in NETWORK_OPERATORS
        if is_network:
            check_choice("--distribution", self.distribution, DISTRIBUTIONS)
        needed, excluded = "temperature", "steepness"
        if is_network:
            needed, excluded = excluded, needed
        if getattr(self, needed) is None:
            raise InputError(f"--operator {self.operator} needs {flag(needed)}")
        for name in (excluded,) if is_network else (excluded, "distribution"):
            if getattr(self, name) is not None:
                raise InputError(f"{flag(name)}: the operator {self.operator} has none")
        if self.operator == "bitonic" and self.n & (self.n - 1):
            raise InputError(f"--n must be a power of 2 for bitonic networks, got {self.n}")

    def _check_curvature(self) -> None:
        if self.curvature == "hessian":
            check_choice("--eigenvalues", self.eigenvalues, EIGENVALUES)
        elif self.eigenvalues is not None:
            raise InputError(f"--eigenvalues goes with --curvature hessian, not {self.curvature}")
        if self.curvature == "none" and self.damping is not None:
            raise InputError("--damping needs --curvature hessian or fisher")
        if self.curvature != "none" and self.clip is not None:
            raise InputError("--clip is a control of the plain loss; it needs --curvature none")

    def asdict(self) -> dict[str, Any]:
        """The choices as plain values, for a JSON line."""
        return asdict(self)

    def plain(self) -> Config:
        """The plain loss beside this run: no Newton step and no clipping, all else the same."""
        return replace(self, curvature="none", eigenvalues=None, damping=None, clip=None)

    @property
    def key(self) -> str:
        """The hash that names this configuration in files of results and of checkpoints."""
        text = json.dumps({"version": _VERSION, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def flag(name: str) -> str:
    """The flag of the command for a field of a configuration."""
    return "--" + name.replace("_", "-")


def check_choice(flag: str, value: str | None, choices: Sequence[str]) -> None:
    """Refuse a value that is not one of ``choices``.

    Raises:
        InputError: naming the flag and the choices.
    """
    if value not in choices:
        raise InputError(f"{flag} must be one of {', '.join(choices)}, got {value}")
