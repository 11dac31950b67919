"""How long a step takes, measured on a few of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import torch

from benchmarks.runs.device import wait_for
from benchmarks.runs.trainer import Trainer

STEPS: Final = 10
_MOST_SECONDS: Final = 30.0  # Of the steps that are measured, at least one.


def time_steps(step: Callable[[], None], steps: int, device: torch.device) -> float:
    """The mean seconds of so many steps, from an idle device to an idle device."""
    wait_for(device)
    start = time.perf_counter()
    for _ in range(steps):
        step()
    wait_for(device)
    return (time.perf_counter() - start) / steps


def seconds_per_seed(training: Trainer) -> float:
    """The seconds of a step of one seed: the mean of ten steps, or of what half a minute allows.

    One step more is taken before them, to warm up.

    Args:
        training: whose steps are taken, and thrown away.
    """
    first = training.seconds_per_step(1)
    steps = min(STEPS, max(1, int(_MOST_SECONDS / max(first, 1e-9))))
    return training.seconds_per_step(steps) / len(training.seeds)
