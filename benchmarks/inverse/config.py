"""What one run of the benchmark of inverse problems is, except for its seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final

from benchmarks.inverse.problems import PROBLEMS, BoundedProblem, problem_of
from benchmarks.runs.checks import check_choice, check_counts, check_positive
from benchmarks.runs.config import RunConfig
from benchmarks.runs.errors import InputError

if TYPE_CHECKING:
    from typing_extensions import Self

LOSSES: Final = ("squared", "prior")
SOLVERS: Final = ("network", "least-squares")
SCOPES: Final = ("batch", "sample", "shared")


@dataclass(frozen=True, kw_only=True)
class InverseConfig(RunConfig):
    """The configuration of a run of the benchmark of inverse problems.

    ``damping`` is relative: λ over the mean eigenvalue of the matrix that is inverted.

    Args:
        data: the problem.
        snr: one over the standard deviation of the signals' noise; ``None``: no noise.
        loss: ``"squared"``, or ``"prior"``: with a further residual per parameter, which draws it
            to where parameters are, as strongly as the noise demands.
        solver: ``"network"``, or ``"least-squares"``: a fit of each sample of the evaluation on its
            own, from the middle of the parameters' range, without any network.
        clip: the longest gradient of a sample at the network's outputs, or with Gauss-Newton the
            longest step; ``None``: no bound.
        scope: of the curvature: ``"batch"``, ``"sample"``, or ``"shared"``: a matrix for each
            sample and one λ for all of them; ``None`` for the plain loss.
        inner_steps: damped steps of Levenberg-Marquardt on the loss before the network moves;
            ``None`` for the others.
        width: of the network's two hidden layers.
        lr: Adam's rate at the start; it falls to 0 along half a cosine.
        steps: of training, where ``factor`` is 1.
        factor: how many times as many steps are trained.
        batch_size: samples in a batch; every batch is drawn afresh.
        evaluation_samples: that are held out.
    """

    benchmark: ClassVar[str] = "inverse"
    version: ClassVar[int] = 1
    curvatures: ClassVar[tuple[str, ...]] = (
        "none",
        "hessian",
        "fisher",
        "gauss-newton",
        "levenberg-marquardt",
    )
    length: ClassVar[str] = "steps"

    data: str = "ivim"
    snr: float | None = 100.0
    loss: str = "squared"
    solver: str = "network"
    clip: float | None = None
    scope: str | None = None
    inner_steps: int | None = None
    width: int = 128
    lr: float = 3e-3
    steps: int = 1_000
    factor: int = 1
    batch_size: int = 100
    evaluation_samples: int = 500

    def __post_init__(self) -> None:
        check_choice("data", self.data, tuple(PROBLEMS))
        check_choice("loss", self.loss, LOSSES)
        check_choice("solver", self.solver, SOLVERS)
        check_counts(self, "width", "steps", "factor", "evaluation_samples", "inner_steps")
        check_positive(self, "snr", "clip")
        super().__post_init__()
        self._check_curvature()
        self._check_prior()
        trained = (self.curvature, self.clip, self.factor) != ("none", None, 1)
        if self.solver == "least-squares" and trained:
            raise InputError("--solver least-squares trains nothing: no curvature, clip or factor")

    def _check_curvature(self) -> None:
        adaptive = self.curvature == "levenberg-marquardt"
        if adaptive and self.inner_steps is None:
            raise InputError("--curvature levenberg-marquardt needs --inner-steps")
        if self.inner_steps is not None and not adaptive:
            raise InputError("--inner-steps needs --curvature levenberg-marquardt")
        if self.curvature == "none":
            if self.scope is not None:
                raise InputError("--scope needs --curvature")
            return
        check_choice("scope", self.scope, SCOPES)
        if self.clip is not None and self.curvature != "gauss-newton":
            raise InputError("--clip goes with the plain loss or --curvature gauss-newton")

    def _check_prior(self) -> None:
        if self.loss != "prior":
            return
        if self.snr is None or not isinstance(problem_of(self.data), BoundedProblem):
            raise InputError(
                f"--loss prior needs noise and a problem of bounded parameters, got {self.data} "
                f"with --snr {self.snr}"
            )

    @property
    def total_steps(self) -> int:
        """The steps of the training; of least squares, the samples that are fitted."""
        return self.evaluation_samples if self.solver != "network" else self.steps * self.factor

    def plain(self) -> Self:
        """The plain loss beside this run: no Newton step, clipping or further steps."""
        return replace(
            self,
            curvature="none",
            scope=None,
            inner_steps=None,
            eigenvalues=None,
            damping=None,
            clip=None,
            factor=1,
            solver="network",
        )
