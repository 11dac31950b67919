"""What can be recommended, and how it is worded."""

from __future__ import annotations

import math
from dataclasses import dataclass

from newton_optim._diagnosis._measurements import Measurements
from newton_optim.curvature import EmpiricalFisher, GaussNewton, Hessian, Identity, RelativeDamping
from newton_optim.curvature._base import Curvature
from newton_optim.curvature._damping import Damping

_MOSTLY_NEGATIVE = 0.5  # Share of samples with negative curvature.


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """What to do about a loss.

    Args:
        verdict: in a few words.
        curvature: which one; `None` where the loss itself must change first.
        damping: λ.
        door: the name of the function or class to use; `None` for the plain loss.
        reasons: sentences.
    """

    verdict: str
    curvature: Curvature | None = None
    damping: Damping = 0.0
    door: str | None = None
    reasons: tuple[str, ...] = ()


def plain(why: str, *reasons: str) -> Recommendation:
    """No Newton loss; the identity, so that the result can be passed on all the same."""
    return Recommendation(verdict=f"the plain loss: {why}", curvature=Identity(), reasons=reasons)


def fisher(m: Measurements, *reasons: str, verdict: str = "empirical Fisher") -> Recommendation:
    """The Fisher with an absolute damping that suits the gradients."""
    damping = fisher_damping(m.median_gradient)
    return Recommendation(
        verdict=verdict,
        curvature=EmpiricalFisher(),
        damping=damping,
        door=_door(m),
        reasons=(
            *reasons,
            f"damping={damping:g} is absolute, the square of the median gradient: shorter "
            "gradients stay what they are, longer ones are shortened.",
            "Clipping the gradient of each sample may do as much, for less: make it a control.",
            *_form(m),
        ),
    )


def fisher_damping(median_gradient: float | None) -> float:
    """The square of the median gradient, to one digit; 1 where that is no number above 0."""
    length = median_gradient or 0.0
    square = length * length
    return float(f"{square:.0e}") if 0.0 < square < math.inf else 1.0


def hessian(m: Measurements, scope: str, *reasons: str) -> Recommendation:
    """The Hessian, or Gauss-Newton for a loss in two parts whose Hessian is mostly negative."""
    negative = m.negative_curvature
    composed = "gauss-newton" in m.milliseconds and scope != "joint"
    use_parts = composed and negative is not None and negative > _MOSTLY_NEGATIVE
    if negative is None:
        signs = 'Its eigenvalues are taken in absolute value, the default; "raw" may walk uphill.'
    elif negative == 0.0:
        signs = "No Hessian has negative curvature: all treatments of eigenvalues are the same."
    elif use_parts:
        signs = (
            f"{negative:.0%} of the Hessians have negative curvature. Gauss-Newton has none, where "
            "the outer part is convex."
        )
    else:
        signs = (
            f"{negative:.0%} of the Hessians have negative curvature: keep the absolute "
            'eigenvalues, the default; "raw" may walk uphill.'
        )
    return Recommendation(
        verdict="Gauss-Newton" if use_parts else "Hessian",
        curvature=GaussNewton(scope=scope) if use_parts else Hessian(scope=scope),
        damping=RelativeDamping(0.1),
        door=_door(m),
        reasons=(
            *reasons,
            signs,
            "damping=RelativeDamping(0.1) does not depend on the scale of the loss.",
            *_form(m),
        ),
    )


def _door(m: Measurements) -> str:
    return "NewtonLoss" if m.callable_works else "newton_loss"


def _form(m: Measurements) -> tuple[str, ...]:
    if m.callable_works:
        return ()
    return (
        "torch.func cannot differentiate this loss: hand it over as a tensor, to newton_loss or to "
        "NewtonLossOptimizer.",
    )
