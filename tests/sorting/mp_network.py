"""A sorting network in 60 decimal digits: slow, and obviously right."""

from __future__ import annotations

from typing import Any

import mpmath

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._distributions import PHI_EXPONENT, PHI_GUARD

DIGITS = 60
Number = Any


def mp_weight(name: str, v: Number, steepness: float) -> Number:
    """`f(v)` as the papers print it."""
    with mpmath.workdps(max(DIGITS, mpmath.mp.dps) + 320):
        v = mpmath.mpf(v)
        if name == "logistic":
            return 1 / (1 + mpmath.exp(-v))
        if name == "cauchy":
            return mpmath.atan(v) / mpmath.pi + mpmath.mpf(1) / 2
        if name == "gaussian":
            return mpmath.erfc(-v / mpmath.sqrt(2)) / 2
        if name == "reciprocal":
            return (v / (2 + abs(v)) + 1) / 2
        if name == "optimal":
            tail = 1 / (16 * max(abs(v), mpmath.mpf(1) / 4))
            return v + 0.5 if abs(v) <= 0.25 else (1 - tail if v > 0 else tail)
        d = v / steepness
        guarded = (d**2 + mpmath.mpf(PHI_GUARD) ** 2) ** (mpmath.mpf(PHI_EXPONENT) / 2)
        return 1 / (1 + mpmath.exp(-v / guarded))


def mp_permutation(network: SortingNetwork, scores: list[float]) -> list[list[Number]]:
    """`P` of one sample."""
    n = network.n
    x = [mpmath.mpf(score) for score in scores]
    with mpmath.workdps(DIGITS):
        P = [[mpmath.mpf(i == j) for j in range(n)] for i in range(n)]
        for first, second in network.wiring.layers:
            for a, b in zip(first, second, strict=True):
                v = network.steepness * (x[b] - x[a])
                keep = mp_weight(network.distribution, v, network.steepness)
                swap = mp_weight(network.distribution, -v, network.steepness)
                x[a], x[b] = keep * x[a] + swap * x[b], swap * x[a] + keep * x[b]
                P[a], P[b] = (
                    [keep * p + swap * q for p, q in zip(P[a], P[b], strict=True)],
                    [swap * p + keep * q for p, q in zip(P[a], P[b], strict=True)],
                )
    return P[::-1] if network.descending else P
