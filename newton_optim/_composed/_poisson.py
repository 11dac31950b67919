"""The Poisson likelihood, as an outer part."""

from __future__ import annotations

import torch
from torch import Tensor

from newton_optim._checks import check_bool
from newton_optim._composed._separable import SeparableLoss


class PoissonLoss(SeparableLoss):
    r"""The negative log-likelihood of counts with a Poisson distribution, without its constant.

    .. math:: \ell_i = \sum_k w_{ik} \, (\mu_{ik} - t_{ik} \log \mu_{ik})

    The rate μ is `e^u` for ``log_input=True``, and u itself otherwise. The sum over the entries,
    not their mean. As the outer part of a :class:`ComposedLoss`, its curvature is the Fisher
    information of the counts: `μ` for `e^u`, `1/μ` for u. It is positive for every target, which
    the second derivative `t/u²` is not, and the residuals are those of Pearson, `(μ - t) / √μ`.

    A rate that is not above 0 has no likelihood: its sample is not finite and is left out.

    Args:
        log_input: whether the result is the logarithm of the rate, as in
            ``torch.nn.PoissonNLLLoss``.
        reduction: ``"mean"`` or ``"sum"`` over samples, or ``"none"``: shape `(N,)`.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if ``reduction`` is unknown.
    """

    def __init__(self, *, log_input: bool = True, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.log_input = check_bool("log_input", log_input)

    def entries(self, result: Tensor, target: Tensor) -> Tensor:
        """`μ - t log μ`."""
        if self.log_input:
            return result.exp() - target * result
        return result - target * result.log()

    def whiten(self, result: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """`r = (μ - t) / √μ`; `d = √μ`, or `1/√μ` where the result is the rate."""
        root = (0.5 * result).exp() if self.log_input else result.sqrt()
        residual = root - target / root
        return residual, root if self.log_input else torch.ones_like(root) / root

    def extra_repr(self) -> str:
        """The options, for ``print(module)``."""
        return f"log_input={self.log_input}, {super().extra_repr()}"
