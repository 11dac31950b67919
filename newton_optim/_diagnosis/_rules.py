"""From measurements to a recommendation: the first rule that applies decides.

A rule is a function that returns a recommendation, or ``None`` where it does not apply. To add one,
write it in the ``_rules_*`` file that it belongs to and put it into ``RULES``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from newton_optim._diagnosis._measurements import Measurements
from newton_optim._diagnosis._recommendation import Recommendation
from newton_optim._diagnosis._rules_hessian import (
    coupled_samples,
    no_curvature,
    no_usable_hessian,
)
from newton_optim._diagnosis._rules_loss import (
    flat_loss,
    no_finite_gradient,
    solved_by_one_step,
    unusable_loss,
    wrong_in_float32,
)
from newton_optim._diagnosis._rules_steps import (
    directions_differ,
    gradient_falls_behind,
    healthy_loss,
    uneven_gradients,
)

RULES: tuple[Callable[[Measurements], Recommendation | None], ...] = (
    unusable_loss,
    no_finite_gradient,
    flat_loss,
    wrong_in_float32,
    solved_by_one_step,
    coupled_samples,
    no_usable_hessian,
    no_curvature,
    uneven_gradients,
    gradient_falls_behind,
    directions_differ,
    healthy_loss,
)
"""In this order; the last one always applies."""


def recommend(m: Measurements) -> Recommendation:
    """The answer of the first rule that applies, with a warning about wider outputs."""
    found = next(answer for rule in RULES if (answer := rule(m)) is not None)
    misleading = next((r for r in m.roundings if r.misleads), None)
    if misleading is None or misleading.spread == 1.0 or any(r.explodes for r in m.roundings):
        return found
    warning = (
        f"Warning: on outputs {misleading.spread:g} times as wide, the float32 gradient has the "
        f"cosine {misleading.cosine:.2f} with the float64 gradient."
    )
    return replace(found, reasons=(*found.reasons, warning))
