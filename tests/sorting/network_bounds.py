r"""What rounding alone may do to a network's loss and its derivatives.

The scores travel in float64, and every layer rounds them: each `v` is wrong by `δ`, a unit of
rounding of the largest score times the steepness and the number of layers. The logarithmic weights
have slopes up to `S`; a slope changes by `R` per unit of `v` and a curvature by `Q`. So `log P`
is wrong by `S δ` and the shares of a comparator relatively by as much. The results are rounded to
their own dtype, with `ε`. A derivative of the row losses by `log P` is at most a multiple of the
loss itself, and of 1: that makes the bounds relative for a sample that is saturated right, where
gradient and Hessian are as small as the loss. With `β` for the steepness and `|u|` for the length
of the direction in which is differentiated (its entries' absolute values, summed):

    value:     ε l + S δ min(1, l)
    gradient:  |u| β (ε S + δ (S² + R)) min(1, l)
    Hessian:   (|u| β)² (ε (S² + R) + δ (S³ + S R + Q)) min(1, l)

A few of these are allowed: ``TIMES``. In units of the smallest normal number, everything may be
wrong by 1. The second derivatives of two distributions jump; at a jump rounding decides on the
side, and the Hessian may be wrong by the jump.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from newton_optim.sorting import SortingNetwork
from newton_optim.sorting._distributions import PHI_GUARD
from tests.asserts import EPS
from tests.sorting.mp_network import Line

TIMES = 8.0


class Slopes(NamedTuple):
    """`S`, `R` and `Q` above, and the jump of the second derivative if one is near."""

    slope: float
    rate: float
    rate_of_curvature: float
    jump: float = 0.0


def rounding_of_v(network: SortingNetwork, scores: Tensor) -> float:
    """`δ`."""
    layers = max(1, len(network.wiring.layers))
    return EPS[torch.float64] * layers * network.steepness * float(scores.abs().max())


def slopes_of(network: SortingNetwork, v: list[float], delta: float) -> Slopes:
    """The slopes on a sample whose comparators see `v`."""
    sizes = [abs(value) for value in v]
    if network.distribution == "gaussian":
        return Slopes(1.0 + max(sizes, default=0.0), 1.0, 1.0)
    if network.distribution == "logistic_phi":
        # It is `v |d|^(-1/4)` that enters the logistic; `d` is no nearer to a tie than this.
        beta = network.steepness
        d = max(PHI_GUARD, (min(sizes, default=beta) - 4.0 * delta) / beta)
        first, second, third = d**-0.25, d**-1.25 / beta, d**-2.25 / beta**2
        return Slopes(max(1.0, first), first**2 + second, first**3 + third)
    if network.distribution == "reciprocal":
        return Slopes(0.5, 1.0, 1.0, float(any(size < 4.0 * delta for size in sizes)))
    if network.distribution == "optimal":
        near = any(abs(size - 0.25) < 4.0 * delta for size in sizes)
        return Slopes(4.0, 16.0, 64.0, 16.0 * near)
    return Slopes(1.0, 1.0, 1.0)


def assert_right_to_rounding(
    network: SortingNetwork,
    scores: Tensor,
    direction: list[float],
    line: Line,
    found: tuple[Tensor, Tensor, Tensor],
) -> None:
    """Value, gradient and Hessian of one sample are those of ``line``.

    Args:
        network: the network.
        scores: `(n,)`; their dtype is that of the results.
        direction: that of the line.
        line: the loss along it, in 60 digits.
        found: the value `()`, the gradient `(n,)` and the Hessian `(n, n)`.
    """
    value, gradient, hessian = (part.double() for part in found)
    u = torch.tensor(direction, dtype=torch.float64)
    expected = [float(part) for part in line.loss]
    for actual, truth, bound in zip(
        (value, gradient @ u, u @ hessian @ u),
        expected,
        _bounds(network, scores, float(u.abs().sum()), line),
        strict=True,
    ):
        error = abs(float(actual) - truth)
        assert error <= TIMES * bound, f"{float(actual)} is not {truth}: {error / bound} bounds"


def _bounds(
    network: SortingNetwork, scores: Tensor, length: float, line: Line
) -> tuple[float, float, float]:
    loss, delta = float(line.loss.value), rounding_of_v(network, scores)
    eps, tiny = EPS[scores.dtype], torch.finfo(scores.dtype).tiny
    S, R, Q, jump = slopes_of(network, line.v, delta)
    size, unit = min(1.0, loss), max(1.0, length) * network.steepness
    first = eps * S + delta * (S**2 + R)
    second = eps * (S**2 + R) + delta * (S**3 + S * R + Q) + jump
    in_value = (eps + EPS[torch.float64] * network.n) * loss + delta * S * size + tiny
    return in_value, unit * (first * size + S * tiny), unit**2 * (second * size + S**2 * tiny)
