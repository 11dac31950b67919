"""A sorting network in 60 decimal digits, differentiated along a line: slow, and obviously right.

Weights range down to `exp(-10⁶)`, which no precision would resolve beside 1. They do not have to
be: both weights of a comparator and `1 - P`, the sum of a row's other entries, are sums of positive
numbers, and mpmath has no smallest number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import mpmath

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._distributions import PHI_EXPONENT, PHI_GUARD

DIGITS = 60
Number = Any


class Jet(NamedTuple):
    """A number that depends on one variable, with its first two derivatives."""

    value: Number
    first: Number
    second: Number

    def plus(self, other: Jet) -> Jet:
        return Jet(*(a + b for a, b in zip(self, other, strict=True)))

    def times(self, other: Jet) -> Jet:
        (a, a1, a2), (b, b1, b2) = self, other
        return Jet(a * b, a1 * b + a * b1, a2 * b + 2 * a1 * b1 + a * b2)

    def through(self, f: Number, f1: Number, f2: Number) -> Jet:
        """The function with this value and these derivatives at this number."""
        return Jet(f, f1 * self.first, f2 * self.first**2 + f1 * self.second)


class Line(NamedTuple):
    """A network's loss along a line through the scores.

    Attributes:
        loss: its value and its first two derivatives.
        v: the scaled differences of all comparators, in the order of the network.
    """

    loss: Jet
    v: list[float]


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


def mp_log(x: Number) -> Number:
    """`log x`; that of mpmath is wrong for a number that is 1/4 to all digits but the last."""
    with mpmath.workdps(DIGITS):
        mantissa, exponent = mpmath.frexp(x)
        return mpmath.log(mantissa) + exponent * mpmath.log(2)


def mp_weight_derivatives(name: str, v: Number, steepness: float) -> tuple[Number, Number]:
    """`f'(v)` and `f''(v)`, with those at a kink that the library documents."""
    v = mpmath.mpf(v)
    if name == "logistic":
        return _of_logistic(v)
    if name == "cauchy":
        first = 1 / (mpmath.pi * (1 + v**2))
        return first, -2 * v / (mpmath.pi * (1 + v**2) ** 2)
    if name == "gaussian":
        first = mpmath.npdf(v)
        return first, -v * first
    if name == "reciprocal":
        return 1 / (2 + abs(v)) ** 2, -2 * mpmath.sign(v) / (2 + abs(v)) ** 3
    if name == "optimal":
        return (mpmath.mpf(1), mpmath.mpf(0)) if abs(v) <= 0.25 else (v**-2 / 16, -(v**-3) / 8)
    w1, w2 = mp_phi_derivatives(v, steepness)
    f1, f2 = _of_logistic(v * mp_phi_guard(v, steepness))
    return f1 * w1, f2 * w1**2 + f1 * w2


def mp_phi_guard(v: Number, steepness: float) -> Number:
    """`(d² + ε²)^(-1/8)`, of which `v` times is the argument of the logistic in logistic_phi."""
    square = (mpmath.mpf(v) / steepness) ** 2 + mpmath.mpf(PHI_GUARD) ** 2
    return square ** -(mpmath.mpf(PHI_EXPONENT) / 2)


def mp_phi_derivatives(v: Number, steepness: float) -> tuple[Number, Number]:
    """The first two derivatives of that argument by `v`, with `p = -1/8` for its exponent."""
    d, p = mpmath.mpf(v) / steepness, -mpmath.mpf(PHI_EXPONENT) / 2
    t = d**2 + mpmath.mpf(PHI_GUARD) ** 2
    first = t**p + 2 * p * d**2 * t ** (p - 1)
    second = 6 * p * d * t ** (p - 1) + 4 * p * (p - 1) * d**3 * t ** (p - 2)
    return first, second / steepness


def _of_logistic(v: Number) -> tuple[Number, Number]:
    f, g = 1 / (1 + mpmath.exp(-v)), 1 / (1 + mpmath.exp(v))
    return f * g, f * g * (g - f)


def mp_permutation(network: SortingNetwork, scores: list[float]) -> list[list[Number]]:
    """`P` of one sample."""
    P, _ = _sweep(network, [Jet(mpmath.mpf(y), 0, 0) for y in scores])
    rows = [[entry.value for entry in row] for row in P]
    return rows[::-1] if network.descending else rows


def mp_loss_along(
    network: SortingNetwork,
    scores: Sequence[float],
    order: Sequence[int],
    direction: Sequence[float],
) -> Line:
    """The ranking loss of one sample at `scores + t direction`, around `t = 0`."""
    x = [
        Jet(mpmath.mpf(y), mpmath.mpf(u), mpmath.mpf(0))
        for y, u in zip(scores, direction, strict=True)
    ]
    P, v = _sweep(network, x)
    total = Jet(mpmath.mpf(0), 0, 0)
    with mpmath.workdps(DIGITS):
        for row, target in zip(P, order, strict=True):
            for j, entry in enumerate(row):
                others = Jet(mpmath.mpf(0), 0, 0)
                for k in range(network.n):
                    others = others.plus(row[k]) if k != j else others
                pair = (entry, others) if j == target else (others, entry)
                total = total.plus(_log_beside(*pair))
        return Line(Jet(*(-part / network.n**2 for part in total)), v)


def _log_beside(q: Jet, error: Jet) -> Jet:
    """`log q`, with ``error`` for `1 - q`, which may be far smaller than the last digit of `q`."""
    near_one = error.value < 0.5
    value = mpmath.log1p(-error.value) if near_one else mp_log(q.value)
    return q.through(value, 1 / q.value, -1 / q.value**2)


def _sweep(network: SortingNetwork, x: list[Jet]) -> tuple[list[list[Jet]], list[float]]:
    """The ascending `P` and the scaled differences of the comparators."""
    n, v = network.n, []
    with mpmath.workdps(DIGITS):
        P = [[Jet(mpmath.mpf(i == j), 0, 0) for j in range(n)] for i in range(n)]
        for first, second in network.wiring.layers:
            for a, b in zip(first, second, strict=True):
                keep, swap, difference = _comparator(network, x[a], x[b])
                v.append(difference)
                x[a], x[b] = _mixed(keep, swap, x[a], x[b])
                pairs = [_mixed(keep, swap, p, q) for p, q in zip(P[a], P[b], strict=True)]
                P[a], P[b] = (list(row) for row in zip(*pairs, strict=True))
    return P, v


def _comparator(network: SortingNetwork, a: Jet, b: Jet) -> tuple[Jet, Jet, float]:
    """Both weights of a comparator, and `v`."""
    name, beta = network.distribution, network.steepness
    v = Jet(*(beta * (right - left) for left, right in zip(a, b, strict=True)))
    first, second = mp_weight_derivatives(name, v.value, beta)
    keep = v.through(mp_weight(name, v.value, beta), first, second)
    swap = v.through(mp_weight(name, -v.value, beta), -first, -second)
    return keep, swap, float(v.value)


def _mixed(keep: Jet, swap: Jet, a: Jet, b: Jet) -> tuple[Jet, Jet]:
    return keep.times(a).plus(swap.times(b)), swap.times(a).plus(keep.times(b))
