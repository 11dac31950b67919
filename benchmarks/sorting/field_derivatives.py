"""The field's loss of SoftSort and NeuralSort with its derivatives in closed form.

The loss is ``F.binary_cross_entropy`` of the entries of P, differentiated twice by PyTorch's own
formulas, as the paper does. Here the operations of both backward passes are written out, in their
order and by the same kernels: in float32 as in float64, on the CPU, every bit is the one that
autograd gives, also where rounding has made the gradients of the field wrong by far. What is saved
is the dispatch of `torch.func`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.sorting.losses import permutation_matrix
from newton_optim import LossDerivatives

_EPSILON: Final = 1e-12  # In the denominators of PyTorch's second derivative.


class FieldLogits(Protocol):
    """The logits of an operator at scores `(..., n)`, whose softmax over j is P.

    Attributes:
        logits: rank by element, `(..., n, n)`.
    """

    logits: Tensor

    def __init__(self, scores: Tensor, temperature: float) -> None: ...

    def push(self, tangent: Tensor) -> Tensor:
        """From tangents of the scores, `(*, ..., n)`, to those of the logits, `(*, ..., n, n)`."""
        ...

    def pull(self, cotangent: Tensor) -> Tensor:
        """From cotangents of the logits, `(*, ..., n, n)`, to those of the scores."""
        ...


class SoftSortLogits:
    """`-|sort(y)_i - y_j| / τ`."""

    def __init__(self, scores: Tensor, temperature: float) -> None:
        values, self.order = scores.sort(dim=-1)
        difference = scores.unsqueeze(-2) - values.unsqueeze(-1)
        self.temperature, self.sign = temperature, difference.sgn()
        self.logits = difference.abs().neg() / temperature

    def push(self, tangent: Tensor) -> Tensor:
        """From tangents of the scores to those of the logits."""
        by_rank = tangent.gather(-1, self.order.expand(tangent.shape))
        difference = tangent.unsqueeze(-2) - by_rank.unsqueeze(-1)
        return (difference * self.sign).neg() / self.temperature

    def pull(self, cotangent: Tensor) -> Tensor:
        """From cotangents of the logits to those of the scores."""
        difference = (cotangent / self.temperature).neg() * self.sign
        by_rank = difference.sum(-1).neg()
        sorted_back = torch.zeros_like(by_rank).scatter(
            -1, self.order.expand(by_rank.shape), by_rank
        )
        return difference.sum(-2) + sorted_back


class NeuralSortLogits:
    """`((2 i - 1 - n) y_j - Σ_k |y_j - y_k|) / τ`."""

    def __init__(self, scores: Tensor, temperature: float) -> None:
        n = scores.shape[-1]
        difference = scores.unsqueeze(-1) - scores.unsqueeze(-2)
        ranks = torch.arange(1, n + 1, dtype=scores.dtype, device=scores.device)
        self.temperature, self.sign = temperature, difference.sgn()
        self.ones, self.factors = scores.new_ones(n, n), 2 * ranks - 1 - n
        self.logits = self._logits(scores, difference.abs())

    def _logits(self, scores: Tensor, distances: Tensor) -> Tensor:
        scaled = scores.unsqueeze(-1) * self.factors
        return (scaled - distances @ self.ones).mT / self.temperature

    def push(self, tangent: Tensor) -> Tensor:
        """From tangents of the scores to those of the logits."""
        difference = tangent.unsqueeze(-1) - tangent.unsqueeze(-2)
        return self._logits(tangent, difference * self.sign)

    def pull(self, cotangent: Tensor) -> Tensor:
        """From cotangents of the logits to those of the scores."""
        by_rank = (cotangent / self.temperature).mT
        sums = by_rank.neg().reshape(-1, by_rank.shape[-1])
        distances = (sums @ self.ones.t()).view(by_rank.shape) * self.sign
        # Autograd adds them in this order.
        return (by_rank * self.factors).sum(-1) - distances.sum(-2) + distances.sum(-1)


FIELD_LOGITS: Final[Mapping[str, type[FieldLogits]]] = {
    "softsort": SoftSortLogits,
    "neuralsort": NeuralSortLogits,
}


class FieldLoss:
    """The field's ranking loss, one value per sample, with its derivatives.

    Args:
        operator: a name in ``FIELD_LOGITS``.
        temperature: τ.
    """

    def __init__(self, operator: str, temperature: float) -> None:
        self.make_logits, self.temperature = FIELD_LOGITS[operator], temperature

    def __call__(self, scores: Tensor, labels: Tensor) -> Tensor:
        """The mean over the n² entries of each sample, shape `(...)`, of scores `(..., n)`."""
        P = self.make_logits(scores, self.temperature).logits.softmax(-1)
        return field_values(P, permutation_matrix(labels).to(P.dtype))

    def derivatives(self, scores: Tensor, labels: Tensor) -> LossDerivatives:
        """Value `(...)`, gradient `(..., n)` and, where it is read, Hessian `(..., n, n)`."""
        y = scores.detach()
        operator = self.make_logits(y, self.temperature)
        P = operator.logits.softmax(-1)
        Q = permutation_matrix(labels).to(P.dtype)
        share = P.new_ones(()).expand(P.shape) / P.shape[-1] ** 2  # Of an entry in the mean.
        P_bar: Tensor = torch.ops.aten.binary_cross_entropy_backward(share, P, Q, None, 0)
        gradient = operator.pull(_through_softmax(P_bar, P))

        def hessian() -> Tensor:
            n = y.shape[-1]
            basis = torch.eye(n, dtype=y.dtype, device=y.device)
            basis = basis.reshape(n, *(1 for _ in y.shape[:-1]), n).expand(n, *y.shape)
            tangents = operator.push(basis)
            P_bars = softmax_double_backward(tangents, P_bar, P)
            P_bars = P_bars + cross_entropy_bend(P, Q) * (_through_softmax(tangents, P) * share)
            return operator.pull(_through_softmax(P_bars, P)).movedim(0, -1)

        return LossDerivatives(field_values(P, Q), gradient, hessian)


def field_values(P: Tensor, Q: Tensor) -> Tensor:
    """The loss of each sample; NaN where P is, which ``F.binary_cross_entropy`` refuses."""
    missing = P.isnan()
    losses = F.binary_cross_entropy(torch.where(missing, 0.5, P), Q, reduction="none")
    return torch.where(missing, torch.nan, losses).mean((-2, -1))


def cross_entropy_bend(P: Tensor, Q: Tensor) -> Tensor:
    """PyTorch's second derivative of an entry, which is not that of the gradient near 0 and 1."""
    numerator = P * P - 2 * P * Q + Q
    return numerator / ((P + _EPSILON).square() * (1 - P + _EPSILON).square())


def softmax_double_backward(tangent: Tensor, cotangent: Tensor, P: Tensor) -> Tensor:
    """The derivative of the softmax's backward pass by its output, as autograd computes it."""
    first = cotangent * tangent - (P * cotangent).sum(-1, keepdim=True) * tangent
    return first - cotangent * (P * tangent).sum(-1, keepdim=True)


def _through_softmax(cotangent: Tensor, P: Tensor) -> Tensor:
    """The softmax's backward pass; P is repeated for further cotangents."""
    outputs = P.expand(cotangent.shape)
    backward = torch.ops.aten._softmax_backward_data  # noqa: SLF001
    logits_bar: Tensor = backward(cotangent, outputs, -1, P.dtype)
    return logits_bar
