"""The shape of a loss: gradients, coupling, curvature, and what one step does to it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from newton_optim._derivatives import LossDerivatives
from newton_optim._diagnosis._probe import LossFailedError, Probe
from newton_optim._diagnosis._rounding import cosine, ratio, share
from newton_optim.curvature import Hessian

MAX_HESSIAN_ENTRIES = 2**25
"""`N m²` above this is not computed: a quarter of a GiB in float64."""

# A gradient this much shorter than the longest has vanished.
_VANISHED = 1e-3

# A sample is solved if its loss is above the batch's lowest by less than this share of the mean.
_SOLVED = 1e-2


def gradient_facts(found: LossDerivatives, *, one_loss_a_sample: bool) -> dict[str, Any]:
    """How long the gradients of the samples are.

    A sample that is solved may have a short gradient. It is left out of the comparison, where the
    loss tells: with ``one_loss_a_sample``.
    """
    assert found.kept is not None
    facts: dict[str, Any] = {"nonfinite": share(~(found.kept & found.value.isfinite()))}
    lengths = found.gradient[found.kept].norm(dim=1)
    if len(lengths) == 0:
        return facts
    facts["median_gradient"] = float(lengths.median())
    open_, values = lengths, found.value[found.kept]
    if one_loss_a_sample and bool(values.isfinite().all()):
        excess = values - values.min()
        open_ = lengths[excess >= _SOLVED * excess.mean()]
        facts["vanishing"] = float((open_ < _VANISHED * lengths.max()).sum()) / len(lengths)
    facts["longest_over_median"] = ratio(open_.max(), open_.median())
    return facts


def is_coupled(probe: Probe, y: Tensor) -> bool | None:
    """Whether moving every other sample changes the gradients of those that stay."""
    if len(y) < 2:
        return None
    generator = torch.Generator("cpu").manual_seed(probe.seed)
    shift = torch.rand(y[1::2].shape, generator=generator, device="cpu")
    moved = y.clone()
    moved[1::2] += 0.1 * typical_size(y) * shift.to(y)
    try:
        before, again, after = (probe.derivatives(x).gradient[::2] for x in (y, y, moved))
    except LossFailedError:
        return None
    if differ(before, again):  # The loss draws from a generator of its own.
        return None
    return differ(before, after)


def differ(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors differ by more than a device's order of summation explains."""
    size = torch.maximum(a.abs().max(), b.abs().max())
    return bool((a - b).abs().max() > math.sqrt(torch.finfo(a.dtype).eps) * size)


def gradient_step_leaves(probe: Probe, y: Tensor, found: LossDerivatives) -> float | None:
    """What is left after the best single gradient step, if the loss is a parabola along it.

    The share of the gradient's length that is left, or of the promised decrease that is missing,
    whichever is more. The parabola is made from a difference of gradients. `None` where the loss
    does not bend upwards.
    """
    g = found.gradient
    h = 1e-3 * typical_size(y) / typical_size(g)
    try:
        bend = (g * (g - probe.derivatives(y - h * g).gradient)).sum() / h
        if not bend > 0:
            return None
        rate = g.square().sum() / bend
        after = probe.derivatives(y - rate * g)
    except LossFailedError:
        return None
    promised = rate * g.square().sum() / 2
    missing = 1.0 - (_total(found) - _total(after)) / promised
    return float(torch.maximum(after.gradient.norm() / g.norm(), missing.abs()))


def _total(found: LossDerivatives) -> Tensor:
    """The sum of the losses of the samples that count."""
    assert found.kept is not None
    return torch.where(found.kept & found.value.isfinite(), found.value, 0.0).sum()


def typical_size(tensor: Tensor) -> float:
    """The root mean square of the finite entries; 1 where all are zero."""
    finite = tensor[tensor.isfinite()]
    size = float(finite.square().mean().sqrt()) if len(finite) else 0.0
    return size if size > 0 else 1.0


def curvature_facts(found: LossDerivatives) -> dict[str, Any]:
    """Signs and sizes of the Hessians, and the direction of the default Newton step.

    Args:
        found: derivatives with Hessians that are computed.
    """
    H, kept = found.hessian, found.kept
    assert H is not None
    assert kept is not None
    noise = math.sqrt(torch.finfo(H.dtype).eps)
    H, g, value = (t[kept].cpu().double() for t in (H, found.gradient, found.value))
    H = (H + H.mT) / 2
    C = H.mean(0)
    w = torch.linalg.eigvalsh(H)
    own = w.abs().amax(-1)
    sizes = torch.linalg.eigvalsh(C).abs()
    sizes = sizes[sizes > noise * sizes.max()]
    step = Hessian().newton_step(LossDerivatives(value, g, H))
    return {
        # A sample without curvature to speak of has rounding of either sign.
        "negative_curvature": share(w.amin(-1) < -noise * own.clamp(min=own.median())),
        "rank": len(sizes),
        "condition": float(sizes.max() / sizes.min()) if len(sizes) else None,
        "newton_cosine": cosine(step, g),
    }


def hessian_error(probe: Probe) -> float | None:
    """`‖C₃₂ - C₆₄‖ / ‖C₆₄‖` of the mean Hessians at the same outputs."""
    y = probe.matrix.float()
    try:
        C, exact = (hessians(probe, x).mean(0).double() for x in (y, y.double()))
    except LossFailedError:
        return None
    error = (C - exact).norm()
    return ratio(error, exact.norm()) if error > 0 else 0.0


def hessian_agreement(probe: Probe, y: Tensor) -> float:
    """The cosine of all Hessians with those of another draw, for a random loss."""
    return cosine(hessians(probe, y), hessians(replace(probe, seed=probe.seed + 1), y))


def hessians(probe: Probe, y: Tensor) -> Tensor:
    """The Hessians of the samples, `(N, m, m)`."""
    H = probe.hessian(y).hessian
    assert H is not None
    return H
