"""Holm's correction of p-values for many tests."""

from __future__ import annotations

import math
from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """The corrected p-values: below 0.05, the chance of any false finding at all is below 5 %.

    The smallest of n is multiplied by n, the next by n - 1, and so on; none is below a smaller
    one's. NaN, where a test did not apply, stays NaN and does not count.
    """
    order = sorted(
        (index for index, p in enumerate(p_values) if not math.isnan(p)),
        key=lambda index: p_values[index],
    )
    corrected = [math.nan] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
