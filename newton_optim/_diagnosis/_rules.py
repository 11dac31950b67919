"""From what is measured to what is recommended: rules, of which the first that applies answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from newton_optim._diagnosis._measurements import Measurements, Rounding
from newton_optim._diagnosis._recommendation import Recommendation, fisher, hessian, plain

EXPLODED = 10.0  # float32's longest gradient over float64's.
MISLED = 0.9  # Cosine of float32's batch gradient with float64's.
SOLVED = 0.01  # What a gradient step leaves.
NOISE = 0.5  # Cosine of the Hessians of two draws.
WRONG_HESSIAN = 0.1  # Relative error in float32.
UNEVEN = 100.0  # Longest gradient over the median.
VANISHING = 0.1  # Share of samples.
BEHIND = 0.1  # Share of the loss that ten gradient steps leave.
ILL_CONDITIONED = 100.0  # Condition of C.
NOTICEABLE = 1e-3  # Share of the loss that ten gradient steps leave more than Newton's.
PARALLEL = 0.95  # Cosine of the Newton step with the gradient, where no steps were taken.
MAX_JOINT = 2048  # Side of the joint matrix.

_AS_FAR = 0.05  # So much more may the Hessian of the batch leave than that of each sample.
_BETTER = 0.01  # So much less must the Hessian of the batch leave than the gradient.


def recommend(m: Measurements) -> Recommendation:
    """The answer of the first rule that applies, with a warning of wider outputs."""
    found = next(answer for rule in _RULES if (answer := rule(m)) is not None)
    later = next((r for r in m.roundings if misleads(r)), None)
    if later is None or later.spread == 1.0 or any(map(explodes, m.roundings)):
        return found
    warning = (
        f"Beware: on outputs {later.spread:g} times as wide, the float32 gradient has the cosine "
        f"{later.cosine:.2f} with that of float64."
    )
    return replace(found, reasons=(*found.reasons, warning))


def can_be_joint(is_coupled: bool | None, times_differentiable: int | None, size: int) -> bool:
    """Whether the joint Hessian is what a loss needs, and not too large."""
    return is_coupled is True and times_differentiable == 2 and size <= MAX_JOINT


def explodes(rounding: Rounding) -> bool:
    """Whether float32's gradients are not finite or far too long, and float64's are neither."""
    return rounding.nonfinite > 0.0 or rounding.growth > EXPLODED


def misleads(rounding: Rounding) -> bool:
    """Whether float32's batch gradient points elsewhere."""
    return rounding.cosine < MISLED


def _unusable(m: Measurements) -> Recommendation | None:
    if m.problem is None:
        return None
    if m.times_differentiable == 0:
        return Recommendation(
            verdict="not differentiable: smooth it first",
            reasons=(
                "The loss has no gradient with respect to the outputs.",
                "smoothing.StochasticSmoothing gives a black box derivatives; a relaxed algorithm "
                "is another way.",
            ),
        )
    return Recommendation(
        verdict="the loss fails: mend it first",
        reasons=("It failed on these outputs, so that what follows could not be measured.",),
    )


def _nothing_finite(m: Measurements) -> Recommendation | None:
    if m.median_gradient is not None:
        return None
    return Recommendation(
        verdict="no finite gradient: mend the loss first",
        reasons=(
            "No sample has finite outputs and a finite gradient: every door would leave all of "
            "them where they are.",
        ),
    )


def _flat(m: Measurements) -> Recommendation | None:
    if m.median_gradient != 0.0 or m.longest_over_median != 1.0:
        return None
    return Recommendation(
        verdict="flat: there is nothing to follow",
        reasons=(
            "The gradient is exactly zero: this is the minimum, or the loss is constant in pieces.",
            "If it is not the minimum, smoothing.StochasticSmoothing or a relaxation gives it a "
            "slope; no curvature can.",
        ),
    )


def _wrong_in_float32(m: Measurements) -> Recommendation | None:
    bad = [r for r in m.roundings if explodes(r) or (misleads(r) and r.spread == 1.0)]
    if not bad:
        return None
    first = bad[0]
    where = "On these outputs" if first.spread == 1.0 else f"On outputs {first.spread:g}x as wide"
    return fisher(
        m,
        f"{where}, the float32 gradient is not that of float64: {_evidence(first)}. The loss is "
        "sound; its float32 form is not.",
        "First choice: an exact form, which needs no rescue (from logits instead of probabilities; "
        "sorting.RankingLoss for relaxed sorts), or float64 within the loss.",
        "If the loss cannot be mended: the Fisher with an absolute damping.",
        verdict=f"{'explodes' if explodes(first) else 'is wrong'} only in float32: mend the loss; "
        "if that cannot be, empirical Fisher",
    )


def _evidence(r: Rounding) -> str:
    if r.nonfinite > 0.0:
        return f"{r.nonfinite:.0%} of the samples are finite in float64 alone"
    if explodes(r):
        return f"the longest one is {r.growth:,.0f} times too long"
    return f"the cosine of the two is {r.cosine:.2f}"


def _solved(m: Measurements) -> Recommendation | None:
    if m.gradient_step_leaves is None or not m.gradient_step_leaves < SOLVED:
        return None
    return plain(
        "one gradient step solves it",
        f"One gradient step of the right length leaves {m.gradient_step_leaves:.1e} of the "
        "gradient: the curvature is the same in all directions, so that a Newton step is that "
        "step, in other units.",
    )


