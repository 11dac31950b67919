"""The logarithms of a comparator's two weights, right to rounding however small a weight is.

A weight in the tail of a thin-tailed distribution leaves the range of floating-point numbers at a
few dozen units: the logistic's `e^-v`, the Gaussian's `e^(-v²/2)`. Its logarithm does not, and
neither does the slope of the logarithm, which is bounded (or grows like `v`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from newton_optim.sorting._distributions import phi, phi_derivatives, weight, weight_derivatives

# Where the Gaussian's tail is evaluated as a continued fraction, and how deep: beyond 8, 24 levels
# are exact in float64.
GAUSSIAN_TAIL = 8.0
TAIL_LEVELS = 24


class LogWeights(NamedTuple):
    """Logarithms of both weights of comparators, and their derivatives by `v`; one shape.

    Attributes:
        keep: `log f(v)`.
        swap: `log f(-v)`.
        slope_keep: `f'(v) / f(v)`, the derivative of ``keep``, at least 0.
        slope_swap: `f'(-v) / f(-v)`, minus the derivative of ``swap``, at least 0.
        curvature_keep: the second derivative of ``keep``.
        curvature_swap: the second derivative of ``swap``.
    """

    keep: Tensor
    swap: Tensor
    slope_keep: Tensor
    slope_swap: Tensor
    curvature_keep: Tensor
    curvature_swap: Tensor


def log_weights(distribution: str, v: Tensor, steepness: float) -> Tensor:
    """`log f(v)` and `log f(-v)` as one tensor `(2, ...)`, by plain torch operations.

    They may be differentiated any number of times.

    Args:
        distribution: one of ``DISTRIBUTIONS``.
        v: the scaled differences `steepness · (b - a)`, any shape.
        steepness: the steepness itself, which only ``logistic_phi`` needs.
    """
    both = torch.stack((v, -v))
    if distribution == "logistic":
        return F.logsigmoid(both)
    if distribution == "logistic_phi":
        return F.logsigmoid(phi(both, steepness))
    if distribution == "gaussian":
        return _log_ndtr(both)
    return weight(distribution, both, steepness).log()


def log_weight_derivatives(distribution: str, v: Tensor, steepness: float) -> LogWeights:
    """The logarithms with their first two derivatives, in closed form.

    Args:
        distribution: one of ``DISTRIBUTIONS``.
        v: the scaled differences `steepness · (b - a)`, any shape.
        steepness: the steepness itself, which only ``logistic_phi`` needs.
    """
    return _CLOSED_FORMS.get(distribution, _of_fat_tails)(distribution, v, steepness)


def _logistic(distribution: str, v: Tensor, steepness: float) -> LogWeights:
    keep, swap = log_weights(distribution, v, steepness)
    f, g = v.sigmoid(), (-v).sigmoid()
    curvature = -f * g
    return LogWeights(keep, swap, g, f, curvature, curvature)


def _logistic_phi(distribution: str, v: Tensor, steepness: float) -> LogWeights:
    w, first, second = phi_derivatives(v, steepness)
    keep, swap, f, g = F.logsigmoid(w), F.logsigmoid(-w), w.sigmoid(), (-w).sigmoid()
    common = -f * g * first.square()
    return LogWeights(keep, swap, g * first, f * first, common + g * second, common - f * second)


def _gaussian(distribution: str, v: Tensor, steepness: float) -> LogWeights:
    both = torch.stack((v, -v))
    keep, swap = _log_ndtr(both)
    # The hazard φ/Φ, and how far it is above -v, which cancels in the tail.
    tail = both < -GAUSSIAN_TAIL
    t = torch.where(tail, -both, GAUSSIAN_TAIL)
    excess = _tail_excess(t)
    near = math.sqrt(2.0 / math.pi) / torch.special.erfcx(
        torch.where(tail, 0.0, -both) / math.sqrt(2.0)
    )
    hazard = torch.where(tail, t + excess, near)
    curvature = -hazard * torch.where(tail, excess, both + near)
    return LogWeights(keep, swap, *hazard, *curvature)


def _of_fat_tails(distribution: str, v: Tensor, steepness: float) -> LogWeights:
    """Of a weight that is never tiny: by division."""
    both = torch.stack((v, -v))
    f = weight(distribution, both, steepness)
    first, second = weight_derivatives(distribution, both, steepness)
    slope = first / f
    return LogWeights(*f.log(), *slope, *(second / f - slope.square()))


_CLOSED_FORMS: dict[str, Callable[[str, Tensor, float], LogWeights]] = {
    "logistic": _logistic,
    "logistic_phi": _logistic_phi,
    "gaussian": _gaussian,
}


def _log_ndtr(v: Tensor) -> Tensor:
    """The logarithm of the normal distribution function, with derivatives right in its tail.

    Those of ``torch.special.log_ndtr`` cancel there: they lose `v²` units of rounding.
    """
    tail = v < -GAUSSIAN_TAIL
    t = torch.where(tail, -v, GAUSSIAN_TAIL)
    far = -0.5 * t.square() - (math.sqrt(2.0 * math.pi) * (t + _tail_excess(t))).log()
    return torch.where(tail, far, torch.special.log_ndtr(torch.where(tail, 0.0, v)))


def _tail_excess(t: Tensor) -> Tensor:
    """`φ(t) / Φ(-t) - t = 1/(t + 2/(t + 3/(t + …)))` for `t` of at least 8 (Laplace)."""
    fraction = t
    for level in range(TAIL_LEVELS, 1, -1):
        fraction = t + level / fraction
    return 1.0 / fraction
