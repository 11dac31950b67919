"""From an example that fails to the smallest one that still does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from newton_optim.testing._case import Case

_TRIES = 80


def smallest(case: Case, failure: Callable[[Case], str | None]) -> tuple[Case, str]:
    """Fewer samples, then rounder numbers, as long as it fails.

    Numbers stay between the smallest and the largest of the outputs, so that they stay in the
    domain of most losses.

    Args:
        case: one that fails.
        failure: the message of a failure, or `None`.
    """
    message, tries = failure(case) or "", 0
    simpler = True
    while simpler:
        simpler = False
        for candidate in (*_fewer_samples(case), *_rounder_numbers(case)):
            tries += 1
            if tries > _TRIES:
                return case, message
            found = failure(candidate)
            if found is not None:
                case, message, simpler = candidate, found, True
                break
    return case, message


def _fewer_samples(case: Case) -> Iterator[Case]:
    N = case.num_samples
    if N == 1:
        return
    for i in range(N):
        yield case.taken(torch.tensor([i]))
    if N > 2:
        for i in range(N):
            yield case.taken(torch.tensor([j for j in range(N) if j != i]))


def _rounder_numbers(case: Case) -> Iterator[Case]:
    y = case.y
    low, high = float(y.min()), float(y.max())
    for digits in (None, 0, 1):
        for k, number in enumerate(y.flatten().tolist()):
            rounder = 0.0 if digits is None else round(number, digits)
            if rounder != number and low <= rounder <= high:
                changed = y.flatten().clone()
                changed[k] = rounder
                yield case.at(changed.view_as(y))
