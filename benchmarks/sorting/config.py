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
SOURCES: Final = ("field", "ours")
DATA: Final = ("digits", "mnist14", "mnist")


@dataclass(frozen=True, kw_only=True)
class SortingConfig(RunConfig):
    """The configuration of a run of the sorting benchmark.

    Args:
        data: ``"digits"``, ``"mnist14"`` or ``"mnist"``; each has its own network.
        operator: the relaxed sort.
        temperature: τ of SoftSort and NeuralSort; ``None`` for networks.
        distribution: of a sorting network's swaps; ``None`` for the other operators.
        steepness: β of a sorting network; ``None`` for the other operators.
        n: how many numbers a set has.
        loss: ``"probability"`` (``F.binary_cross_entropy`` of P) or ``"exact"``
            (``RankingLoss``).
        source: of the operator and of the loss's second derivative: ``"field"`` for the published
            ones, as the paper trains them, ``"ours"`` for the library's, which are more exact.
        clip: the longest gradient of a sample, or ``None``.
        normalise: whether each sample's gradient is scaled to the length 1.
        lr: Adam's rate.
        steps: of training.
        batch_size: sets in a batch.
        evaluation_sets: how many fixed sets the evaluation sorts.
        validate_every: steps between two validations; the last step is always validated.
        validation_sets: how many fixed sets the validation sorts.
    """

    benchmark: ClassVar[str] = ""
    version: ClassVar[int] = 2
    curvatures: ClassVar[tuple[str, ...]] = ("none", "hessian", "fisher")
    length: ClassVar[str] = "steps"

    data: str = "digits"
    operator: str = "softsort"
    temperature: float | None = 0.1
    distribution: str | None = None
    steepness: float | None = None
    n: int = 5
    loss: str = "probability"
    source: str = "field"
    clip: float | None = None
    normalise: bool = False
    lr: float = 3e-3
    steps: int = 2_000
    batch_size: int = 50
    evaluation_sets: int = 2_000
    validate_every: int = 100
    validation_sets: int = 1_000

    def __post_init__(self) -> None:
        check_choice("data", self.data, DATA)
        check_choice("operator", self.operator, OPERATORS)
        check_choice("loss", self.loss, LOSSES)
        check_choice("source", self.source, SOURCES)
        check_counts(self, "n", "steps", "evaluation_sets", "validate_every", "validation_sets")
        check_positive(self, "temperature", "steepness", "clip")
        self._check_operator()
        super().__post_init__()
        self._check_source()
        self._check_controls()

    def _check_source(self) -> None:
        if self.source == "field" and self.loss == "exact":
            raise InputError("--loss exact is the library's own: it needs --source ours")
        if (self.source, self.distribution) == ("field", "gaussian") and self.curvature != "none":
            raise InputError(
                "--distribution gaussian has no second derivative and no batches in diffsort: "
                "--curvature needs --source ours"
            )

    def _check_controls(self) -> None:
        for name, given in (("clip", self.clip is not None), ("normalise", self.normalise)):
            if self.curvature != "none" and given:
                raise InputError(
                    f"--{name} applies to the plain loss only: it needs --curvature none"
                )
        if self.clip is not None and self.normalise:
            raise InputError("--clip and --normalise exclude each other")

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
        return replace(super().plain(), clip=None, normalise=False)

    def scaled(self, share: float) -> Self:
        """The same with a share of its steps, validated as many times."""
        every = max(1, round(share * self.validate_every))
        return replace(super().scaled(share), validate_every=every)
