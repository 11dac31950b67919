"""What is measured of a loss, before anything is concluded from it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Rounding:
    """The gradients of one batch in float32, judged by those in float64 at the same outputs.

    Args:
        spread: the factor on the outputs.
        off: the share of samples whose gradient is off by more than 1 %.
        nonfinite: the share of samples whose gradient is finite in float64 alone.
        longest: the longest gradient over the median, in float32.
        longest_float64: the same in float64.
        growth: the longest gradient in float32 over the longest in float64.
        cosine: of the batch gradient in float32 with the one in float64; NaN where one is zero.
    """

    spread: float
    off: float
    nonfinite: float
    longest: float
    longest_float64: float
    growth: float
    cosine: float


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """What is measured of a loss; `None` where it does not apply or cannot be measured.

    See :class:`Diagnosis`, which has the same attributes.
    """

    name: str
    num_samples: int
    num_outputs: int
    problem: str | None = None
    notes: tuple[str, ...] = ()
    roundings: tuple[Rounding, ...] = ()
    times_differentiable: int | None = None
    callable_works: bool = True
    is_random: bool | None = None
    hessian_agreement: float | None = None
    is_coupled: bool | None = None
    nonfinite: float | None = None
    median_gradient: float | None = None
    longest_over_median: float | None = None
    vanishing: float | None = None
    gradient_step_leaves: float | None = None
    negative_curvature: float | None = None
    condition: float | None = None
    rank: int | None = None
    hessian_error: float | None = None
    newton_cosine: float | None = None
    descent: dict[str, float] = field(default_factory=dict)
    milliseconds: dict[str, float] = field(default_factory=dict)
