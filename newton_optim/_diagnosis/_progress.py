"""What ten steps on the outputs say about the choices."""

from __future__ import annotations

from newton_optim._diagnosis._measurements import Measurements

BETTER = 0.01
"""The Hessian of the batch must leave this much less than the gradient."""

_AS_FAR = 0.05  # The Hessian of the batch may leave this much more than that of each sample.


def furthest(m: Measurements) -> str:
    """Which choice gets lowest in ten steps on the outputs; the simpler one where it is close."""
    bonus = {"hessian": _AS_FAR, "gradient": _AS_FAR + BETTER}
    return min(
        m.descent, key=lambda name: m.descent[name] - bonus.get(name, 0.0), default="gradient"
    )


def first_step(m: Measurements, name: str) -> tuple[str, ...]:
    """What the first of the ten steps showed, where they were taken."""
    if name not in m.first_step:
        return ()
    return (
        f"The first step with the gradient leaves {m.first_step['gradient']:.1%}, with the {name} "
        f"{m.first_step[name]:.1%}.",
    )


def progress(m: Measurements, name: str) -> tuple[str, ...]:
    """What ten steps showed, where they were taken."""
    if not m.descent:
        return ()
    return (
        f"Ten steps on the outputs alone: the gradient leaves {m.descent['gradient']:.1%} of the "
        f"way to the lowest loss that any choice reached, the {name} {m.descent[name]:.1%}.",
    )
