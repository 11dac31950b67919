"""NeuralSort: a softmax that follows from sums of the largest scores."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from newton_optim._checks import check_bool, check_positive
from newton_optim._precision import to_widest
from newton_optim.sorting._aligned_logits import AlignedLogits, hide_absent_pairs
from newton_optim.sorting._layout import (
    along_dimension,
    batch_last,
    differences,
    inverse_permutation,
    pairs,
)
from newton_optim.sorting._mask import (
    check_mask,
    existing_ranks,
    hide_absent,
    order_by_score,
    reverse_rows,
    softmax_of_present,
    sorted_scores,
    without_padding,
)
from newton_optim.sorting._scores import at_least_float32, check_scores


class NeuralSort(nn.Module):
    r"""The relaxed sort NeuralSort of `Grover et al. (2019) <https://arxiv.org/abs/1903.08850>`_.

    .. math:: P_i = \operatorname{softmax}\big(((2i - n - 1) s - A 1) / \tau\big), \qquad
              A_{jk} = |s_j - s_k|, \quad i = 1, \dots, n

    This is the ascending form; the paper sorts in descending order, with `n + 1 - 2i`.
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

    def __init__(self, *, temperature: float = 1.0, descending: bool = False) -> None:
        super().__init__()
        self.temperature = check_positive("temperature", temperature)
        self.descending = check_bool("descending", descending)

    def logits(self, scores: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """The logits, shifted so that the largest of a row is 0, shape `(..., n, n)`.

        In the dtype of the scores, but at least float32.

        Args:
            scores: `(..., n)`.
            mask: bool, `(..., n)`: which elements are present; all for ``None``. Where `P` is 0
                because a rank or an element is absent, the logit is -inf.
        """
        check_scores(scores)
        mask = check_mask(mask, scores)
        scores = without_padding(scores.to(at_least_float32(scores.dtype)), mask)
        values, order = map(batch_last, sorted_scores(scores, mask))
        difference = differences(values)
        if mask is not None:
            difference = torch.where(pairs(batch_last(existing_ranks(mask))), difference, 0.0)
        logits = self._logits_of_sorted(difference, difference.abs())
        # Columns: from sorted positions to elements.
        position = inverse_permutation(order).unsqueeze(0).expand_as(logits)
        logits = logits.gather(1, position).movedim((0, 1), (-2, -1))
        if self.descending:
            logits = reverse_rows(logits, mask)
        return hide_absent(logits, mask)

    def aligned_logits(
        self, scores: Tensor, order: Tensor, mask: Tensor | None = None
    ) -> AlignedLogits:
        """The logits for the ranking loss, with rows and columns in the order of the scores.

        Args:
            scores: `(..., n)`, finite where absent.
            order: the elements in their true ascending order, the absent ones last, `(..., n)`.
            mask: which elements are present, `(..., n)`; all for ``None``.
        """
        dtype = at_least_float32(scores.dtype)
        by_score = order_by_score(scores, order, mask)
        values = batch_last(scores.to(dtype).gather(-1, by_score))
        rank, difference = inverse_permutation(batch_last(by_score)), differences(to_widest(values))
        target = rank.gather(0, batch_last(order))
        ranks = torch.arange(values.shape[0], dtype=difference.dtype, device=values.device)
        sign = differences(along_dimension(0, values.ndim, ranks)).sign()
        logits = self._logits_of_sorted(difference, difference * sign)
        sign = sign.to(dtype)
        if mask is not None:
            present = batch_last(existing_ranks(mask))
            logits = hide_absent_pairs(logits, present)
            sign = sign * pairs(present).to(dtype)
        return AlignedLogits(sign, logits, target, rank, True, dtype)

    def _logits_of_sorted(self, difference: Tensor, distance: Tensor) -> Tensor:
        """The logits less the largest of their row, from differences of sorted scores.

        The equation becomes `-(|s_i - s_j| + 2 Σ_l |s_l - s_j|) / τ` over the `l` between `i` and
        `j`. Nothing cancels in it: close scores are told apart however far away the others are.
        (Where scores are equal, the derivatives of a row may be shifted by a common vector.)

        Args:
            difference: `s_i - s_j`, shape `(n, n, *batch)`.
            distance: its absolute value.
        """
        # Twice the sums over l of max(s_l - s_j, 0) up to l = i, and of max(s_j - s_l, 0) from
        # there; the former is 0 unless i > j, the latter unless i < j.
        below = (distance + difference).cumsum(dim=0)
        above = (distance - difference).flip(0).cumsum(dim=0).flip(0)
        return (distance - below - above) / self.temperature

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


def neural_sort(
    scores: Tensor,
    *,
    temperature: float = 1.0,
    descending: bool = False,
    mask: Tensor | None = None,
) -> Tensor:
    r"""NeuralSort (`Grover et al., 2019 <https://arxiv.org/abs/1903.08850>`_) as a function.

    .. math:: P_i = \operatorname{softmax}\big(((2i - n - 1) s - A 1) / \tau\big), \qquad
              A_{jk} = |s_j - s_k|, \quad i = 1, \dots, n

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
    return NeuralSort(temperature=temperature, descending=descending).forward(scores, mask=mask)
