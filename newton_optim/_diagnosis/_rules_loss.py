"""Rules about the loss itself: does it work, is it right in float32, is there work to do?"""

from __future__ import annotations

from newton_optim._diagnosis._measurements import Measurements
from newton_optim._diagnosis._recommendation import Recommendation, fisher, plain
from newton_optim._diagnosis._rounding import Rounding


def unusable_loss(m: Measurements) -> Recommendation | None:
    """The loss has no gradient, or fails in another way."""
    if m.problem is None:
        return None
    if m.times_differentiable == 0:
        return Recommendation(
            verdict="not differentiable: smooth it first",
            reasons=(
                "The loss has no gradient with respect to the outputs.",
                "smoothing.StochasticSmoothing makes a black box differentiable; the alternative "
                "is a relaxed algorithm.",
            ),
        )
    return Recommendation(
        verdict="the loss fails: fix it first",
        reasons=("It failed on these outputs, so the measurements that follow are missing.",),
    )


def no_finite_gradient(m: Measurements) -> Recommendation | None:
    """No sample counts."""
    if m.median_gradient is not None:
        return None
    return Recommendation(
        verdict="no finite gradient: fix the loss first",
        reasons=(
            "No sample has finite outputs and a finite gradient: no sample would move, whatever "
            "the entry point.",
        ),
    )


def partly_not_finite(m: Measurements) -> Recommendation | None:
    """Some samples have no finite gradient or Hessian, on these outputs or on wider ones."""
    wider = next((r for r in m.roundings if r.share_nonfinite_float64 > 0.0), None)
    if m.nonfinite:
        what = f"{m.nonfinite:.0%} of the samples have no finite loss or gradient"
    elif m.nonfinite_hessians:
        what = f"{m.nonfinite_hessians:.0%} of the samples have no finite Hessian"
    elif wider is not None:
        what = (
            f"on outputs {wider.spread:g} times as wide, {wider.share_nonfinite_float64:.0%} of "
            "the samples have no finite gradient"
        )
    else:
        return None
    return Recommendation(
        verdict=f"{what}: fix the loss first",
        reasons=(
            "Such a sample does not train, and in a plain loss it makes every parameter NaN. "
            "Common causes are a square root, a power or a norm at zero, a logarithm of zero, and "
            "arccos at one.",
            "testing.check_loss names the smallest outputs at which it happens.",
        ),
    )


def flat_loss(m: Measurements) -> Recommendation | None:
    """All gradients are zero."""
    if m.median_gradient != 0.0 or m.longest_over_median != 1.0:
        return None
    return Recommendation(
        verdict="flat: there is no gradient to follow",
        reasons=(
            "The gradient is exactly zero: this is a minimum, or the loss is piecewise constant.",
            "If it is not a minimum, smoothing.StochasticSmoothing or a relaxation gives the loss "
            "a slope; no curvature can.",
        ),
    )


def wrong_in_float32(m: Measurements) -> Recommendation | None:
    """float32's gradients explode at any spread, or mislead on these outputs."""
    bad = [r for r in m.roundings if r.explodes or (r.misleads and r.spread == 1.0)]
    if not bad:
        return None
    first = bad[0]
    where = "On these outputs" if first.spread == 1.0 else f"On outputs {first.spread:g}x as wide"
    return fisher(
        m,
        f"{where}, the float32 gradient differs from the float64 gradient: {_evidence(first)}. "
        "The loss is sound; its float32 form is not.",
        "First choice: an exact form, which needs no rescue (from logits instead of "
        "probabilities; sorting.RankingLoss for relaxed sorts), or float64 inside the loss.",
        "If the loss cannot be fixed: the empirical Fisher with an absolute damping.",
        verdict=f"{'explodes' if first.explodes else 'is wrong'} only in float32: fix the loss; "
        "if that is not possible, empirical Fisher",
    )


def _evidence(r: Rounding) -> str:
    if r.share_nonfinite > 0.0:
        return f"{r.share_nonfinite:.0%} of the samples are finite only in float64"
    if r.explodes:
        return f"the longest one is {r.longest_float32_over_float64:,.0f} times too long"
    return f"their cosine is {r.cosine:.2f}"


def solved_by_one_step(m: Measurements) -> Recommendation | None:
    """A Newton step would be the gradient step."""
    if not m.solved_by_one_gradient_step or m.gradient_step_leaves is None:
        return None
    return plain(
        "one gradient step solves it",
        f"One gradient step of the right length leaves {m.gradient_step_leaves:.1e} of the "
        "gradient: the curvature is the same in all directions, so a Newton step is this step up "
        "to a constant factor.",
    )
