"""Broken Newton losses, optimisers and curvatures: each violates one property."""

from __future__ import annotations

from typing import Any

from torch import Tensor

import newton_optim
from newton_optim import Hessian, LossDerivatives, NewtonLossOptimizer


def scaled_newton_loss(
    loss: Any, outputs: Any, *args: Any, factor: float, **options: Any
) -> Tensor:
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

    def newton_step(self, derivatives: LossDerivatives, damping: Any) -> Tensor:
        return derivatives.gradient / (1 + 2 * damping)


class Uphill:
    """The raw Newton step, said to be definite."""

    def newton_step(self, derivatives: LossDerivatives, damping: Any) -> Tensor:
        return Hessian(eigenvalues="raw").newton_step(derivatives, damping)
