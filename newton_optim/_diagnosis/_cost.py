"""What each curvature costs, in milliseconds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from newton_optim._diagnosis._probe import LossFailedError, Probe
from newton_optim.curvature._base import Curvature

_REPEATS = 3
_LONG_MS = 300.0  # What takes longer is timed once.


def milliseconds(probe: Probe, y: Tensor, curvatures: dict[str, Curvature]) -> dict[str, float]:
    """The median time of one step with each curvature, loss and gradient included.

    A curvature that the loss does not allow is left out.
    """
    times = {}
    for name, curvature in curvatures.items():
        try:
            times[name] = _median(partial(probe.step, y, curvature, None), y.device)
        except LossFailedError:
            continue
    return times


def _median(work: Callable[[], object], device: torch.device) -> float:
    first = _once(work, device)  # A warm-up, unless it is long.
    if first > _LONG_MS:
        return first
    return statistics.median(_once(work, device) for _ in range(_REPEATS))


def _once(work: Callable[[], object], device: torch.device) -> float:
    _synchronise(device)
    start = time.perf_counter()
    work()
    _synchronise(device)
    return 1e3 * (time.perf_counter() - start)


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
