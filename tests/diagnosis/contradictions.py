"""What a printed diagnosis must not say beside its own rows."""

from __future__ import annotations

from newton_optim import Diagnosis
from newton_optim._diagnosis._rounding import Rounding

MANY = 100.0


def contradictions(d: Diagnosis) -> list[str]:
    """The sentences of a diagnosis that one of its measurements denies."""
    text = " ".join(str(d).split())
    denied = {**_about_numbers(d), **_about_gradients(d), **_about_curvature(d)}
    return [sentence for sentence, is_denied in denied.items() if is_denied and sentence in text]


def _about_numbers(d: Diagnosis) -> dict[str, bool]:
    here = [r for r in d.roundings if r.spread == 1.0]
    is_wrong_here = any(r.share_wrong > 0.0 for r in here)
    return {
        "the gradients are right in float32": is_wrong_here,
        "although the gradient is right": is_wrong_here,
        "it needs no rescue": _needs_help(d),
        "Train with": _is_not_finite(d) or d.times_differentiable == 0,
        "have no finite loss or gradient": not d.nonfinite,
        "have no finite Hessian": not d.nonfinite_hessians,
        "explodes only in float32": not any(r.explodes for r in d.roundings),
        "is wrong only in float32": not any(r.misleads for r in here),
        "finite only in float64": not any(r.share_nonfinite > 0.0 for r in d.roundings),
        "most gradients are exactly zero": not any(map(_is_mostly_zero, d.roundings)),
    }


def _about_gradients(d: Diagnosis) -> dict[str, bool]:
    explodes = (d.longest_over_median or 0.0) > MANY
    return {
        "neither vanish nor explode": explodes or bool(d.vanishing or d.nonfinite),
        "none explodes": explodes,
        "gradients explode": not explodes,
        "gradients vanish.": not d.vanishing,
        "there is no gradient to follow": d.median_gradient != 0.0,
        "The gradient is exactly zero": d.median_gradient != 0.0,
        "one gradient step solves it": not d.solved_by_one_gradient_step,
        "one gradient step does not solve it": bool(d.solved_by_one_gradient_step),
        "samples independent": d.is_coupled is not False,
        "samples coupled": d.is_coupled is not True or bool(d.is_stateful),
        "Samples are coupled": d.is_coupled is not True or bool(d.is_stateful),
        "It keeps a state": not d.is_stateful,
    }


def _about_curvature(d: Diagnosis) -> dict[str, bool]:
    return {
        "No Hessian has negative curvature": d.negative_curvature != 0.0,
        "it has no curvature": d.condition is not None,
        "The loss is piecewise linear": d.condition is not None,
        "differentiable only once": d.times_differentiable != 1,
        "has no gradient with respect to the outputs": d.times_differentiable != 0,
        "The Hessian is mostly noise": d.hessian_agreement is None,
    }


def _is_not_finite(d: Diagnosis) -> bool:
    wider = any(r.share_nonfinite_float64 > 0.0 for r in d.roundings)
    return bool(d.nonfinite or d.nonfinite_hessians or wider)


def _is_mostly_zero(r: Rounding) -> bool:
    return r.longest_over_median_float64 == float("inf")


def _needs_help(d: Diagnosis) -> bool:
    return _is_not_finite(d) or bool(d.is_coupled) or any(r.explodes for r in d.roundings)
