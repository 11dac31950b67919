"""Ten steps on the outputs themselves, without a network: which curvature gets furthest?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from newton_optim._diagnosis._comparison import typical_size
from newton_optim._diagnosis._probe import Probe
from newton_optim._diagnosis._sandbox import LossFailedError
from newton_optim._diagnosis._section import Section
from newton_optim.curvature import EmpiricalFisher, GaussNewton, Hessian, Identity
from newton_optim.curvature._base import Curvature
from newton_optim.curvature._damping import Damping

STEPS = 10

MAX_MS = 60_000.0
"""What would take longer than this is not done."""

_EXPONENTS = range(-2, 5)
"""Lengths tried in each step: the last one times these powers of two, and the step's own."""

_TRIALS = 1 + len(_EXPONENTS)

Choice = tuple[Curvature, Damping | None]


@dataclass(frozen=True, kw_only=True)
class Descent(Section):
    """How far the first of ten steps and all of them get, with the gradient and each curvature."""

    descent: dict[str, float] = field(default_factory=dict)
    first_step: dict[str, float] = field(default_factory=dict)


def choices_for(*, hessian: bool, residuals: bool, fisher_damping: float) -> dict[str, Choice]:
    """What the steps are taken with.

    Args:
        hessian: whether the loss has Hessians per sample.
        residuals: whether it is made from residuals.
        fisher_damping: λ of the empirical Fisher.
    """
    found: dict[str, Choice] = {
        "gradient": (Identity(), 0.0),
        "fisher": (EmpiricalFisher(), fisher_damping),
    }
    if hessian:
        found["hessian"] = (Hessian(), None)
        found["hessian per sample"] = (Hessian(scope="sample"), None)
    if residuals:
        found["gauss-newton"] = (GaussNewton(max_step=None), None)  # Lengths are tried anyway.
    return found


def descent(
    probe: Probe, y: Tensor, choices: Mapping[str, Choice], *, slowest_ms: float = 0.0
) -> Descent:
    """The share of the loss that each choice leaves: 0 for the one that gets lowest.

    The share is of the way from the loss at the outputs to the lowest that any choice reaches.
    Empty if none gets anywhere, or if steps of ``slowest_ms`` would take too long.
    """
    if slowest_ms * len(choices) * STEPS * _TRIALS > MAX_MS:
        note = "ten steps on the outputs: the loss is too slow; use fewer samples."
        return Descent(notes=(note,))
    start = _loss(probe, y)
    ends = {name: _end(probe, y, start, choice) for name, choice in choices.items()}
    way = start - min(last for _, last in ends.values())
    if not 0.0 < way < math.inf:
        return Descent()
    return Descent(
        descent={name: 1.0 - (start - last) / way for name, (_, last) in ends.items()},
        first_step={name: 1.0 - (start - first) / way for name, (first, _) in ends.items()},
    )


def _end(probe: Probe, y: Tensor, loss: float, choice: Choice) -> tuple[float, float]:
    """The loss after the first step and the last, each of the best length that was tried."""
    length, first = None, loss
    for i in range(STEPS):
        try:
            step = probe.step(y, *choice)
        except LossFailedError:
            break
        if length is None:
            length = typical_size(y) / typical_size(step)
        lengths = [1.0, *(length * 2.0**k for k in _EXPONENTS)]
        losses = {trial: _loss(probe, y - trial * step) for trial in lengths}
        best = min(losses, key=lambda trial: losses[trial])
        if losses[best] < loss:
            y, loss, length = y - best * step, losses[best], best
        else:
            length /= 2.0**_TRIALS
        first = first if i else loss
    return first, loss


def _loss(probe: Probe, y: Tensor) -> float:
    """The loss of the batch; infinite where it is not a number."""
    loss = probe.batch_value(y)
    return math.inf if math.isnan(loss) else loss
