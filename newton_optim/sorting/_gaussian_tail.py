"""The logarithm of the normal distribution function `Φ`, and its derivatives, far out in the tail.

`φ` is the density and `φ/Φ` at `-t` the hazard at `t`. For large `t` the hazard is `t` and a small
excess, which the second derivative of `log Φ` needs with a small *relative* error: there it is
Laplace's continued fraction, `1/(t + 2/(t + 3/(t + …)))`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

# From where on the continued fraction is used. There 16 levels leave an error of 1e-16.
TAIL = 8.0
LEVELS = 16
ROOT_TWO = math.sqrt(2.0)


def log_ndtr(v: Tensor) -> Tensor:
    """`log Φ(v)` by plain torch operations, whose derivatives are right in the tail, too.

    Those of ``torch.special.log_ndtr`` cancel there: they lose `v²` units of rounding.
    """
    tail, upper = v < -TAIL, v >= 0.0
    t = torch.where(tail, -v, TAIL)
    far = -0.5 * t.square() - (math.sqrt(2.0 * math.pi) * (t + tail_excess(t))).log()
    lower = _half_erfc(-torch.where(tail | upper, -1.0, v)).log()
    near_one = (-_half_erfc(torch.where(upper, v, 1.0))).log1p()
    return torch.where(tail, far, torch.where(upper, near_one, lower))


def log_ndtr_pair(v: Tensor) -> tuple[Tensor, Tensor]:
    """The values `log Φ(v)` and `log Φ(-v)`, faster than :func:`log_ndtr`."""
    small = -0.5 * v.square() + (0.5 * torch.special.erfcx(v.abs() / ROOT_TWO)).log()
    large = (-small.exp()).log1p()
    negative = v < 0.0
    return torch.where(negative, small, large), torch.where(negative, large, small)


def hazards(v: Tensor) -> tuple[Tensor, Tensor]:
    """The hazard `h = φ/Φ(-v)` at `v`, and `h - v`."""
    tail = v > TAIL
    t = torch.where(tail, v, TAIL)
    far = tail_excess(t)
    near = math.sqrt(2.0 / math.pi) / torch.special.erfcx(torch.where(tail, TAIL, v) / ROOT_TWO)
    return torch.where(tail, t + far, near), torch.where(tail, far, near - v)


def tail_excess(t: Tensor) -> Tensor:
    """The hazard at `t`, minus `t`, for `t` of at least ``TAIL``."""
    fraction = t
    for level in range(LEVELS, 1, -1):
        fraction = t + level / fraction
    return 1.0 / fraction


def _half_erfc(v: Tensor) -> Tensor:
    """`Φ(-v)`."""
    return 0.5 * torch.erfc(v / ROOT_TWO)
