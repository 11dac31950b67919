"""From measurements to a recommendation: the first rule that applies decides.

A rule is a function that returns a recommendation, or ``None`` where it does not apply. To add one,
write it in the ``_rules_*`` file that it belongs to and put it into ``RULES``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
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
    partly_not_finite,
    solved_by_one_step,
    unusable_loss,
    wrong_in_float32,
)
from newton_optim._diagnosis._rules_steps import (
    badly_conditioned_residuals,
    directions_differ,
    gradient_falls_behind,
    healthy_loss,
    uneven_gradients,
)

RULES: tuple[Callable[[Measurements], Recommendation | None], ...] = (
    unusable_loss,
    no_finite_gradient,
    partly_not_finite,
    flat_loss,
    wrong_in_float32,
    solved_by_one_step,
    coupled_samples,
    badly_conditioned_residuals,
    no_usable_hessian,
    no_curvature,
    uneven_gradients,
    gradient_falls_behind,
    directions_differ,
    healthy_loss,
)
"""In this order; the last one always applies."""


def recommend(m: Measurements) -> Recommendation:
    """The answer of the first rule that applies, with warnings."""
    found = next(answer for rule in RULES if (answer := rule(m)) is not None)
    return replace(found, reasons=(*found.reasons, *_warnings(m)))


def _warnings(m: Measurements) -> Iterator[str]:
    """What may become a problem, whatever is recommended."""
    if m.is_stateful:
        yield (
            "Warning: the same outputs give another gradient when the loss is called again. It "
            "keeps a state or draws from a generator of its own: whether samples are coupled is "
            "not known, and the other rows hold for one state."
        )
    misleading = next((r for r in m.roundings if r.misleads), None)
    is_news = misleading is not None and not any(r.explodes for r in m.roundings)
    if misleading is not None and is_news and misleading.spread != 1.0:
        yield (
            f"Warning: on outputs {misleading.spread:g} times as wide, the float32 gradient has "
            f"the cosine {misleading.cosine:.2f} with the float64 gradient."
        )
    lost = next((r for r in m.roundings if math.isinf(r.longest_over_median_float64)), None)
    if lost is not None and lost.spread != 1.0:
        yield (
            f"Warning: on outputs {lost.spread:g} times as wide, most gradients are exactly zero. "
            "If these samples are not solved, they do not train: look for a clamp in the loss."
        )
