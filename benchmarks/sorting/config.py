"""What one run of the sorting benchmark is, except for its seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final

from benchmarks.runs.checks import check_choice, check_counts, check_needed, check_positive
from benchmarks.runs.config import RunConfig
from benchmarks.runs.errors import InputError

if TYPE_CHECKING:
    from typing_extensions import Self

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
DATA: Final = ("digits", "mnist")


@dataclass(frozen=True, kw_only=True)
class SortingConfig(RunConfig):
    """The configuration of a run of the sorting benchmark.

    Args:
        data: ``"digits"`` or ``"mnist"``; each has its own network.
        operator: the relaxed sort.
        temperature: τ of SoftSort and NeuralSort; ``None`` for networks.
        distribution: of a sorting network's swaps; ``None`` for the other operators.
        steepness: β of a sorting network; ``None`` for the other operators.
        n: how many numbers a set has.
        loss: ``"probability"`` (``F.binary_cross_entropy`` of P) or ``"exact"``
            (``RankingLoss``).
        clip: the longest gradient of a sample, or ``None``.
        lr: Adam's rate.
        steps: of training.
        batch_size: sets in a batch.
        evaluation_sets: how many fixed sets the evaluation sorts.
    """

    benchmark: ClassVar[str] = ""
    version: ClassVar[int] = 1
    curvatures: ClassVar[tuple[str, ...]] = ("none", "hessian", "fisher")

    data: str = "digits"
    operator: str = "softsort"
    temperature: float | None = 0.1
    distribution: str | None = None
    steepness: float | None = None
    n: int = 5
    loss: str = "probability"
    clip: float | None = None
    lr: float = 3e-3
    steps: int = 2_000
    batch_size: int = 50
    evaluation_sets: int = 2_000

    def __post_init__(self) -> None:
        check_choice("data", self.data, DATA)
        check_choice("operator", self.operator, OPERATORS)
        check_choice("loss", self.loss, LOSSES)
        check_counts(self, "n", "steps", "evaluation_sets")
        check_positive(self, "temperature", "steepness", "clip")
        self._check_operator()
        super().__post_init__()
        if self.curvature != "none" and self.clip is not None:
            raise InputError("--clip applies to the plain loss only: it needs --curvature none")

    def _check_operator(self) -> None:
        if self.operator in NETWORK_OPERATORS:
            check_choice("distribution", self.distribution, DISTRIBUTIONS)
            check_needed(self, "operator", needed=["steepness"], unused=["temperature"])
        else:
            unused = ["steepness", "distribution"]
            check_needed(self, "operator", needed=["temperature"], unused=unused)
        if self.operator == "bitonic" and self.n & (self.n - 1):
            raise InputError(f"--n must be a power of 2 for bitonic networks, got {self.n}")

    @property
    def total_steps(self) -> int:
        """The steps of the whole training."""
        return self.steps

    @property
    def is_reference(self) -> bool:
        """Whether this is a plain loss in the probability form, as the field trains it."""
        return super().is_reference and self.loss == "probability"

    def plain(self) -> Self:
        """The plain loss beside this run: no Newton step and no clipping, all else the same."""
        return replace(super().plain(), clip=None)
