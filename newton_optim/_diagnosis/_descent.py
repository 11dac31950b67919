"""Ten steps on the outputs themselves, without a network: which curvature gets furthest?"""

from __future__ import annotations

import math

from torch import Tensor

from newton_optim._diagnosis._landscape import typical_size
from newton_optim._diagnosis._probe import LossFailedError, Probe
from newton_optim._reduction import reduce_loss
from newton_optim.curvature._base import Curvature
from newton_optim.curvature._damping import Damping

STEPS = 10
TRIALS = 8
"""Lengths tried a step: powers of two around the last one, and the step's own."""

Choice = tuple[Curvature, Damping | None]


def descent(probe: Probe, y: Tensor, choices: dict[str, Choice]) -> dict[str, float]:
    """The share of the loss that each choice leaves: 0 for the one that gets lowest.

    The share is of the way from the loss at the outputs to the lowest that any choice reaches.
    Empty, if none gets anywhere.
    """
    start = _loss(probe, y)
    ends = {name: _end(probe, y, start, choice) for name, choice in choices.items()}
    way = start - min(ends.values())
    if not 0.0 < way < math.inf:
        return {}
    return {name: 1.0 - (start - end) / way for name, end in ends.items()}


def _end(probe: Probe, y: Tensor, loss: float, choice: Choice) -> float:
    """The loss after the last step, each of the best of the lengths that are tried."""
    length = None
    for _ in range(STEPS):
        try:
            step = probe.step(y, *choice).step
        except LossFailedError:
            break
        if length is None:
            length = typical_size(y) / typical_size(step)
        trials = [1.0, *(length * 2.0**k for k in range(2 - TRIALS // 2, 1 + TRIALS // 2))]
        losses = {trial: _loss(probe, y - trial * step) for trial in trials}
        best = min(losses, key=lambda trial: losses[trial])
        if losses[best] < loss:
            y, loss, length = y - best * step, losses[best], best
        else:
            length /= 2.0**TRIALS
    return loss


def _loss(probe: Probe, y: Tensor) -> float:
    """The loss of the batch; infinite where it is not a number."""
    try:
        loss = float(reduce_loss(probe.value(y), probe.reduction))
    except LossFailedError:
        return math.inf
    return math.inf if math.isnan(loss) else loss
