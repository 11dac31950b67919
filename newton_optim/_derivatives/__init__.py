"""The derivatives of a loss with respect to its inputs, in whatever form the loss is given.

The way of the data: ``evaluate`` (a loss as a tensor, a callable, a method, or two parts, becomes
an :class:`Evaluation`), then ``loss_derivatives`` (what a curvature requested, computed and masked,
becomes a frozen :class:`LossDerivatives`).
"""

from newton_optim._derivatives._derive import loss_derivatives
from newton_optim._derivatives._elsewhere import Elsewhere
from newton_optim._derivatives._evaluate import evaluate
from newton_optim._derivatives._evaluation import (
    Evaluation,
    Products,
    block_diagonal,
    check_loss_value,
)
from newton_optim._derivatives._from_tensor import evaluate_tensor
from newton_optim._derivatives._loss_derivatives import LossDerivatives
from newton_optim._derivatives._request import NEEDS, Needs, Request
from newton_optim._derivatives._residual_form import ResidualForm

__all__ = [
    "NEEDS",
    "Elsewhere",
    "Evaluation",
    "LossDerivatives",
    "Needs",
    "Products",
    "Request",
    "ResidualForm",
    "block_diagonal",
    "check_loss_value",
    "evaluate",
    "evaluate_tensor",
    "loss_derivatives",
]
