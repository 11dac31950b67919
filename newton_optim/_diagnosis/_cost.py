"""What each curvature costs, in milliseconds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import torch

from newton_optim._diagnosis._probe import Probe
from newton_optim._diagnosis._sandbox import LossFailedError
from newton_optim._diagnosis._section import Section
from newton_optim.curvature import EmpiricalFisher, GaussNewton, Hessian, Identity
from newton_optim.curvature._base import Curvature

_REPEATS = 3
_LONG_MS = 300.0  # What takes longer is timed once.


@dataclass(frozen=True, kw_only=True)
class Cost(Section):
    """The median time of one step with each curvature, loss and gradient included."""

    milliseconds: dict[str, float] = field(default_factory=dict)


def curvatures_for(*, hessian: bool, joint: bool) -> dict[str, Curvature]:
    """The curvatures whose cost is of interest.

    Args:
        hessian: whether the loss has Hessians per sample.
        joint: whether it needs the joint Hessian.
    """
    found: dict[str, Curvature] = {"identity": Identity(), "fisher": EmpiricalFisher()}
    if hessian:
        found["hessian"] = Hessian()
    if joint:
        found["joint hessian"] = Hessian(scope="joint")
    return {**found, "gauss-newton": GaussNewton()}


def cost(probe: Probe, curvatures: Mapping[str, Curvature]) -> Cost:
    """Time one step with each; a curvature that the loss does not allow is left out."""
    times = {}
    for name, curvature in curvatures.items():
        step = partial(probe.step, probe.matrix, curvature, None)
        try:
            times[name] = _median_time(step, probe.matrix.device)
        except LossFailedError:
            continue
    return Cost(milliseconds=times)


def _median_time(work: Callable[[], object], device: torch.device) -> float:
    first = _time(work, device)  # A warm-up, unless it is long.
    if first > _LONG_MS:
        return first
    return statistics.median(_time(work, device) for _ in range(_REPEATS))


def _time(work: Callable[[], object], device: torch.device) -> float:
    _synchronise(device)
    start = time.perf_counter()
    work()
    _synchronise(device)
    return 1e3 * (time.perf_counter() - start)


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
