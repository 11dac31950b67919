"""SoftSort: a softmax over the distances to the sorted scores."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from newton_optim._checks import check_bool, check_positive
from newton_optim._precision import to_widest
from newton_optim.sorting._aligned_logits import AlignedLogits, hide_absent_pairs, ranks_of_signs
from newton_optim.sorting._layout import batch_last, differences, inverse_permutation, pairs
from newton_optim.sorting._mask import (
    check_mask,
    hide_absent,
    softmax_of_present,
    sorted_scores,
    without_padding,
)
from newton_optim.sorting._scores import at_least_float32, check_scores


class SoftSort(nn.Module):
    r"""The relaxed sort SoftSort of `Prillo and Eisenschlos (2020) <https://arxiv.org/abs/2006.16038>`_.

    .. math:: P_i = \operatorname{softmax}(-|\operatorname{sort}(s)_i - s| / \tau)

    ``P[..., i, j]`` is the weight of element `j` at rank `i`: ``P @ scores`` approximates the
    sorted scores. As τ goes to 0, `P` goes to the permutation that sorts. Rows sum to 1. `P` is
    smooth except at ties, where the derivative of the distance of two equal scores is taken as 0.
    (:class:`RankingLoss` knows the labels, and differentiates on the side where they are right.)

    With a mask, each list has the `P` that it has alone: its `m` present elements take the ranks
    0 to `m - 1`, and the other rows and the columns of absent elements are 0.

    Args:
        temperature: τ > 0, in units of the scores: scores that differ by a few τ are told apart,
            closer ones blend.
        descending: whether rank 0 is the largest score instead of the smallest.

    Shapes:
        scores `(..., n)` to `P` `(..., n, n)`; all leading dimensions are batch.

    Raises:
        TypeError: if an option is of the wrong kind, the scores are not a floating-point tensor, or
            the mask is not a bool one.
        ValueError: if ``temperature`` is not above 0, a sample has no scores, or scores and mask
            differ in shape.
    """

    def __init__(self, *, temperature: float = 0.1, descending: bool = False) -> None:
        super().__init__()
        self.temperature = check_positive("temperature", temperature)
        self.descending = check_bool("descending", descending)

    def logits(self, scores: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """The logits `-|sort(s)_i - s_j| / τ`, shape `(..., n, n)`; the largest of a row is 0.

        In the dtype of the scores, but at least float32.

        Args:
            scores: `(..., n)`.
            mask: bool, `(..., n)`: which elements are present; all for ``None``. Where `P` is 0
                because a rank or an element is absent, the logit is -inf.
        """
        check_scores(scores)
        mask = check_mask(mask, scores)
        scores = without_padding(scores.to(at_least_float32(scores.dtype)), mask)
        values, _ = sorted_scores(scores, mask, descending=self.descending)
        distance = (values.unsqueeze(-1) - scores.unsqueeze(-2)).abs()
        return hide_absent(distance / -self.temperature, mask)

    def aligned_logits(
        self, scores: Tensor, order: Tensor, mask: Tensor | None = None
    ) -> AlignedLogits:
        """The logits for the ranking loss, with rows and columns in the order of the elements.

        The row of an element is the row of `P` of the rank that its score has, so that
        `z_ij = -|s_i - s_j| / τ`.

        Args:
            scores: `(..., n)`, finite where absent.
            order: the elements in their true ascending order, the absent ones last, `(..., n)`.
            mask: which elements are present, `(..., n)`; all for ``None``.
        """
        dtype, n, order = at_least_float32(scores.dtype), scores.shape[-1], batch_last(order)
        difference = differences(batch_last(to_widest(scores)))
        present = None if mask is None else batch_last(mask)
        if present is not None:  # The labels alone decide, which put absent elements last.
            difference = torch.where(pairs(present), difference, 0.0)
        by_label = differences(inverse_permutation(order).to(difference.dtype))
        sign = torch.add(by_label, difference.sign(), alpha=2 * n).sign()
        rank = ranks_of_signs(sign)
        logits = difference * sign / -self.temperature
        sign = sign.to(dtype)
        if present is not None:
            logits, sign = hide_absent_pairs(logits, present), sign * pairs(present)
        return AlignedLogits(sign, logits, order.gather(0, rank), rank, False, dtype)

    def forward(self, scores: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """`P`, shape `(..., n, n)`, in the dtype of the scores (half is computed in float32).

        Args:
            scores: `(..., n)`.
            mask: bool, `(..., n)`: which elements are present; all for ``None``.
        """
        return softmax_of_present(self.logits(scores, mask=mask), mask).to(scores.dtype)

    def extra_repr(self) -> str:
        """The options, for ``repr``."""
        return f"temperature={self.temperature}, descending={self.descending}"


def soft_sort(
    scores: Tensor,
    *,
    temperature: float = 0.1,
    descending: bool = False,
    mask: Tensor | None = None,
) -> Tensor:
    r"""SoftSort (`Prillo and Eisenschlos, 2020 <https://arxiv.org/abs/2006.16038>`_) as a function.

    .. math:: P_i = \operatorname{softmax}(-|\operatorname{sort}(s)_i - s| / \tau)

    Args:
        scores: floating-point, shape `(..., n)`; all leading dimensions are batch.
        temperature: τ > 0, in units of the scores; towards 0 the sort becomes exact.
        descending: whether rank 0 is the largest score instead of the smallest.
        mask: bool, `(..., n)`: which elements are present; all for ``None``. The `m` present ones
            take the ranks 0 to `m - 1`; the other rows and the columns of absent ones are 0.

    Returns:
        `P`, shape `(..., n, n)`: ``P[..., i, j]`` is the weight of element `j` at rank `i`; rows
        sum to 1.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if ``temperature`` is not above 0, a sample has no scores, or scores and mask
            differ in shape.
    """
    return SoftSort(temperature=temperature, descending=descending).forward(scores, mask=mask)
