"""What one run is: every choice that its result depends on, except for the seed."""

from __future__ import annotations

import hashlib
import json
import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from benchmarks.runs.checks import check_choice, check_counts, check_positive
from benchmarks.runs.errors import InputError
from benchmarks.runs.precision import PRECISIONS

if TYPE_CHECKING:
    from typing_extensions import Self

EIGENVALUES: Final = ("raw", "absolute", "clamp")
SPLITS: Final = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True)
class RunConfig(ABC):
    """The configuration of a run; each family derives its own from this one.

    A family sets three class attributes: ``benchmark``, its name in lines of results (empty for
    the sorting family, whose lines had no name before there was another family); ``version``, part
    of every key and raised when the same choices come to mean another computation; ``curvatures``,
    the choices of ``curvature``; and ``length``, the field that says how long a training is.

    Args:
        curvature: of the Newton loss; ``"none"`` is the plain loss.
        eigenvalues: the Hessian's treatment, ``"raw"`` being the paper's; ``None`` without Hessian.
        damping: λ, or ``None`` for the library's own default (and for the plain loss).
        lr: Adam's rate at the start of training.
        batch_size: samples in a batch.
        split: the part of the data that is evaluated: ``"test"``, or ``"validation"`` to choose
            λ and rates.
        precision: of the network: ``"fp32"``, ``"tf32"`` or ``"bf16"``.
    """

    benchmark: ClassVar[str]
    version: ClassVar[int]
    curvatures: ClassVar[tuple[str, ...]]
    length: ClassVar[str]

    curvature: str = "none"
    eigenvalues: str | None = None
    damping: float | None = None
    lr: float
    batch_size: int
    split: str = "test"
    precision: str = "fp32"

    def __post_init__(self) -> None:
        check_choice("curvature", self.curvature, self.curvatures)
        check_choice("split", self.split, SPLITS)
        check_choice("precision", self.precision, PRECISIONS)
        check_counts(self, "batch_size")
        check_positive(self, "lr")
        if self.damping is not None and not 0.0 <= self.damping < math.inf:
            raise InputError(f"--damping must be finite and at least 0, got {self.damping}")
        if self.curvature == "hessian":
            check_choice("eigenvalues", self.eigenvalues, EIGENVALUES)
        elif self.eigenvalues is not None:
            raise InputError(f"--eigenvalues goes with --curvature hessian, not {self.curvature}")
        if self.curvature == "none" and self.damping is not None:
            *others, last = self.curvatures[1:]
            raise InputError(f"--damping needs --curvature {', '.join(others)} or {last}")

    @property
    @abstractmethod
    def total_steps(self) -> int:
        """The steps of the whole training."""

    @property
    def is_reference(self) -> bool:
        """Whether this is a plain loss, which the other rows of a table are compared with."""
        return self == self.plain()

    def plain(self) -> Self:
        """The plain loss beside this run: no Newton step, all else the same."""
        return replace(self, curvature="none", eigenvalues=None, damping=None)

    def scaled(self, share: float) -> Self:
        """The same with a share of its length, at least 1."""
        return replace(self, **{self.length: max(1, round(share * getattr(self, self.length)))})

    def asdict(self) -> dict[str, Any]:
        """The choices as plain values, for a JSON line, with the name of the benchmark."""
        name = {"benchmark": self.benchmark} if self.benchmark else {}
        return {**name, **asdict(self)}

    @property
    def key_version(self) -> int:
        """The version in the key; a family may raise it for some of its choices alone."""
        return self.version

    @property
    def key(self) -> str:
        """The hash that names this configuration in files of results and of checkpoints."""
        choices = {"version": self.key_version, **self.asdict()}
        if self.precision == "fp32":  # As in lines that were written before there was a choice.
            del choices["precision"]
        text = json.dumps(choices, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


ConfigT = TypeVar("ConfigT", bound=RunConfig)
