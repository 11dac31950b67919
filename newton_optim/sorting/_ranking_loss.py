"""The ranking loss: cross-entropy between a relaxed permutation and the true one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn

from newton_optim._checks import check_choice, describe, known_true
from newton_optim._derivatives import LossDerivatives
from newton_optim.sorting._loss_form import LossForm, as_module, form_of
from newton_optim.sorting._scores import check_scores


class RankingLoss(nn.Module):
    r"""Cross-entropy between the relaxed permutation P of the scores and the true permutation Q.

    .. math:: l = -\frac{1}{n^2} \sum_{ij} Q_{ij} \log P_{ij} + (1 - Q_{ij}) \log(1 - P_{ij})

    Q sorts the labels: ``Q[i, j]`` is 1 where element `j` has rank `i`. Ranks ascend, whatever the
    direction of the operator, and equal labels keep the order given. The loss of a sample is `l`,
    the mean over its `n²` entries. Gradient, Hessian and so the damping are per sample, whatever
    the reduction.

    How it is computed depends on the operator:

    * :class:`NeuralSort` and :class:`SoftSort` (also as the functions ``neural_sort`` and
      ``soft_sort``, and partials of these with keywords): from the logits of each row, right to
      rounding until the logits themselves overflow, in the dtype of the scores but at least
      float32.
    * :class:`SortingNetwork`: from P, whose entries near 0 keep their relative precision.
    * Any other callable that maps scores `(..., n)` to P `(..., n, n)`, with ``P[..., i, j]`` the
      weight of element `j` at rank `i` and rows that sum to 1: from P, where `1 - P` is the sum of
      the row's other entries. Entries of either below the dtype's smallest normal number are
      taken as that number and have zero derivative. If the callable has an attribute
      ``descending`` that is ``True``, its rank 0 is that of the largest score. A
      ``diffsort.DiffSortNet`` is accepted unchanged.

    All but the last have ``derivatives``, the closed form of value, gradient and Hessian. The loss
    of any other callable lacks this attribute and is differentiated by autograd. A subclass of an
    operator counts as any other callable.

    A sample with a score that is not finite gets a loss that is not finite. The other samples are
    not affected. The mean over an empty batch is NaN and the sum 0, as for PyTorch's own losses.

    Args:
        operator: one of the above.
        reduction: ``"mean"`` or ``"sum"`` over the samples, or ``"none"``.

    Attributes:
        operator: the operator; a submodule if it is a module. It may be replaced (a module by a
            module, as in all of PyTorch): how the loss is computed follows the new operator.

    Raises:
        TypeError: if ``operator`` is not callable, the scores are not a floating-point tensor, or
            the labels are not a real one.
        ValueError: if ``reduction`` is none of these, scores and labels differ in shape or do not
            suit the operator, or a label is NaN (checked on the CPU and outside ``torch.compile``
            only).
    """

    _form: LossForm

    def __init__(self, operator: Callable[[Tensor], Any], *, reduction: str = "mean") -> None:
        super().__init__()
        self.operator = operator
        self.reduction = check_choice("reduction", reduction, ("mean", "sum", "none"))

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "operator":
            super().__setattr__(name, value)
            return
        if not callable(value):
            raise TypeError(f"operator must be a callable, got {describe(value)}")
        operator: Any = as_module(value)
        super().__setattr__(name, operator)
        self._form = form_of(operator)

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        """The loss.

        Args:
            scores: what the operator sorts, shape `(..., n)`.
            labels: values of any real dtype whose order is the true one, shape `(..., n)`.

        Returns:
            The loss, 0-dim, or of shape `(...,)` for ``"none"``; at least float32.
        """
        loss = self._form.loss(scores, true_order(scores, labels))
        if self.reduction == "none":
            return loss
        return loss.mean() if self.reduction == "mean" else loss.sum()

    @property
    def derivatives(self) -> Callable[[Tensor, Tensor], LossDerivatives]:
        """``derivatives(scores, labels)``: value, gradient and Hessian of each sample's own loss.

        In closed form, of shapes `(...,)`, `(..., n)` and `(..., n, n)`, at least float32. The
        Hessian is computed when it is asked for. The reduction plays no part.

        Raises:
            AttributeError: if the operator has no closed form, see :class:`RankingLoss`.
        """
        closed_form = self._form.derivatives
        if closed_form is None:
            raise AttributeError("derivatives")  # `nn.Module` replaces the message by its own.
        return partial(_derivatives_by_labels, closed_form)


def _derivatives_by_labels(
    closed_form: Callable[[Tensor, Tensor], LossDerivatives], scores: Tensor, labels: Tensor
) -> LossDerivatives:
    return closed_form(scores, true_order(scores, labels))


def true_order(scores: Tensor, labels: Tensor) -> Tensor:
    """The elements in the ascending order of their labels, `(..., n)`, both checked before.

    Equal labels keep the order given.
    """
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
    return labels.argsort(dim=-1, stable=True)
