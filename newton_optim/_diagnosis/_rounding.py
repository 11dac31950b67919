"""Is the float32 gradient of a loss its gradient? Judged by float64 at the same outputs."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from newton_optim._diagnosis._measurements import Rounding
from newton_optim._diagnosis._probe import LossFailedError, Probe

SPREADS = (1.0, 3.0, 10.0)
"""Factors on the outputs: a network that learns spreads them."""

# An error counts against the sample's own gradient, or this share of the batch's root mean square:
# a sample that is all but solved may have a gradient of mere rounding and nobody minds.
_NEGLIGIBLE = 1e-3


def roundings(probe: Probe) -> tuple[Rounding, ...]:
    """The gradients at the outputs and at wider spreads of them.

    A spread where the loss raises, or no sample is finite even in float64, is left out: it is
    outside of the loss's domain.
    """
    found = (rounding_at(probe, spread) for spread in SPREADS)
    return tuple(rounding for rounding in found if rounding is not None)


def rounding_at(probe: Probe, spread: float) -> Rounding | None:
    """float32 against float64 at the outputs times ``spread``."""
    y = (spread * probe.matrix).float()
    try:
        reference = probe.derivatives(y.double())
        single = probe.derivatives(y)
    except LossFailedError:
        return None
    assert reference.kept is not None
    assert single.kept is not None
    # What float32 has no numbers for cannot be held against it.
    representable = reference.gradient.abs().amax(1) < torch.finfo(torch.float32).max
    rows = reference.kept & representable
    if not bool(rows.any()):
        return None
    finite = single.kept[rows]
    # What is not finite in float32 was set to zero, which is off by 100 %.
    g, exact = single.gradient.double()[rows], reference.gradient[rows]
    lengths, exact_lengths = g.norm(dim=1), exact.norm(dim=1)
    floor = _NEGLIGIBLE * exact_lengths.square().mean().sqrt()
    error = (g - exact).norm(dim=1)
    return Rounding(
        spread=spread,
        off=share(error > 0.01 * torch.maximum(exact_lengths, floor)),
        nonfinite=share(~finite),
        longest=ratio(lengths.max(), lengths.median()),
        longest_float64=ratio(exact_lengths.max(), exact_lengths.median()),
        growth=ratio(lengths.max(), exact_lengths.max()),
        cosine=cosine(g, exact),
    )


def cosine(a: Tensor, b: Tensor) -> float:
    """The cosine of the angle between two tensors; NaN where one is zero."""
    size = a.norm() * b.norm()
    return float((a * b).sum() / size) if size > 0 else math.nan


def ratio(a: Tensor, b: Tensor) -> float:
    """`a / b`, where 0 / 0 is 1: nothing is longer than anything."""
    return float(a / b) if b > 0 else (math.inf if a > 0 else 1.0)


def share(samples: Tensor) -> float:
    """Of how many samples it is true."""
    return float(samples.double().mean())
