"""Timing several works side by side: interleaved, so that a disturbance hits all of them alike."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

WARM_UP = 2  # Rounds that do not count.
BLOCK_MS = 10.0  # A timing is the mean of as many calls as fit into this, at least one.

Work = Callable[[], object]


def interleaved_medians(
    works: Sequence[Work], repeats: Sequence[int], device: torch.device
) -> list[float]:
    """The median time of each work in milliseconds.

    Every round times each work once, in turn; a work with fewer repeats drops out of the later
    rounds. A timing is the mean over a block of calls, so that a short work is not measured on
    the caches that a long one has just filled. On a GPU, the device is idle before and after it.

    Args:
        works: what is timed.
        repeats: how many timings of each count.
        device: where they run.
    """
    calls = [1] * len(works)
    timings: list[list[float]] = [[] for _ in works]
    for round_ in range(WARM_UP + max(repeats)):
        for i, work in enumerate(works):
            if round_ < WARM_UP + repeats[i]:
                milliseconds = _milliseconds(work, calls[i], device)
                timings[i].append(milliseconds)
                if round_ < WARM_UP:
                    calls[i] = max(1, round(BLOCK_MS / max(milliseconds, 1e-3)))
    return [statistics.median(times[WARM_UP:]) for times in timings]


@contextmanager
def one_thread(device: torch.device) -> Iterator[None]:
    """On a CPU, one thread while the context lasts."""
    before = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def machine(device: torch.device) -> dict[str, str | int]:
    """What the timings were taken on: torch, the processor, its threads."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    threads = 1 if device.type == "cpu" else torch.get_num_threads()
    return {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": device.type,
        "processor": name,
        "cores": os.cpu_count() or 1,
        "threads": threads,
    }


def _milliseconds(work: Work, calls: int, device: torch.device) -> float:
    _synchronise(device)
    start = time.perf_counter()
    for _ in range(calls):
        work()
    _synchronise(device)
    return 1e3 * (time.perf_counter() - start) / calls


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _processor() -> str:
    """The name of the CPU, as far as the system reports it."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
