"""The ranking loss: cross-entropy between a relaxed permutation and the true one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn

from newton_optim._checks import check_choice, describe, known_true
from newton_optim._derivatives import LossDerivatives
from newton_optim.sorting._frame import check_scores
from newton_optim.sorting._network import SortingNetwork
from newton_optim.sorting._network_loss import network_derivatives, network_loss
from newton_optim.sorting._neural_sort import NeuralSort, neural_sort
from newton_optim.sorting._probability_loss import probability_loss
from newton_optim.sorting._soft_sort import SoftSort, soft_sort
from newton_optim.sorting._softmax_derivatives import softmax_derivatives
from newton_optim.sorting._softmax_loss import softmax_loss


class RankingLoss(nn.Module):
    r"""Cross-entropy between the relaxed permutation P of the scores and the true permutation Q.

    .. math:: l = -\frac{1}{n^2} \sum_{ij} Q_{ij} \log P_{ij} + (1 - Q_{ij}) \log(1 - P_{ij})

    Q sorts the labels: `Q[i, j]` is 1 where element j has rank i, ascending whatever the direction
    of the operator; equal labels keep the order given. The loss of a sample is `l_i` above, the
    mean over its `n^2` entries; the scale of its gradient, its Hessian and so of a damping is that
    of `l_i`, whatever the reduction.

    How it is computed depends on the operator:

    * `NeuralSort` and `SoftSort` (also as the functions `neural_sort` and `soft_sort`, and partials
      of these with keywords): from the logits of each row, right to rounding until the logits
      themselves overflow, in the dtype of the scores but at least float32.
    * `SortingNetwork`: from P, whose entries near 0 are exact; see there.
    * Any other callable that maps scores `(..., n)` to P `(..., n, n)`, with `P[..., i, j]` the
      weight of element j at rank i and rows that sum to 1: from P, where `1 - P` is the sum of the
      row's other entries. Entries of either below the dtype's smallest normal number are taken as
      that number and have zero derivative. If it has a true attribute `descending`, its rank 0 is
      that of the largest score. A `diffsort.DiffSortNet` is taken as it is.

    All but the last have `derivatives`, the closed form of value, gradient and Hessian; the loss
    of another callable has no such attribute and is differentiated by autograd. A subclass of an
    operator is such a callable.

    A sample with a score that is not finite gets a loss that is not, and leaves the others alone.

    Args:
        operator: one of the above.
        reduction: ``"mean"`` or ``"sum"`` over the samples, or ``"none"``.

    Raises:
        TypeError: if `operator` is not callable, the scores are not a floating-point tensor, or the
            labels not a real one.
        ValueError: if `reduction` has no such choice, scores and labels differ in shape or do not
            suit the operator, or a label is NaN (looked at on the CPU and outside of
            `torch.compile` only).
    """

    def __init__(self, operator: Callable[[Tensor], Any], *, reduction: str = "mean") -> None:
        super().__init__()
        if not callable(operator):
            raise TypeError(f"operator must be a callable, got {describe(operator)}")
        self.operator = _with_logits(operator)
        self.reduction = check_choice("reduction", reduction, ("mean", "sum", "none"))

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        """The loss.

        Args:
            scores: what the operator sorts, shape `(..., n)`.
            labels: values of any real dtype whose order is the true one, shape `(..., n)`.

        Returns:
            The loss, 0-dim, or of shape `(...,)` for ``"none"``; at least float32.
        """
        _check(scores, labels)
        operator = self.operator
        if type(operator) in (NeuralSort, SoftSort):
            loss = softmax_loss(operator.frame(scores, labels))
        elif type(operator) is SortingNetwork:
            loss = network_loss(operator, scores, true_ranks(labels, operator.descending))
        else:
            descending = getattr(operator, "descending", False) is True
            loss = probability_loss(operator, scores, true_ranks(labels, descending))
        if self.reduction == "none":
            return loss
        return loss.mean() if self.reduction == "mean" else loss.sum()

    @property
    def derivatives(self) -> Callable[[Tensor, Tensor], LossDerivatives]:
        """`derivatives(scores, labels)`: value, gradient and Hessian of each sample's own loss.

        In closed form, of shapes `(...,)`, `(..., n)` and `(..., n, n)`, at least float32; the
        Hessian is computed when it is asked for. The reduction plays no part.

        Raises:
            AttributeError: if the operator has no closed form, see `RankingLoss`.
        """
        if type(self.operator) in (NeuralSort, SoftSort, SortingNetwork):
            return self._derivatives
        raise AttributeError("derivatives")  # `nn.Module` replaces the message by its own.

    def _derivatives(self, scores: Tensor, labels: Tensor) -> LossDerivatives:
        _check(scores, labels)
        operator = self.operator
        if type(operator) is SortingNetwork:
            return network_derivatives(operator, scores, true_ranks(labels, operator.descending))
        return softmax_derivatives(operator, scores, labels)


def true_ranks(labels: Tensor, descending: bool) -> Tensor:
    """The rank of each element by its label, shape `(..., n)`; equal labels keep the order given.

    For a descending operator the ranks are reversed.
    """
    ranks = labels.argsort(dim=-1, stable=True).argsort(dim=-1)
    return labels.shape[-1] - 1 - ranks if descending else ranks


def _check(scores: Tensor, labels: Tensor) -> None:
    check_scores(scores)
    if not isinstance(labels, Tensor) or labels.is_complex():
        raise TypeError(f"labels must be a real tensor, got {describe(labels)}")
    if labels.shape != scores.shape:
        raise ValueError(
            f"labels must have the shape of scores, {tuple(scores.shape)}, "
            f"got shape {tuple(labels.shape)}"
        )
    if labels.is_floating_point() and known_true(labels.isnan().any()):
        raise ValueError("labels must not be NaN, got at least one that is")


def _with_logits(operator: Callable[[Tensor], Any]) -> Any:
    """The module of a function `neural_sort` or `soft_sort`, or of its partial; else `operator`."""
    function, keywords = operator, {}
    if isinstance(operator, partial) and not operator.args:
        function, keywords = operator.func, operator.keywords
    if function is neural_sort:
        return NeuralSort(**keywords)
    return SoftSort(**keywords) if function is soft_sort else operator
