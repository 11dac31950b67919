"""The ranking loss: cross-entropy between a relaxed permutation and the true one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from newton_optim._checks import check_choice, check_integer, describe, known_true
from newton_optim._derivatives import LossDerivatives
from newton_optim.sorting._loss_form import LossForm, as_module, form_of
from newton_optim.sorting._mask import check_mask, sorting_order, without_padding
from newton_optim.sorting._rank_weights import RankWeights, check_rank_weight
from newton_optim.sorting._sample_weight import check_weight, weighted_derivatives, weighted_loss
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
    * :class:`SortingNetwork`: from the logarithms of P, right to rounding at any spread.
    * Any other callable that maps scores `(..., n)` to P `(..., n, n)`, with ``P[..., i, j]`` the
      weight of element `j` at rank `i` and rows that sum to 1: from P, where `1 - P` is the sum of
      the row's other entries. Entries of either below the dtype's smallest normal number are
      taken as that number and have zero derivative. If the callable has an attribute
      ``descending`` that is ``True``, its rank 0 is that of the largest score. A
      ``diffsort.DiffSortNet`` is accepted unchanged. A :class:`SortingNetwork` counts as any other
      callable where ranks have weights (``k`` or ``rank_weight``).

    All but the last have ``derivatives``, the closed form of value, gradient and Hessian. The loss
    of any other callable lacks this attribute and is differentiated by autograd. A subclass of an
    operator counts as any other callable.

    **Lists of different lengths.** With ``mask``, the loss, gradient and Hessian of each list are
    those of the list alone, to rounding, whatever the padding holds: `l` is the mean over the `m²`
    entries of the `m` elements that are present, and the derivatives by the others are 0. The loss
    of a list without elements is 0. Any other callable must take ``mask`` as a keyword and return
    the ranks 0 to `m - 1` as the first rows; a ``DiffSortNet`` does not take it.

    **Weights of the ranks.** With ``k``, only the first `k` ranks count, in the operator's own
    direction: those of the smallest scores, or with ``descending=True`` of the largest. With
    ``rank_weight``, rank `r` has the weight `ρ_r`; with both, the first `k` of these count. Then

    .. math:: l = \frac{1}{m \sum_r ρ_r} \sum_r ρ_r l_r

    over the `m` ranks of a list (`n` without a mask), with `l_r` the sum of the cross-entropy over
    the `m` entries of row `r`. With ``k`` alone, this is the mean over `min(k, m) m` entries.

    **Ties.** With :class:`SoftSort` and :class:`NeuralSort` the loss has kinks where scores are
    equal. Its gradient and Hessian there are the limits as the equal scores move apart in the order
    of their labels: a network that starts with equal scores learns to sort. The value has no jump.

    A sample with a score that is not finite gets a loss that is not finite. The other samples are
    not affected. The mean over an empty batch is NaN and the sum 0, as for PyTorch's own losses.

    Args:
        operator: one of the above.
        reduction: ``"mean"`` or ``"sum"`` over the samples, or ``"none"``.
        k: how many ranks count; all for ``None``.
        rank_weight: the weights of the ranks, a sequence or tensor of `n` or more numbers of at
            least 0, such as `1 / log2(2 + r)`; all equal for ``None``.

    Attributes:
        operator: the operator; a submodule if it is a module. It may be replaced (a module by a
            module, as in all of PyTorch): how the loss is computed follows the new operator.
        rank_weight: the weights of the ranks as a buffer, or ``None``.

    Raises:
        TypeError: if an argument is of the wrong kind or dtype, or a mask is given to an operator
            that takes none.
        ValueError: if ``reduction`` is none of these; a shape does not fit the scores; the scores
            do not suit the operator; ``k`` is below 1 or above `n`; a label is NaN; or a weight is
            negative or not finite. (Values of tensors are checked on the CPU and outside
            ``torch.compile`` only.)
    """

    rank_weight: Tensor | None
    _form: LossForm

    def __init__(
        self,
        operator: Callable[..., Any],
        *,
        reduction: str = "mean",
        k: int | None = None,
        rank_weight: Sequence[float] | Tensor | None = None,
    ) -> None:
        super().__init__()
        self.k = None if k is None else check_integer("k", k)
        self.register_buffer("rank_weight", check_rank_weight(rank_weight), persistent=False)
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
        self._form = form_of(operator, ranked=self._ranked())

    def forward(
        self,
        scores: Tensor,
        labels: Tensor,
        *,
        mask: Tensor | None = None,
        weight: Tensor | None = None,
    ) -> Tensor:
        """The loss.

        Args:
            scores: what the operator sorts, shape `(..., n)`.
            labels: values of any real dtype whose order is the true one, shape `(..., n)`.
            mask: bool, shape `(..., n)`: which elements are present; all for ``None``.
            weight: a factor of each sample's own loss, at least 0, shape `(...)`; 1 for ``None``.
                ``"mean"`` divides by the number of samples, not by the sum of the weights.

        Returns:
            The loss, 0-dim, or of shape `(...,)` for ``"none"``; at least float32.
        """
        inputs, options = self._lists(scores, labels, mask)
        weight = check_weight(weight, scores)
        loss = weighted_loss(self._form.loss(*inputs, **options), weight)
        if self.reduction == "none":
            return loss
        return loss.mean() if self.reduction == "mean" else loss.sum()

    @property
    def derivatives(self) -> Callable[..., LossDerivatives]:
        """``derivatives(scores, labels, *, mask=None, weight=None)``, of each sample's own loss.

        Value, gradient and Hessian in closed form, of shapes `(...,)`, `(..., n)` and
        `(..., n, n)`, at least float32. The Hessian is computed when it is asked for. The arguments
        are those of :meth:`forward`; the reduction plays no part.

        Raises:
            AttributeError: if the operator has no closed form, see :class:`RankingLoss`.
        """
        if self._form.derivatives is None:
            raise AttributeError("derivatives")  # `nn.Module` replaces the message by its own.
        return partial(self._derivatives, self._form.derivatives)

    def _derivatives(
        self,
        closed_form: Callable[..., LossDerivatives],
        scores: Tensor,
        labels: Tensor,
        *,
        mask: Tensor | None = None,
        weight: Tensor | None = None,
    ) -> LossDerivatives:
        inputs, options = self._lists(scores, labels, mask)
        weight = check_weight(weight, scores)
        return weighted_derivatives(closed_form(*inputs, **options), weight, mask)

    def _lists(
        self, scores: Tensor, labels: Tensor, mask: Tensor | None
    ) -> tuple[tuple[Tensor, Tensor], dict[str, Any]]:
        """What a form takes: the scores and the true order, and the options that say something."""
        check_scores(scores)
        options: dict[str, Any] = {}
        if check_mask(mask, scores) is not None:
            if not self._form.takes_mask:
                raise TypeError(
                    "mask must be None for an operator that does not take it as a keyword, "
                    f"got {describe(mask)} for {describe(self.operator)}"
                )
            options["mask"] = mask
        if self._ranked():
            options["ranks"] = RankWeights(self.k, self.rank_weight)
        return (without_padding(scores, mask), true_order(scores, labels, mask)), options

    def _ranked(self) -> bool:
        return self.k is not None or self.rank_weight is not None


def true_order(scores: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
    """The elements in the ascending order of their labels, `(..., n)`, checked before.

    Equal labels keep the order given. Absent elements come last, whatever their labels.
    """
    if not isinstance(labels, Tensor) or labels.is_complex():
        raise TypeError(f"labels must be a real tensor, got {describe(labels)}")
    if labels.shape != scores.shape:
        raise ValueError(
            f"labels must have the shape of scores, {tuple(scores.shape)}, "
            f"got shape {tuple(labels.shape)}"
        )
    if labels.is_floating_point():
        wrong = labels.isnan() if mask is None else labels.isnan() & mask
        if known_true(wrong.any()):
            raise ValueError("labels must not be NaN, got at least one that is")
    return sorting_order(labels, mask)
