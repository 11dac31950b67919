"""Mean, standard deviation, Welch's test and the paired test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtr, stdtrit


@dataclass(frozen=True)
class TTest:
    """The outcome of a two-sided t-test.

    Args:
        t: the statistic; positive where the first sample's mean is larger.
        degrees: of freedom.
        p: the chance of a statistic as large in size, were there no difference in the means. NaN
            where the test does not apply: fewer than two values, or no spread at all.
    """

    t: float
    degrees: float
    p: float


def mean(values: Sequence[float]) -> float:
    """The mean; NaN of nothing."""
    return math.fsum(values) / len(values) if values else math.nan


def deviation(values: Sequence[float]) -> float:
    """The standard deviation with N - 1 in the denominator; NaN of fewer than two values."""
    if len(values) < 2:
        return math.nan
    centre = mean(values)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1))


def confidence(values: Sequence[float], level: float = 0.95) -> float:
    """Half the width of the mean's confidence interval (Student's t); 0 of fewer than two."""
    if len(values) < 2:
        return 0.0
    quantile = float(stdtrit(len(values) - 1, (1 + level) / 2))
    return quantile * deviation(values) / math.sqrt(len(values))


def welch(first: Sequence[float], second: Sequence[float]) -> TTest:
    """Welch's test for a difference in means of two samples, unequal variances allowed."""
    if min(len(first), len(second)) < 2:
        return TTest(math.nan, math.nan, math.nan)
    a = deviation(first) ** 2 / len(first)
    b = deviation(second) ** 2 / len(second)
    if a + b == 0.0:
        return TTest(math.nan, math.nan, math.nan)
    # Welch-Satterthwaite.
    degrees = (a + b) ** 2 / (a**2 / (len(first) - 1) + b**2 / (len(second) - 1))
    return _two_sided((mean(first) - mean(second)) / math.sqrt(a + b), degrees)


def paired(first: Sequence[float], second: Sequence[float]) -> TTest:
    """The paired test: whether the differences, seed by seed, have a mean other than 0."""
    differences = [a - b for a, b in zip(first, second, strict=True)]
    spread = deviation(differences)
    if not spread > 0.0:
        return TTest(math.nan, math.nan, math.nan)
    t = mean(differences) / (spread / math.sqrt(len(differences)))
    return _two_sided(t, len(differences) - 1)


def _two_sided(t: float, degrees: float) -> TTest:
    return TTest(t, degrees, 2 * float(stdtr(degrees, -abs(t))))
