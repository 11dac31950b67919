"""Is the float32 gradient of a loss its gradient? Judged by float64 at the same outputs."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from newton_optim._diagnosis._comparison import cosine, ratio, share
from newton_optim._diagnosis._probe import Derivatives, Probe
from newton_optim._diagnosis._sandbox import LossFailedError
from newton_optim._diagnosis._section import Section

SPREADS = (1.0, 3.0, 10.0)
"""Factors on the outputs: a network that learns spreads them."""

_WRONG = 0.01  # Relative error of a gradient.
_EXPLODED = 10.0  # Longest gradient in float32 over the longest in float64.
_MISLED = 0.9  # Cosine of the batch gradients in float32 and float64.

# An error counts against the sample's own gradient, or this share of the batch's root mean square:
# a sample that is almost solved may have a gradient of mere rounding, which does no harm.
_NEGLIGIBLE = 1e-3


@dataclass(frozen=True, kw_only=True)
class Rounding:
    """The gradients of one batch in float32, judged by those in float64 at the same outputs.

    Args:
        spread: the factor on the outputs.
        share_wrong: the share of samples whose gradient is off by more than 1 %.
        share_nonfinite: the share of samples whose gradient is finite only in float64.
        share_nonfinite_float64: the share of samples whose gradient is not finite in float64.
        longest_over_median: the longest gradient over the median length, in float32.
        longest_over_median_float64: the same in float64.
        longest_float32_over_float64: the longest gradient in float32 over the longest in float64.
        cosine: the cosine of the batch gradients in float32 and float64; NaN where one is zero.
    """

    spread: float
    share_wrong: float
    share_nonfinite: float
    longest_over_median: float
    longest_over_median_float64: float
    longest_float32_over_float64: float
    cosine: float
    share_nonfinite_float64: float = 0.0

    @property
    def explodes(self) -> bool:
        """Whether float32's gradients are not finite or far too long, and float64's are neither."""
        return self.share_nonfinite > 0.0 or self.longest_float32_over_float64 > _EXPLODED

    @property
    def misleads(self) -> bool:
        """Whether float32's batch gradient points elsewhere."""
        return self.cosine < _MISLED


@dataclass(frozen=True, kw_only=True)
class Roundings(Section):
    """float32 against float64 at several spreads of the outputs."""

    roundings: tuple[Rounding, ...] = ()


def roundings(probe: Probe, *, is_random: bool) -> Roundings:
    """The gradients at the outputs and at wider spreads of them.

    A spread where the loss raises, or where no sample is finite even in float64, is outside the
    domain of the loss and is left out.
    """
    why_not = "the loss is random" if is_random else _why_not_in_float64(probe)
    if why_not is not None:
        return Roundings(notes=(f"float32 against float64: {why_not}.",))
    found = (rounding_at(probe, spread) for spread in SPREADS)
    return Roundings(roundings=tuple(rounding for rounding in found if rounding is not None))


def _why_not_in_float64(probe: Probe) -> str | None:
    """Why float64 knows no more about the loss than float32 does; ``None`` if it does."""
    try:
        value = probe.value(probe.matrix.double())
    except (LossFailedError, TypeError) as error:  # MPS has no float64.
        return f"the loss does not run in float64 ({error})"
    if value.dtype != torch.float64:
        return f"the loss computes in {value.dtype}, whatever its input"
    return None


def rounding_at(probe: Probe, spread: float) -> Rounding | None:
    """float32 against float64 at the outputs times ``spread``."""
    y = (spread * probe.matrix).float()
    try:
        return _judge(spread, probe.derivatives(y), probe.derivatives(y.double()))
    except LossFailedError:
        return None


def _judge(spread: float, single: Derivatives, reference: Derivatives) -> Rounding | None:
    # A gradient that is too long for float32 is not held against it.
    representable = reference.gradient.abs().amax(1) < torch.finfo(torch.float32).max
    rows = reference.kept & representable
    if not bool(rows.any()):
        return None
    # A gradient that is not finite in float32 was set to zero, which is off by 100 %.
    g, exact = single.gradient.double()[rows], reference.gradient[rows]
    lengths, exact_lengths = g.norm(dim=1), exact.norm(dim=1)
    floor = _NEGLIGIBLE * exact_lengths.square().mean().sqrt()
    error = (g - exact).norm(dim=1)
    return Rounding(
        spread=spread,
        share_wrong=share(error > _WRONG * torch.maximum(exact_lengths, floor)),
        share_nonfinite=share(~single.kept[rows]),
        longest_over_median=ratio(lengths.max(), lengths.median()),
        longest_over_median_float64=ratio(exact_lengths.max(), exact_lengths.median()),
        longest_float32_over_float64=ratio(lengths.max(), exact_lengths.max()),
        cosine=cosine(g, exact),
        share_nonfinite_float64=share(~reference.kept),
    )
