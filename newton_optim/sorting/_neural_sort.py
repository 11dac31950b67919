"""NeuralSort: a softmax that follows from sums of the largest scores."""

from __future__ import annotations

from torch import Tensor, nn

from newton_optim._checks import check_bool, check_positive
from newton_optim._precision import to_widest
from newton_optim.sorting._aligned_logits import AlignedLogits
from newton_optim.sorting._layout import batch_last, differences, inverse_permutation
from newton_optim.sorting._scores import at_least_float32, check_scores


class NeuralSort(nn.Module):
    r"""The relaxed sort NeuralSort of `Grover et al. (2019) <https://arxiv.org/abs/1903.08850>`_.

    .. math:: P_i = \operatorname{softmax}\big(((2i - n - 1) s - A 1) / \tau\big), \qquad
              A_{jk} = |s_j - s_k|, \quad i = 1, \dots, n

    This is the ascending form; the paper sorts in descending order, with `n + 1 - 2i`.
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

    def __init__(self, *, temperature: float = 1.0, descending: bool = False) -> None:
        super().__init__()
        self.temperature = check_positive("temperature", temperature)
        self.descending = check_bool("descending", descending)

    def logits(self, scores: Tensor) -> Tensor:
        """The logits, shifted so that the largest of a row is 0, shape `(..., n, n)`.

        In the dtype of the scores, but at least float32.
        """
        check_scores(scores)
        scores = scores.to(at_least_float32(scores.dtype))
        values, order = map(batch_last, scores.sort(dim=-1))
        logits = self._logits_of_sorted(differences(values))
        # Columns: from sorted positions to elements.
        position = inverse_permutation(order).unsqueeze(0).expand_as(logits)
        logits = logits.gather(1, position).movedim((0, 1), (-2, -1))
        return logits.flip(-2) if self.descending else logits

    def aligned_logits(self, scores: Tensor, order: Tensor) -> AlignedLogits:
        """The logits for the ranking loss, with rows and columns in the order of the scores.

        Args:
            scores: `(..., n)`.
            order: the elements in their true ascending order, `(..., n)`.
        """
        dtype = at_least_float32(scores.dtype)
        values, by_score = map(batch_last, scores.to(dtype).sort(dim=-1, stable=True))
        difference, position = differences(to_widest(values)), inverse_permutation(by_score)
        logits = self._logits_of_sorted(difference)
        # The diagonal is 0; taken off, it is constant as well where scores are equal.
        logits = logits - logits.diagonal(dim1=0, dim2=1).movedim(-1, 0).unsqueeze(1)
        target = position.gather(0, batch_last(order))
        return AlignedLogits(difference, logits, target, position, dtype)

    def _logits_of_sorted(self, difference: Tensor) -> Tensor:
        """The logits less the largest of their row, from differences of sorted scores.

        The equation becomes `-(|s_i - s_j| + 2 Σ_l |s_l - s_j|) / τ` over the `l` between `i` and
        `j`. Nothing cancels in it: close scores are told apart however far away the others are.
        (Where scores are equal, the derivatives of a row may be shifted by a common vector.)
        """
        distance = difference.abs()
        # Twice the sums over l of max(s_l - s_j, 0) up to l = i, and of max(s_j - s_l, 0) from
        # there; the former is 0 unless i > j, the latter unless i < j.
        below = (distance + difference).cumsum(dim=0)
        above = (distance - difference).flip(0).cumsum(dim=0).flip(0)
        return (distance - below - above) / self.temperature

    def forward(self, scores: Tensor) -> Tensor:
        """`P`, shape `(..., n, n)`, in the dtype of the scores (half is computed in float32)."""
        return self.logits(scores).softmax(dim=-1).to(scores.dtype)

    def extra_repr(self) -> str:
        """The options, for ``repr``."""
        return f"temperature={self.temperature}, descending={self.descending}"


def neural_sort(scores: Tensor, *, temperature: float = 1.0, descending: bool = False) -> Tensor:
    r"""NeuralSort (`Grover et al., 2019 <https://arxiv.org/abs/1903.08850>`_) as a function.

    .. math:: P_i = \operatorname{softmax}\big(((2i - n - 1) s - A 1) / \tau\big), \qquad
              A_{jk} = |s_j - s_k|, \quad i = 1, \dots, n

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
    return NeuralSort(temperature=temperature, descending=descending).forward(scores)
