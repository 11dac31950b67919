"""Whether a loss draws random numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from newton_optim._diagnosis._comparison import differ
from newton_optim._diagnosis._probe import Probe
from newton_optim._diagnosis._section import Section


@dataclass(frozen=True, kw_only=True)
class Randomness(Section):
    """Whether two draws differ."""

    is_random: bool | None = None


def randomness(probe: Probe) -> Randomness:
    """Compare the gradients from two seeds."""
    first, second = (p.derivatives(p.matrix).gradient for p in (probe, other_draw(probe)))
    return Randomness(is_random=differ(first, second))


def other_draw(probe: Probe) -> Probe:
    """The same loss from another seed."""
    return replace(probe, seed=probe.seed + 1)
