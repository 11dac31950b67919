"""The six distributions that relax a comparator, each with its complement and its derivatives.

A comparator of the wires `a` and `b` gives `a` the weight `α = f(v)` on its first wire, with
`v = steepness · (b - a)`, and `b` the weight `1 - α = f(-v)`. The two are computed separately:
subtracted from one, the small weight would lose all its digits in the tails.

Two of the functions have kinks. The second derivative of ``"reciprocal"`` jumps at a tie (from 1/4
to -1/4), that of ``"optimal"`` at `v = ±1/4` (from 0 to ∓8, seen from within). There it is taken
as the mean of both sides (``"reciprocal"``) or as that of the inside (``"optimal"``).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

# The exponent of ``logistic_phi``, and the guard that keeps it finite at a tie.
PHI_EXPONENT = 0.25
PHI_GUARD = 1e-10


def _logistic(v: Tensor, steepness: float) -> Tensor:
    return torch.sigmoid(v)


def _cauchy(v: Tensor, steepness: float) -> Tensor:
    # The angle of the point (-v, 1): atan(v)/π + 1/2, without the sum that cancels.
    return torch.atan2(torch.ones_like(v), -v) / math.pi


def _gaussian(v: Tensor, steepness: float) -> Tensor:
    return 0.5 * torch.erfc(-v / math.sqrt(2.0))


def _reciprocal(v: Tensor, steepness: float) -> Tensor:
    # The two halves are added first: for a negative v they cancel exactly.
    return (1.0 + (0.5 * v.abs() + 0.5 * v)) / (2.0 + v.abs())


def _optimal(v: Tensor, steepness: float) -> Tensor:
    tail = 0.0625 / v.abs().clamp(min=0.25)
    return torch.where(v.abs() <= 0.25, 0.5 + v, torch.where(v > 0.0, 1.0 - tail, tail))


def phi(v: Tensor, steepness: float) -> Tensor:
    """`v / |d|^¼` with `d = v / steepness`: the argument of the logistic in ``logistic_phi``."""
    # d / (|d| + ε)^¼ with √(d² + ε²) for |d| + ε: within 1e-7 of it, and smooth at a tie.
    return v * _guarded_square(v / steepness).pow(-0.5 * PHI_EXPONENT)


def _guarded_square(d: Tensor) -> Tensor:
    # Where the clamp holds, every derivative of the weight is zero to rounding.
    bound = torch.finfo(d.dtype).max ** 0.25
    return d.clamp(-bound, bound).square() + PHI_GUARD**2


def _logistic_phi(v: Tensor, steepness: float) -> Tensor:
    return torch.sigmoid(phi(v, steepness))


_WEIGHTS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "logistic": _logistic,
    "cauchy": _cauchy,
    "gaussian": _gaussian,
    "reciprocal": _reciprocal,
    "optimal": _optimal,
    "logistic_phi": _logistic_phi,
}

DISTRIBUTIONS = tuple(_WEIGHTS)

# Their weights fall like 1/|v|, those of the others like an exponential.
FAT_TAILED = ("cauchy", "reciprocal", "optimal")


def weight(distribution: str, v: Tensor, steepness: float) -> Tensor:
    """The weight `f(v)`, right to rounding where it is small; `f(-v)` is `1 - f(v)`.

    Args:
        distribution: one of ``DISTRIBUTIONS``.
        v: the scaled differences `steepness · (b - a)`, any shape.
        steepness: the steepness itself, which only ``"logistic_phi"`` needs.

    Returns:
        The weight, with the shape of `v`.
    """
    return _WEIGHTS[distribution](v, steepness)


def weight_derivatives(distribution: str, v: Tensor, steepness: float) -> tuple[Tensor, Tensor]:
    """The first and second derivatives `f'(v)` and `f''(v)` of the weight.

    Args:
        distribution: one of ``DISTRIBUTIONS``.
        v: the scaled differences `steepness · (b - a)`, any shape.
        steepness: the steepness itself, which only ``"logistic_phi"`` needs.

    Returns:
        The two derivatives, with the shape of `v`.
    """
    if distribution == "logistic":
        return _logistic_derivatives(v)
    if distribution == "cauchy":
        first = 1.0 / (math.pi * (1.0 + v.square()))
        return first, -2.0 * math.pi * (v * first) * first
    if distribution == "gaussian":
        first = torch.exp(-0.5 * v.square()) / math.sqrt(2.0 * math.pi)
        return first, -v * first
    if distribution == "reciprocal":
        root = 1.0 / (2.0 + v.abs())
        return root.square(), -2.0 * v.sign() * root.square() * root
    if distribution == "optimal":
        inside = v.abs() <= 0.25
        first = 0.0625 / v.abs().clamp(min=0.25).square()
        # Beyond 1/4, f' = 1/(16 v²), and so f'' = -2 f'/v.
        return first, torch.where(inside, 0.0, -2.0 * first / torch.where(inside, 1.0, v))
    return _logistic_phi_derivatives(v, steepness)


def _logistic_derivatives(v: Tensor) -> tuple[Tensor, Tensor]:
    small = torch.sigmoid(-v.abs())
    first = small * (1.0 - small)
    return first, -first * torch.tanh(0.5 * v)


def phi_derivatives(v: Tensor, steepness: float) -> tuple[Tensor, Tensor, Tensor]:
    """The argument of the logistic in ``logistic_phi``, and its first two derivatives by `v`."""
    # w = v t^(-1/8), t = d² + ε², d = v / steepness.
    d, t = v / steepness, _guarded_square(v / steepness)
    first = t.pow(-1.125) * (0.75 * t + 0.25 * PHI_GUARD**2)
    second = -d * t.pow(-2.125) * (0.1875 * t + 0.5625 * PHI_GUARD**2) / steepness
    return v * t.pow(-0.125), first, second


def _logistic_phi_derivatives(v: Tensor, steepness: float) -> tuple[Tensor, Tensor]:
    w, w_first, w_second = phi_derivatives(v, steepness)
    first, second = _logistic_derivatives(w)
    return first * w_first, second * w_first.square() + first * w_second
