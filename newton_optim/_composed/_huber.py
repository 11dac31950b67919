"""The Huber loss, as an outer part."""

from __future__ import annotations

import torch
from torch import Tensor

from newton_optim._checks import check_positive
from newton_optim._composed._separable import SeparableLoss


class HuberLoss(SeparableLoss):
    r"""The Huber loss (`Huber, 1964`_) between a result and its target, for data with outliers.

    .. math::
        \ell_i = \sum_k w_{ik} \begin{cases}
            \tfrac12 e_{ik}^2 & |e_{ik}| \le \delta \\
            \delta \, (|e_{ik}| - \tfrac12 \delta) & \text{otherwise}
        \end{cases}
        \qquad e = u - t

    The sum over the entries, not their mean. Its second derivative is 0 outside δ. As the outer
    part of a :class:`ComposedLoss`, its curvature is that of the parabola that touches it from
    above, `min(1, δ / |e|)`, so that Gauss-Newton is iteratively reweighted least squares
    (`Holland and Welsch, 1977`_).

    Args:
        delta: δ, above 0: from where on the loss is linear.
        reduction: ``"mean"`` or ``"sum"`` over samples, or ``"none"``: shape `(N,)`.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if ``delta`` is not above 0 or not finite, or ``reduction`` is unknown.

    .. _Huber, 1964: https://doi.org/10.1214/aoms/1177703732
    .. _Holland and Welsch, 1977: https://doi.org/10.1080/03610927708827533
    """

    def __init__(self, *, delta: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.delta = check_positive("delta", delta)

    def entries(self, result: Tensor, target: Tensor) -> Tensor:
        """`½ e²` up to δ, `δ (|e| - ½ δ)` beyond."""
        error = result - target
        inside = error.clamp(-self.delta, self.delta)
        return inside * (error - 0.5 * inside)

    def whiten(self, result: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """`d = √min(1, δ/|e|)`, `r = d e`: their product is the gradient, e cut at δ."""
        error = result - target
        d = (self.delta / error.abs().clamp(min=self.delta)).sqrt()
        return d * torch.where(torch.isfinite(error), error, torch.nan), d

    def extra_repr(self) -> str:
        """The options, for ``print(module)``."""
        return f"delta={self.delta:g}, {super().extra_repr()}"
