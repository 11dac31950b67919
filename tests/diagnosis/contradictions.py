"""What a printed diagnosis must not say beside its own rows."""

from __future__ import annotations

from newton_optim import Diagnosis

MANY = 100.0


def contradictions(d: Diagnosis) -> list[str]:
    """The sentences of a diagnosis that one of its measurements denies."""
    text = " ".join(str(d).split())
    here = [r for r in d.roundings if r.spread == 1.0]
    is_even = not d.vanishing and not d.nonfinite and (d.longest_over_median or 0.0) <= MANY
    wrong = {
        "the gradients are right in float32": any(r.share_wrong > 0.0 for r in here),
        "neither vanish nor explode": not is_even,
        "none explodes": (d.longest_over_median or 0.0) > MANY,
        "it needs no rescue": _needs_help(d),
        "Train with": _is_not_finite(d),
        "samples independent": d.is_coupled is not False,
        "samples coupled": d.is_coupled is not True or bool(d.is_stateful),
        "one gradient step solves it": not d.solved_by_one_gradient_step,
        "No Hessian has negative curvature": d.negative_curvature != 0.0,
    }
    return [sentence for sentence, is_wrong in wrong.items() if is_wrong and sentence in text]


def _is_not_finite(d: Diagnosis) -> bool:
    wider = any(r.share_nonfinite_float64 > 0.0 for r in d.roundings)
    return bool(d.nonfinite or d.nonfinite_hessians or wider)


def _needs_help(d: Diagnosis) -> bool:
    return _is_not_finite(d) or bool(d.is_coupled) or any(r.explodes for r in d.roundings)
