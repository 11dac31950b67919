"""What can be recommended, and how it is worded."""

from __future__ import annotations

from dataclasses import dataclass

from newton_optim._diagnosis._gradients import fisher_damping
from newton_optim._diagnosis._measurements import Measurements
from newton_optim.curvature import EmpiricalFisher, GaussNewton, Hessian, Identity, RelativeDamping
from newton_optim.curvature._base import Curvature
from newton_optim.curvature._damping import Damping

_MOSTLY_NEGATIVE = 0.5  # Share of samples with negative curvature.


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """What to do about a loss; its fields are documented in :class:`Diagnosis`."""

    verdict: str
    curvature: Curvature | None = None
    damping: Damping = 0.0
    entry_point: str | None = None
    reasons: tuple[str, ...] = ()


def plain(why: str, *reasons: str) -> Recommendation:
    """No Newton loss. The curvature is the identity, so that the result can be passed on."""
    return Recommendation(verdict=f"the plain loss: {why}", curvature=Identity(), reasons=reasons)


def fisher(m: Measurements, *reasons: str, verdict: str = "empirical Fisher") -> Recommendation:
    """The empirical Fisher with an absolute damping that suits the gradients."""
    damping = fisher_damping(m.median_gradient)
    return Recommendation(
        verdict=verdict,
        curvature=EmpiricalFisher(),
        damping=damping,
        entry_point=_entry_point(m),
        reasons=(
            *reasons,
            f"damping={damping:g} is absolute, the square of the median gradient: shorter "
            "gradients stay as they are, longer ones are shortened.",
            "Clipping the gradient of each sample may help as much and costs less: use it as a "
            "control.",
            *_why_as_tensor(m),
        ),
    )


def gauss_newton(m: Measurements, *reasons: str) -> Recommendation:
    """Gauss-Newton for a loss made from residuals, with its own damping."""
    return Recommendation(
        verdict="Gauss-Newton",
        curvature=GaussNewton(),
        damping=GaussNewton.default_damping,
        entry_point=_entry_point(m),
        reasons=(
            *reasons,
            "The damping is shared by the samples and relative: it does not depend on the scale of "
            "the loss. If training is unstable, make it larger or use LevenbergMarquardt().",
            "Where the data are noisy, the minimum of the loss is not the truth: compare with it, "
            "not with the loss alone.",
        ),
    )


def hessian(m: Measurements, scope: str, *reasons: str) -> Recommendation:
    """The Hessian, or Gauss-Newton for a loss in two parts whose Hessian is mostly negative."""
    has_parts = "gauss-newton" in m.milliseconds and scope != "joint"
    use_parts = has_parts and (m.negative_curvature or 0.0) > _MOSTLY_NEGATIVE
    return Recommendation(
        verdict="Gauss-Newton" if use_parts else "Hessian",
        curvature=GaussNewton(scope=scope) if use_parts else Hessian(scope=scope),
        damping=RelativeDamping(0.1),
        entry_point=_entry_point(m),
        reasons=(
            *reasons,
            _signs(m.negative_curvature, use_parts=use_parts),
            "damping=RelativeDamping(0.1) does not depend on the scale of the loss.",
            *_why_as_tensor(m),
        ),
    )


def _signs(negative: float | None, *, use_parts: bool) -> str:
    if negative is None:
        return (
            "Its eigenvalues are replaced by their absolute values, the default; "
            '"raw" may go uphill.'
        )
    if negative == 0.0:
        return "No Hessian has negative curvature: all treatments of eigenvalues are the same."
    share = f"{negative:.0%} of the Hessians have negative curvature"
    if use_parts:
        return f"{share}. Gauss-Newton has none if the outer part is convex."
    return f'{share}: keep the absolute eigenvalues, the default; "raw" may go uphill.'


def _entry_point(m: Measurements) -> str:
    return "NewtonLoss" if m.callable_works else "newton_loss"


def _why_as_tensor(m: Measurements) -> tuple[str, ...]:
    if m.callable_works:
        return ()
    return (
        "torch.func cannot differentiate this loss: pass it as a tensor, to newton_loss or to "
        "NewtonLossOptimizer.",
    )
