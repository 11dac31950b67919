"""The loss as the field writes it: binary cross-entropy of the entries of P, in float32.

``P = operator(scores)``, then ``F.binary_cross_entropy(P, Q)`` with the permutation matrix Q of the
labels: the way of the published examples of differentiable sorting (diffsort's among them). Its
float32 gradients are far off once scores spread widely; that is what is measured here, so they are
reproduced to the letter. The library's own exact loss is ``newton_optim.sorting.RankingLoss``.

Both forms take what an operator may give: rounding beyond [0, 1] is cut off, and a probability that
is NaN has the loss NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

_LOG_FLOOR: Final = -100.0  # F.binary_cross_entropy's lower bound of both logarithms.
_SMALLEST: Final = 1e-30  # Length of a gradient that is not scaled up all the way.
_EPSILON: Final = 1e-12  # Its lower bound of P (1 - P), in the denominator of its gradient.


def permutation_matrix(labels: Tensor) -> Tensor:
    """The matrix Q of the true order, shape `(..., n, n)`: `Q[..., i, j] = 1` if j has rank i."""
    order = labels.argsort(dim=-1, stable=True)
    ranks = torch.arange(labels.shape[-1], device=labels.device)
    # A comparison instead of F.one_hot, which looks at values and so makes the host wait.
    return (order.unsqueeze(-1) == ranks).to(torch.get_default_dtype())


def field_cross_entropy(P: Tensor, Q: Tensor) -> Tensor:
    """The entries' losses by ``F.binary_cross_entropy`` itself, also where P is NaN.

    ``F.binary_cross_entropy`` asserts that P is in [0, 1]: on CUDA a NaN in one sample stops the
    process, and with it all seeds. So its input is 1/2 wherever P is NaN, and its result is
    replaced by NaN there. Elsewhere value and derivatives are those of ``F.binary_cross_entropy``
    bit for bit; its second derivative is wrong near 0 and 1.

    Args:
        P: probabilities of any shape; rounding beyond [0, 1] is cut off.
        Q: targets 0 or 1, of the same shape.

    Returns:
        The losses. Those of NaN are NaN, and so are their derivatives with respect to P.
    """
    missing = P.isnan()
    known = torch.where(missing, 0.5, P).clamp(0.0, 1.0)
    losses = F.binary_cross_entropy(known, Q, reduction="none")
    # The factor is NaN or 0, so that no NaN leaks into the gradient of a known entry.
    return torch.where(missing, P * torch.where(missing, P.detach(), 0.0), losses)


def exact_cross_entropy(P: Tensor, Q: Tensor) -> Tensor:
    """``F.binary_cross_entropy(P, Q, reduction="none")`` with the right second derivative.

    Value and gradient are PyTorch's, clamps included: the logarithms end at -100, and the gradient
    is `(P - Q) / max(P (1 - P), 1e-12)`. The second derivative is the derivative of that gradient;
    PyTorch's own double backward takes another formula there (0 in float32 where P is close to 1).

    Args:
        P: probabilities of any shape; rounding beyond [0, 1] is cut off.
        Q: targets 0 or 1, of the same shape.

    Returns:
        The losses, twice differentiable with respect to P by plain torch operations. Those of NaN
        are NaN.
    """
    P = P.clamp(0.0, 1.0)
    p = P.detach()
    value = -(Q * p.log().clamp_min(_LOG_FLOOR) + (1 - Q) * (-p).log1p().clamp_min(_LOG_FLOOR))
    variance = (1 - p) * p
    slope = (p - Q) / variance.clamp_min(_EPSILON)
    # Where the bound holds, the denominator is a constant; elsewhere this is 1/P² or 1/(1 - P)²
    # (the quotient rule gives the same, but cancels in float32).
    inverse = torch.where(variance > _EPSILON, Q * p + (1 - Q) * (1 - p), 1.0)
    curvature = torch.where(variance > _EPSILON, inverse.square().reciprocal(), 1 / _EPSILON)
    # The difference is exactly 0: what remains of the polynomial are its two derivatives.
    difference = P - p
    return value + difference * (slope + 0.5 * curvature * difference)


class ProbabilityLoss:
    """The probability form of the ranking loss, one value per sample.

    Args:
        operator: maps scores `(N, n)` to P of shape `(N, n, n)`, P[..., i, j] the weight of
            element j at rank i, ascending.
    """

    def __init__(self, operator: Callable[[Tensor], Tensor]) -> None:
        self.operator = operator

    def __call__(self, scores: Tensor, labels: Tensor) -> Tensor:
        """The mean over the n² entries of each sample, shape `(...)`, of scores `(..., n)`."""
        P = self.operator(scores)
        Q = permutation_matrix(labels).to(P.dtype)
        return exact_cross_entropy(P, Q).mean((-2, -1))

    def plain(self, scores: Tensor, labels: Tensor) -> Tensor:
        """The same by ``F.binary_cross_entropy`` itself: the plain loss, as the field trains it."""
        P = self.operator(scores)
        Q = permutation_matrix(labels).to(P.dtype)
        return field_cross_entropy(P, Q).mean((-2, -1))


def clip_sample_gradients(scores: Tensor, norm: float) -> Tensor:
    """The same scores; in the backward pass, each sample's own gradient is cut to ``norm``.

    Args:
        scores: shape `(..., N, n)`; what arrives is the gradient of a mean over the N samples, and
            it is the gradient of a sample's own loss, N times that, whose length is cut.
        norm: the longest length.

    Returns:
        A tensor with the same values.
    """
    samples = scores.shape[-2]

    def clip(gradient: Tensor) -> Tensor:
        length = gradient.norm(dim=-1, keepdim=True) * samples
        shortened: Tensor = gradient * (norm / length.clamp_min(norm))
        return shortened

    clipped = scores.view_as(scores)
    clipped.register_hook(clip)
    return clipped


def normalise_sample_gradients(scores: Tensor) -> Tensor:
    """The same scores; in the backward pass, each sample's own gradient is scaled to length 1.

    Args:
        scores: shape `(..., N, n)`; what arrives is the gradient of a mean over the N samples. A
            gradient that is 0 stays 0.

    Returns:
        A tensor with the same values.
    """
    samples = scores.shape[-2]

    def normalise(gradient: Tensor) -> Tensor:
        return F.normalize(gradient, dim=-1, eps=_SMALLEST) / samples

    normalised = scores.view_as(scores)
    normalised.register_hook(normalise)
    return normalised
