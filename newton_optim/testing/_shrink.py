"""From an example that fails to a small one that still does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from newton_optim.testing._case import Case

_MAX_TRIES = 80
MAX_SECONDS = 2.0
"""After this time, the smallest example so far is taken."""


def shrink(case: Case, failure: Callable[[Case], str | None]) -> tuple[Case, str]:
    """Take fewer samples, then rounder numbers, as long as the case fails.

    Numbers stay between the smallest and the largest of the outputs, so that they stay in the
    domain of most losses. After two seconds, the smallest example so far is returned.

    Args:
        case: one that fails.
        failure: the message of a failure, or ``None``.
    """
    message, tries = failure(case) or "", 0
    deadline = time.monotonic() + MAX_SECONDS
    simpler = True
    while simpler:
        simpler = False
        for candidate in (*_fewer_samples(case), *_rounder_numbers(case)):
            tries += 1
            if tries > _MAX_TRIES or time.monotonic() > deadline:
                return case, message
            found = failure(candidate)
            if found is not None:
                case, message, simpler = candidate, found, True
                break
    return case, message


def _fewer_samples(case: Case) -> Iterator[Case]:
    """One sample, then all but one."""
    N = case.num_samples
    if N == 1:
        return
    samples: Tensor = torch.arange(N, device=case.y.device)
    yield from (case.select(samples[samples == i]) for i in range(N))
    if N > 2:
        yield from (case.select(samples[samples != i]) for i in range(N))


def _rounder_numbers(case: Case) -> Iterator[Case]:
    """One of the outputs as zero, then as an integer, then with one digit after the point."""
    y = case.y
    low, high = float(y.min()), float(y.max())
    for digits in (None, 0, 1):
        for k, number in enumerate(y.flatten().tolist()):
            rounder = 0.0 if digits is None else round(number, digits)
            if rounder != number and low <= rounder <= high:
                changed = y.flatten().clone()
                changed[k] = rounder
                yield case.at(changed.view_as(y))
