"""The Hessians of the samples and the Newton step with their mean; the Jacobians of a model."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from newton_optim._diagnosis._comparison import cosine, ratio, share
from newton_optim._diagnosis._probe import Probe, SecondDerivatives
from newton_optim._diagnosis._randomness import other_draw
from newton_optim._diagnosis._sandbox import LossFailedError
from newton_optim._diagnosis._section import Section

MAX_ENTRIES = 2**25
"""Above this `N m²`, no Hessians are computed: a quarter of a GiB in float64."""


@dataclass(frozen=True, kw_only=True)
class Hessians(Section):
    """Curvature of the samples, and how far it can be trusted."""

    negative_curvature: float | None = None
    condition: float | None = None
    rank: int | None = None
    newton_cosine: float | None = None
    hessian_error: float | None = None
    hessian_agreement: float | None = None
    nonfinite_hessians: float | None = None


@dataclass(frozen=True, kw_only=True)
class Jacobians(Section):
    """The Jacobians of the residuals of a loss that names its parts."""

    jacobian_condition: float | None = None
    has_residuals: bool = False


def jacobians(probe: Probe, y: Tensor) -> Jacobians:
    """The condition of every sample's whitened Jacobian; nothing where there are no residuals."""
    try:
        form = probe.residual_form(y)
    except LossFailedError:
        return Jacobians()
    if form is None or not len(form.jacobian):
        return Jacobians()
    sizes = torch.linalg.svdvals(form.jacobian.double().cpu())
    conditions = (sizes.amax(-1) / sizes.amin(-1)).nan_to_num(nan=math.inf, posinf=math.inf)
    return Jacobians(has_residuals=True, jacobian_condition=float(conditions.median()))


def hessians(
    probe: Probe, y: Tensor, *, is_coupled: bool | None, is_random: bool | None, judged: bool
) -> Hessians:
    """Signs and sizes of the Hessians, and the direction of the default Newton step.

    Args:
        probe: the loss.
        y: the outputs.
        is_coupled: nothing is measured then: a sample has no Hessian of its own.
        is_random: compare the Hessians of two draws.
        judged: compare the mean Hessians in float32 and float64.
    """
    why_not = _why_not(y, is_coupled)
    if why_not is not None:
        return Hessians(notes=(why_not,))
    found = probe.second_derivatives(y)
    nonfinite = share(probe.derivatives(y).kept & ~found.kept)
    if not found.kept.any():
        return Hessians(nonfinite_hessians=nonfinite)
    return replace(
        signs_and_sizes(found),
        nonfinite_hessians=nonfinite,
        hessian_agreement=hessian_agreement(probe, y, found.hessian) if is_random else None,
        hessian_error=hessian_error(probe) if judged else None,
    )


def _why_not(y: Tensor, is_coupled: bool | None) -> str | None:
    """Why the Hessians of the samples are not computed; ``None`` if they are."""
    N, m = y.shape
    if is_coupled:
        return "curvature per sample: the samples are coupled."
    if N * m * m > MAX_ENTRIES:
        return f"curvature: {N} Hessians of shape ({m}, {m}) are too large; use fewer samples."
    return None


def signs_and_sizes(found: SecondDerivatives) -> Hessians:
    """The eigenvalues of the Hessians and of C, over the samples that count."""
    noise = math.sqrt(torch.finfo(found.hessian.dtype).eps)
    kept = _of_kept_samples(found)
    H = kept.hessian
    w = torch.linalg.eigvalsh(H)
    largest = w.abs().amax(-1)
    sizes = torch.linalg.eigvalsh(H.mean(0)).abs()
    sizes = sizes[sizes > noise * sizes.max()]
    return Hessians(
        # The eigenvalues of a sample that has almost no curvature are rounding of either sign.
        negative_curvature=share(w.amin(-1) < -noise * largest.clamp(min=largest.median())),
        rank=len(sizes),
        condition=float(sizes.max() / sizes.min()) if len(sizes) else None,
        newton_cosine=cosine(kept.newton_step(), kept.gradient),
    )


def _of_kept_samples(found: SecondDerivatives) -> SecondDerivatives:
    """The samples that count, in float64, with symmetric Hessians."""
    tensors = (found.value, found.gradient, found.kept, found.hessian)
    value, gradient, kept, H = (t[found.kept].cpu() for t in tensors)
    H = H.double()
    return SecondDerivatives(value.double(), gradient.double(), kept, (H + H.mT) / 2)


def hessian_error(probe: Probe) -> float | None:
    """`‖C₃₂ - C₆₄‖ / ‖C₆₄‖` of the mean Hessians at the same outputs."""
    y = probe.matrix.float()
    try:
        C, exact = (probe.second_derivatives(x).hessian.mean(0).double() for x in (y, y.double()))
    except LossFailedError:
        return None
    error = (C - exact).norm()
    return ratio(error, exact.norm()) if error > 0 else 0.0


def hessian_agreement(probe: Probe, y: Tensor, H: Tensor) -> float:
    """The cosine of all Hessians ``H`` with those of another draw."""
    return cosine(H, other_draw(probe).second_derivatives(y).hessian)
