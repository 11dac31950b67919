"""Half the squared distance, as an outer part."""

from __future__ import annotations

from torch import Tensor

from newton_optim._composed._separable import SeparableLoss


class SquaredLoss(SeparableLoss):
    r"""Half the squared distance between a result and its target.

    .. math:: \ell_i = \tfrac12 \sum_k w_{ik} (u_{ik} - t_{ik})^2

    The sum over the entries, not their mean: `l_i` is the negative log-likelihood of Gaussian noise
    with the variances `1/w`. As the outer part of a :class:`ComposedLoss`, its Gauss-Newton matrix
    is `J_i' W_i J_i`.

    Args:
        reduction: ``"mean"`` or ``"sum"`` over samples, or ``"none"``: shape `(N,)`.

    Raises:
        TypeError: if ``reduction`` is not a string.
        ValueError: if it is unknown.
    """

    def entries(self, result: Tensor, target: Tensor) -> Tensor:
        """`½ (u - t)²`."""
        return 0.5 * (result - target).square()

    def whiten(self, result: Tensor, target: Tensor) -> tuple[Tensor, None]:
        """`r = u - t`, `d = 1`."""
        return result - target, None
