"""How often a loss can be differentiated, and in which form."""

from __future__ import annotations

from dataclasses import dataclass, replace

from newton_optim._diagnosis._probe import Probe
from newton_optim._diagnosis._sandbox import LossFailedError
from newton_optim._diagnosis._section import Section


@dataclass(frozen=True, kw_only=True)
class Differentiability(Section):
    """The most derivatives that the loss has, as a callable if possible, else as a tensor."""

    times_differentiable: int | None = None
    callable_works: bool = True


def differentiability(probe: Probe) -> Differentiability:
    """Try two derivatives as a callable, then as a tensor; then one derivative likewise.

    Raises:
        LossFailedError: if the loss has none at all.
    """
    failures: list[LossFailedError] = []
    for times in (2, 1):
        for as_tensor in (False, True):
            try:
                _differentiate(replace(probe, as_tensor=as_tensor), times)
            except LossFailedError as error:
                failures.append(error)
                continue
            notes = (f"the loss as a callable ({failures[0]})",) if as_tensor else ()
            return Differentiability(
                times_differentiable=times, callable_works=not as_tensor, notes=notes
            )
    raise failures[-1]


def _differentiate(probe: Probe, times: int) -> None:
    if times == 2:
        probe.check_second_derivative(probe.matrix)
    else:
        probe.derivatives(probe.matrix)
