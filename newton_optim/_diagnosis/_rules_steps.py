"""Rules about the steps: how uneven the gradients are, and which curvature gets further."""

from __future__ import annotations

import math

from newton_optim._diagnosis._measurements import Measurements
from newton_optim._diagnosis._progress import BETTER, first_step, furthest, progress
from newton_optim._diagnosis._recommendation import (
    Recommendation,
    fisher,
    gauss_newton,
    hessian,
    plain,
)
from newton_optim._diagnosis._rounding import Rounding

UNEVEN = 100.0  # Longest gradient over the median.
VANISHING = 0.1  # Share of samples.
BEHIND = 0.1  # Share of the loss that ten gradient steps leave.
ILL_CONDITIONED = 100.0  # Condition of C.
NOTICEABLE = 1e-3  # Share of the loss that ten gradient steps leave more than Newton's.
PARALLEL = 0.95  # Cosine of the Newton step with the gradient, where no steps were taken.


def badly_conditioned_residuals(m: Measurements) -> Recommendation | None:
    """A loss made from residuals, of which one or ten Gauss-Newton steps leave less."""
    name = "gauss-newton"
    if not m.has_residuals or name not in m.descent:
        return None
    gaps = [left.get("gradient", 0.0) - left.get(name, 0.0) for left in (m.first_step, m.descent)]
    if not (max(gaps) > BETTER and gaps[-1] > 0.0):
        return None
    condition = m.jacobian_condition or math.inf
    size = "infinite" if math.isinf(condition) else f"{condition:,.2g}"
    return gauss_newton(
        m,
        f"The loss is made from residuals. The median condition of their Jacobians is {size}.",
        *first_step(m, name),
        *progress(m, name),
    )


def uneven_gradients(m: Measurements) -> Recommendation | None:
    """Gradients explode or vanish, in float64 too."""
    # If it is not known which samples are solved, short gradients do no harm as long as the loss
    # decreases all the same.
    known = m.vanishing is not None or m.descent.get("gradient", 1.0) > BETTER
    exploding = known and (m.longest_over_median or 0.0) > UNEVEN
    if not exploding and not (m.vanishing or 0.0) > VANISHING:
        return None
    why = _why_uneven(m, exploding=exploding)
    if furthest(m) != "gradient":
        return _furthest_choice(m, why)
    why += " The curvature does not reflect this: steps with it get no further."
    return fisher(m, why) if exploding else plain("no curvature helps", why)


def _why_uneven(m: Measurements, *, exploding: bool) -> str:
    if not exploding:
        return (
            f"{m.vanishing:.0%} of the samples have almost no gradient although they are not "
            "solved: gradients vanish."
        )
    if math.isinf(m.longest_over_median or 0.0):
        return "Most samples have a gradient of exactly zero, and the others have not."
    return (
        f"The longest gradient is {m.longest_over_median:,.0f} times the median, also in float64: "
        "gradients explode."
    )


def gradient_falls_behind(m: Measurements) -> Recommendation | None:
    """Ten gradient steps leave much more than ten steps with a curvature."""
    left = m.descent.get("gradient", 0.0)
    if not left > BEHIND or m.descent[furthest(m)] > left / 2:
        return None
    return _furthest_choice(m)


def directions_differ(m: Measurements) -> Recommendation | None:
    """C is ill-conditioned and its Hessian gets further."""
    cosine, condition = m.newton_cosine, m.condition
    if cosine is None or condition is None:
        return None
    if m.descent:
        ahead = m.descent["gradient"] - m.descent["hessian"] > NOTICEABLE
        helps = condition > ILL_CONDITIONED and ahead
    else:
        helps = cosine < PARALLEL
    if not helps:
        return None
    return hessian(
        m,
        "batch",
        f"The curvature of the directions differs by a factor of {condition:,.0f}, and the Newton "
        f"step has the cosine {cosine:.2f} with the gradient.",
        *progress(m, "hessian"),
    )


def healthy_loss(m: Measurements) -> Recommendation:
    """Nothing is wrong: the plain loss."""
    reasons = []
    if m.roundings:
        reasons.append(_accuracy(m.roundings[0]))
    if m.vanishing is not None:
        reasons.append(_evenness(m.vanishing))
    if m.newton_cosine is not None and m.condition is not None:
        reasons.append(
            f"The Newton step has the cosine {m.newton_cosine:.2f} with the gradient, and the "
            f"condition of C is {m.condition:,.2g}."
        )
    others = [name for name in m.descent if name != "gradient"]
    reasons += progress(m, min(others, key=lambda name: m.descent[name], default=""))
    if m.negative_curvature:
        reasons.append(
            f"{m.negative_curvature:.0%} of the Hessians have negative curvature: to compare with "
            'a Newton loss, keep the absolute eigenvalues; "raw" may go uphill.'
        )
    return plain("it needs no rescue", *reasons)


def _accuracy(here: Rounding) -> str:
    """How right float32 is at the narrowest outputs that were measured."""
    where = "On these outputs" if here.spread == 1.0 else f"On outputs {here.spread:g}x as wide"
    if here.share_wrong == 0.0:
        return f"{where}, the gradients are right in float32."
    return (
        f"{where}, {here.share_wrong:.0%} of the float32 gradients are off by more than 1 %; the "
        f"gradient of the batch has the cosine {here.cosine:.2f} with the one in float64."
    )


def _evenness(vanishing: float) -> str:
    if vanishing == 0.0:
        return "On these outputs, gradients neither vanish nor explode."
    return f"On these outputs, {vanishing:.0%} of the gradients vanish and none explodes."


def _furthest_choice(m: Measurements, *why: str) -> Recommendation:
    name = furthest(m)
    why += progress(m, name)
    if name == "fisher":
        return fisher(m, *why)
    if name == "gauss-newton":
        return gauss_newton(m, *why)
    if name == "hessian":
        return hessian(m, "batch", *why)
    return hessian(
        m, "sample", *why, "The curvature differs from sample to sample: each uses its own."
    )