def _coupled(m: Measurements) -> Recommendation | None:
    size = m.num_samples * m.num_outputs
    if not can_be_joint(m.is_coupled, m.times_differentiable, size):
        return None
    return hessian(
        m,
        "joint",
        "Samples are coupled: moving one changes the gradient of another. The joint scope takes "
        "the whole matrix; the others would silently sum its blocks across samples.",
        f"That matrix has {size} rows. Where this is too many, take the Fisher, which has no such "
        "blocks.",
    )


def _without_hessian(m: Measurements) -> Recommendation | None:
    """The Fisher, for every reason why there is no Hessian to use."""
    if m.times_differentiable != 2:
        why = "The loss is differentiable once only; the Fisher needs no more."
    elif m.is_coupled:
        why = "Samples are coupled and their joint Hessian is too large; the Fisher has no blocks."
    elif m.hessian_agreement is not None and not m.hessian_agreement >= NOISE:
        why = (
            f"The Hessian is mostly noise: those of two draws have the cosine "
            f"{m.hessian_agreement:.2f}. The Fisher needs the gradients alone, which are better "
            "estimates."
        )
    elif m.negative_curvature is None:
        why = "The Hessians of this batch are too large; the Fisher forms no such matrices."
    elif m.hessian_error is not None and not m.hessian_error < WRONG_HESSIAN:
        why = (
            f"The float32 Hessian is off by {m.hessian_error:.2g} of its size, although the "
            "gradient is right. The Fisher needs none."
        )
    else:
        return None
    return fisher(m, why, *_progress(m, "fisher"))


def _straight(m: Measurements) -> Recommendation | None:
    if m.condition is not None:
        return None
    why = "The loss is linear in pieces: it has no curvature, and a Hessian step is the gradient."
    if _furthest(m) == "fisher":
        return fisher(m, why, *_progress(m, "fisher"))
    return plain("it has no curvature", why, *_progress(m, "fisher"))


def _uneven(m: Measurements) -> Recommendation | None:
    # Where it is not known which samples are solved, short gradients are no harm as long as the
    # loss goes down all the same.
    known = m.vanishing is not None or m.descent.get("gradient", 1.0) > _BETTER
    exploding = known and (m.longest_over_median or 0.0) > UNEVEN
    if not exploding and not (m.vanishing or 0.0) > VANISHING:
        return None
    why = (
        f"The longest gradient is {m.longest_over_median:,.0f} times the median, in float64 as "
        "well: gradients explode."
        if exploding
        else f"{m.vanishing:.0%} of the samples have hardly a gradient, though they are not "
        "solved: gradients vanish."
    )
    if _furthest(m) != "gradient":
        return _furthest_choice(m, why)
    why += " The curvature does not know about it: steps with it get no further."
    return fisher(m, why) if exploding else plain("no curvature helps", why)


def _behind(m: Measurements) -> Recommendation | None:
    left = m.descent.get("gradient", 0.0)
    if not left > BEHIND or m.descent[_furthest(m)] > left / 2:
        return None
    return _furthest_choice(m)


def _furthest(m: Measurements) -> str:
    """Which choice gets lowest in ten steps on the outputs; the simpler one where it is close."""
    bonus = {"hessian": _AS_FAR, "gradient": _AS_FAR + _BETTER}
    return min(
        m.descent, key=lambda name: m.descent[name] - bonus.get(name, 0.0), default="gradient"
    )


def _furthest_choice(m: Measurements, *why: str) -> Recommendation:
    name = _furthest(m)
    why += _progress(m, name)
    if name == "fisher":
        return fisher(m, *why)
    if name == "hessian":
        return hessian(m, "batch", *why)
    return hessian(m, "sample", *why, "The curvature of the samples differs: each takes its own.")


def _progress(m: Measurements, name: str) -> tuple[str, ...]:
    """What ten steps showed, where they were taken."""
    if not m.descent:
        return ()
    return (
        f"Ten steps on the outputs alone: the gradient leaves {m.descent['gradient']:.1%} of the "
        f"way to the lowest loss that any reached, the {name} {m.descent[name]:.1%}.",
    )


def _differing_directions(m: Measurements) -> Recommendation | None:
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
        f"The directions differ in curvature by a factor of {condition:,.0f}, and the Newton step "
        f"has the cosine {cosine:.2f} with the gradient.",
        *_progress(m, "hessian"),
    )


def _healthy(m: Measurements) -> Recommendation:
    reasons = []
    if m.roundings:
        reasons.append("On these outputs, gradients are right in float32.")
    if m.vanishing is not None:
        reasons.append("Gradients neither vanish nor explode.")
    if m.newton_cosine is not None and m.condition is not None:
        reasons.append(
            f"The Newton step has the cosine {m.newton_cosine:.2f} with the gradient, and C the "
            f"condition {m.condition:,.2g}."
        )
    others = [name for name in m.descent if name != "gradient"]
    reasons += _progress(m, min(others, key=lambda name: m.descent[name], default=""))
    if m.negative_curvature:
        reasons.append(
            f"{m.negative_curvature:.0%} of the Hessians have negative curvature: for a comparison "
            'with a Newton loss, keep the absolute eigenvalues; "raw" may walk uphill.'
        )
    return plain("it needs no rescue", *reasons)


_RULES: tuple[Callable[[Measurements], Recommendation | None], ...] = (
    _unusable,
    _nothing_finite,
    _flat,
    _wrong_in_float32,
    _solved,
    _coupled,
    _without_hessian,
    _straight,
    _uneven,
    _behind,
    _differing_directions,
    _healthy,
)
