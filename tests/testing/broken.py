"""Broken losses and broken wrappers, beside the loss that is right."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

import newton_optim
from newton_optim import Hessian, LossDerivatives, NewtonLossOptimizer
from newton_optim.sorting import soft_sort

Y = torch.tensor([[0.3, -1.2, 0.7], [1.1, 0.2, -0.4], [-0.9, 0.6, 2.0], [0.1, -0.3, 0.8]])
T = torch.tensor([[0.0, -1.0, 1.0], [1.0, 2.0, -1.0], [0.5, 0.0, 1.0], [-1.0, 0.0, 0.5]])
WIDE = 30 * Y


def smooth(y: Tensor, t: Tensor) -> Tensor:
    """A loss that is right: per sample, smooth, not convex."""
    return ((y - t).square() + (2 * y).sin()).sum(-1)


# --- Broken losses ----------------------------------------------------------------------------


class ZeroHessian(torch.autograd.Function):
    """Half the square, whose backward hides that it depends on its input."""

    @staticmethod
    def forward(ctx: Any, y: Tensor) -> Tensor:
        ctx.save_for_backward(y)
        return y.square() / 2

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad * ctx.saved_tensors[0]


class WrongBackward(torch.autograd.Function):
    """Half the square, with the gradient of the square."""

    @staticmethod
    def forward(ctx: Any, y: Tensor) -> Tensor:
        ctx.save_for_backward(y)
        return y.square() / 2

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return 2 * grad * ctx.saved_tensors[0]


def hides_a_factor(y: Tensor, t: Tensor) -> Tensor:
    return ((y - t).detach() * (y - t).square()).sum(-1)


def permutation_matrix(labels: Tensor) -> Tensor:
    return F.one_hot(labels.argsort(-1), labels.shape[-1])


def transposed_ranking(y: Tensor, labels: Tensor, *, transposed: bool = True) -> Tensor:
    """The cross-entropy of SoftSort; ranks and elements exchanged in the truth."""
    Q = permutation_matrix(labels).to(y)
    P = soft_sort(y, temperature=1.0)
    return -((Q.mT if transposed else Q) * P.log()).sum((-2, -1))


def probability_ranking(y: Tensor, labels: Tensor) -> Tensor:
    Q, P = permutation_matrix(labels).to(y), soft_sort(y, temperature=0.3)
    return F.binary_cross_entropy(P, Q)


def cross_entropy_of_one_probability(y: Tensor, t: Tensor) -> Tensor:
    return F.binary_cross_entropy(y.sigmoid(), (t > 0).to(y), reduction="none").sum(-1)


def log_of_one_minus(y: Tensor) -> Tensor:
    return -(1 - y.sigmoid()).log().sum(-1)


def distances(y: Tensor) -> Tensor:
    """The distances of neighbours: the root has no slope at zero."""
    return (y - y.roll(1, -1)).square().sqrt().sum(-1)


def overflows(y: Tensor) -> Tensor:
    return (1 + y.exp()).log().sum(-1)


def changes_outputs(y: Tensor, t: Tensor) -> Tensor:
    return y.sub_(t).square().sum(-1)


def changes_target(y: Tensor, t: Tensor) -> Tensor:
    t -= t.mean()
    return (y - t).square().sum(-1)


def weighs_by_position(y: Tensor, t: Tensor) -> Tensor:
    return smooth(y, t) * torch.arange(1.0, len(y) + 1).to(y)


def weighs_by_coordinate(y: Tensor, t: Tensor) -> Tensor:
    return ((y - t).square() * torch.arange(1.0, y.shape[-1] + 1).to(y)).sum(-1)


def batch_statistics(y: Tensor, t: Tensor) -> Tensor:
    return smooth((y - y.mean(0)) / (y.std(0) + 1e-3), t)


def masked_mean(y: Tensor, t: Tensor, mask: Tensor) -> Tensor:
    """The padding is in the normaliser."""
    return ((y - t).square() * mask).sum(-1) / y.square().sum(-1)


def detached_padding(y: Tensor, t: Tensor, mask: Tensor) -> Tensor:
    """The padding is in a normaliser that gets no gradient."""
    return ((y - t).square() * mask).sum(-1) / y.detach().square().sum(-1)


def second_looks_at_first(y: Tensor, *, first: int) -> Tensor:
    """One sample of a batch depends on another one, and not the other way."""
    factor = torch.ones(len(y)).to(y)
    factor[1 - first] = 1 + y[first].detach().square().sum()
    return y.square().sum(-1) * factor


def masked_after_the_softmax(y: Tensor, mask: Tensor) -> Tensor:
    return -(y.log_softmax(-1) * mask).sum(-1)


class WithDerivatives:
    """½‖y - t‖⁴ with its derivatives, or wrong ones."""

    def __init__(
        self, *, gradient: float = 1.0, curvature: float = 1.0, value: float = 1.0
    ) -> None:
        self.factors = value, gradient, curvature

    def __call__(self, y: Tensor, t: Tensor) -> Tensor:
        return (y - t).square().sum(-1).square() / 2

    def derivatives(self, y: Tensor, t: Tensor) -> LossDerivatives:
        d = y - t
        s = d.square().sum(-1)
        value, gradient, curvature = self.factors
        H = 2 * s[:, None, None] * torch.eye(d.shape[1]).to(d) + 4 * curvature * (
            d[:, :, None] * d[:, None, :]
        )
        return LossDerivatives(value * self(y, t), gradient * 2 * s[:, None] * d, H)


def random_loss(y: Tensor) -> Tensor:
    return (y + torch.randn_like(y)).square().sum(-1)


class SecondOrderDetached(torch.autograd.Function):
    """The cube, whose backward is a Function with a wrong backward."""

    @staticmethod
    def forward(ctx: Any, y: Tensor) -> Tensor:
        ctx.save_for_backward(y)
        return y**3

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return 3 * grad * y * y.detach()


# --- Broken wrappers --------------------------------------------------------------------------


def newton_loss(loss: Any, outputs: Any, *args: Any, factor: float, **options: Any) -> Tensor:
    """Its gradient is multiplied by a factor."""
    value = newton_optim.newton_loss(loss, outputs, *args, **options)
    return value.detach() + factor * (value - value.detach())


def forgets_the_mean(loss: Any, outputs: Any, *args: Any, **options: Any) -> Tensor:
    """Takes the derivatives of a mean for those of the samples."""
    return newton_optim.newton_loss(loss, outputs, *args, **{**options, "reduction": "sum"})


def fixed_target(loss: Any, outputs: Any, *args: Any, **options: Any) -> Tensor:
    """`⟨y, y - z*⟩`: the gradient is right, the Hessian is zero."""
    z_star = newton_optim.newton_target(loss, outputs, *args, **options)
    pull = (outputs * (outputs - z_star).detach()).sum()
    pull = pull + 0.0 * outputs.square().sum()
    return pull / len(outputs) if options["reduction"] == "mean" else pull


def no_square(loss: Any, outputs: Any, *args: Any, **options: Any) -> Tensor:
    """`‖y - z*‖²` without the half."""
    z_star = newton_optim.newton_target(loss, outputs, *args, **options)
    total = (outputs - z_star.detach()).square().sum()
    return total / len(outputs) if options["reduction"] == "mean" else total


class KeepsGradients(NewtonLossOptimizer):
    """Adds to the gradients of the last step."""

    def step(self, closure: Any = None) -> Any:
        outputs, loss, *args = closure()
        value = newton_optim.newton_loss(loss, outputs, *args, curvature="identity", damping=0.0)
        value.backward()
        return self.base.step()


class StepsTwice(NewtonLossOptimizer):
    """Steps the base twice."""

    def step(self, closure: Any = None) -> Any:
        super().step(closure)
        return self.base.step()


class ScaledIdentity:
    """A curvature whose λ counts twice."""

    second_order = False

    def newton_step(self, derivatives: LossDerivatives, damping: Any) -> Tensor:
        return derivatives.gradient / (1 + 2 * damping)


INDEFINITE = torch.tensor([[0.6, 0.6, 0.6], [0.7, 0.7, 0.7]])


def saddle(y: Tensor) -> Tensor:
    return y[:, 0].square() - 2 * y[:, 1].square() + y[:, 2].square()


class Uphill:
    """The raw Newton step, said to be definite."""

    def newton_step(self, derivatives: LossDerivatives, damping: Any) -> Tensor:
        return Hessian(eigenvalues="raw").newton_step(derivatives, damping)
