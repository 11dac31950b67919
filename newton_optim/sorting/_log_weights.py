"""The logarithms of a comparator's two weights, right to rounding however small a weight is.

A weight in the tail of a thin-tailed distribution leaves the range of floating-point numbers at a
few dozen units: the logistic's `e^-v`, the Gaussian's `e^(-v²/2)`. Its logarithm does not, and
neither does the slope of the logarithm, which is bounded (or grows like `v`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from newton_optim.sorting._distributions import phi, phi_derivatives, weight, weight_derivatives
from newton_optim.sorting._gaussian_tail import hazards, log_ndtr, log_ndtr_pair


class LogSlopes(NamedTuple):
    """The derivatives by `v` of `log f(v)` and of `log f(-v)`; all of the shape of `v`.

    Attributes:
        keep: `f'(v) / f(v)`, the first derivative of `log f(v)`, at least 0.
        swap: `f'(-v) / f(-v)`, minus the first derivative of `log f(-v)`, at least 0.
        keep_curvature: the second derivative of `log f(v)`.
        swap_curvature: the second derivative of `log f(-v)`.
    """

    keep: Tensor
    swap: Tensor
    keep_curvature: Tensor
    swap_curvature: Tensor


def log_weights(distribution: str, v: Tensor, steepness: float) -> Tensor:
    """`log f(v)` and `log f(-v)` as one tensor `(2, ...)`, by plain torch operations.

    They may be differentiated any number of times.

    Args:
        distribution: one of ``DISTRIBUTIONS``.
        v: the scaled differences `steepness · (b - a)`, any shape.
        steepness: the steepness itself, which only ``"logistic_phi"`` needs.
    """
    both = torch.stack((v, -v))
    if distribution == "logistic":
        return F.logsigmoid(both)
    if distribution == "logistic_phi":
        return F.logsigmoid(phi(both, steepness))
    if distribution == "gaussian":
        return log_ndtr(both)
    return weight(distribution, both, steepness).log()


def log_weight_values(distribution: str, v: Tensor, steepness: float) -> tuple[Tensor, Tensor]:
    """The two of :func:`log_weights` without derivatives, which is faster for ``"gaussian"``."""
    if distribution == "gaussian":
        return log_ndtr_pair(v)
    keep, swap = log_weights(distribution, v, steepness)
    return keep, swap


def log_weight_slopes(distribution: str, v: Tensor, steepness: float) -> LogSlopes:
    """The first two derivatives of the logarithms, in closed form.

    Args:
        distribution: one of ``DISTRIBUTIONS``.
        v: the scaled differences `steepness · (b - a)`, any shape.
        steepness: the steepness itself, which only ``"logistic_phi"`` needs.
    """
    return _CLOSED_FORMS.get(distribution, _fat_tailed)(distribution, v, steepness)


def _logistic(distribution: str, v: Tensor, steepness: float) -> LogSlopes:
    f, g = v.sigmoid(), (-v).sigmoid()
    curvature = -f * g
    return LogSlopes(g, f, curvature, curvature)


def _logistic_phi(distribution: str, v: Tensor, steepness: float) -> LogSlopes:
    w, first, second = phi_derivatives(v, steepness)
    f, g = w.sigmoid(), (-w).sigmoid()
    common = -f * g * first.square()
    return LogSlopes(g * first, f * first, common + g * second, common - f * second)


def _gaussian(distribution: str, v: Tensor, steepness: float) -> LogSlopes:
    # log Φ has the derivatives h and -h (h + v), with h the hazard at -v.
    hazard, excess = hazards(torch.stack((-v, v)))
    return LogSlopes(*hazard, *(-hazard * excess))


def _fat_tailed(distribution: str, v: Tensor, steepness: float) -> LogSlopes:
    """Of a weight that is never tiny: by division."""
    both = torch.stack((v, -v))
    f = weight(distribution, both, steepness)
    first, second = weight_derivatives(distribution, both, steepness)
    slope = first / f
    return LogSlopes(*slope, *(second / f - slope.square()))


_CLOSED_FORMS: dict[str, Callable[[str, Tensor, float], LogSlopes]] = {
    "logistic": _logistic,
    "logistic_phi": _logistic_phi,
    "gaussian": _gaussian,
}
