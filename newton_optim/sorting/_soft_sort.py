"""SoftSort: a softmax over the distances to the sorted scores."""

from __future__ import annotations

from torch import Tensor, nn

from newton_optim._checks import check_bool, check_positive
from newton_optim._precision import to_widest
from newton_optim.sorting._aligned_logits import AlignedLogits
from newton_optim.sorting._layout import batch_last, differences
from newton_optim.sorting._scores import at_least_float32, check_scores


class SoftSort(nn.Module):
    r"""The relaxed sort SoftSort of `Prillo and Eisenschlos (2020) <https://arxiv.org/abs/2006.16038>`_.

    .. math:: P_i = \operatorname{softmax}(-|\operatorname{sort}(s)_i - s| / \tau)

    ``P[..., i, j]`` is the weight of element `j` at rank `i`: ``P @ scores`` approximates the
    sorted scores. As τ goes to 0, `P` goes to the permutation that sorts. Rows sum to 1. `P` is
    smooth except at ties, where the derivative of the distance of two equal scores is taken as 0.

    Args:
        temperature: τ > 0, in units of the scores: scores that differ by a few τ are told apart,
            closer ones blend.
        descending: whether rank 0 is the largest score instead of the smallest.

    Shapes:
        scores `(..., n)` to `P` `(..., n, n)`; all leading dimensions are batch.

    Raises:
        TypeError: if an option is of the wrong kind, or the scores are not a floating-point tensor.
        ValueError: if ``temperature`` is not above 0, or a sample has no scores.
    """

    def __init__(self, *, temperature: float = 0.1, descending: bool = False) -> None:
        super().__init__()
        self.temperature = check_positive("temperature", temperature)
        self.descending = check_bool("descending", descending)

    def logits(self, scores: Tensor) -> Tensor:
        """The logits `-|sort(s)_i - s_j| / τ`, shape `(..., n, n)`; the largest of a row is 0.

        In the dtype of the scores, but at least float32.
        """
        check_scores(scores)
        scores = scores.to(at_least_float32(scores.dtype))
        values = scores.sort(dim=-1, descending=self.descending).values
        return (values.unsqueeze(-1) - scores.unsqueeze(-2)).abs() / -self.temperature

    def aligned_logits(self, scores: Tensor, order: Tensor) -> AlignedLogits:
        """The logits for the ranking loss, with rows and columns in the order of the elements.

        The row of an element is the row of `P` of the rank that its score has, so that
        `z_ij = -|s_i - s_j| / τ`.

        Args:
            scores: `(..., n)`.
            order: the elements in their true ascending order, `(..., n)`.
        """
        dtype = at_least_float32(scores.dtype)
        scores = scores.to(dtype)
        difference = differences(to_widest(batch_last(scores)))
        by_score = batch_last(scores.argsort(dim=-1, stable=True))
        target = by_score.scatter(0, by_score, batch_last(order))
        return AlignedLogits(difference, difference.abs() / -self.temperature, target, None, dtype)

    def forward(self, scores: Tensor) -> Tensor:
        """`P`, shape `(..., n, n)`, in the dtype of the scores (half is computed in float32)."""
        return self.logits(scores).softmax(dim=-1).to(scores.dtype)

    def extra_repr(self) -> str:
        """The options, for ``repr``."""
        return f"temperature={self.temperature}, descending={self.descending}"


def soft_sort(scores: Tensor, *, temperature: float = 0.1, descending: bool = False) -> Tensor:
    r"""SoftSort (`Prillo and Eisenschlos, 2020 <https://arxiv.org/abs/2006.16038>`_) as a function.

    .. math:: P_i = \operatorname{softmax}(-|\operatorname{sort}(s)_i - s| / \tau)

    Args:
        scores: floating-point, shape `(..., n)`; all leading dimensions are batch.
        temperature: τ > 0, in units of the scores; towards 0 the sort becomes exact.
        descending: whether rank 0 is the largest score instead of the smallest.

    Returns:
        `P`, shape `(..., n, n)`: ``P[..., i, j]`` is the weight of element `j` at rank `i`; rows
        sum to 1.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if ``temperature`` is not above 0, or a sample has no scores.
    """
    return SoftSort(temperature=temperature, descending=descending).forward(scores)
