"""A loss bound to its arguments, evaluated wherever a measurement asks.

No other module of the diagnosis calls the library's core.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_integer, describe
from newton_optim._derivatives import (
    LossDerivatives,
    Request,
    ResidualForm,
    check_loss_value,
    evaluate,
    loss_derivatives,
)
from newton_optim._diagnosis._sandbox import (
    LossFailedError,
    copy_arguments,
    copy_loss,
    evaluating,
)
from newton_optim._outputs import Outputs, flatten_outputs
from newton_optim._reduction import check_reduction, reduce_loss
from newton_optim._step import NewtonSettings, newton_step
from newton_optim.curvature import Hessian
from newton_optim.curvature._base import Curvature
from newton_optim.curvature._damping import Damping

_Bound = tuple[Any, Outputs, tuple[Any, ...], Mapping[str, Any]]


@dataclass(frozen=True)
class Derivatives:
    """Value and gradient of every sample's own loss.

    Args:
        value: the losses, `(N,)`.
        gradient: the gradients, `(N, m)`; zero for samples that are left out.
        kept: which samples are finite and therefore count, `(N,)`.
    """

    value: Tensor
    gradient: Tensor
    kept: Tensor


@dataclass(frozen=True)
class SecondDerivatives(Derivatives):
    """The same with the Hessians.

    Args:
        hessian: the Hessians, `(N, m, m)`; zero for samples that are left out.
    """

    hessian: Tensor

    def newton_step(self) -> Tensor:
        """The step with the default Hessian, `(N, m)`."""
        return Hessian().newton_step(LossDerivatives(self.value, self.gradient, self.hessian))


@dataclass(frozen=True)
class Probe:
    """The loss, as a function of a matrix of outputs `(N, m)` and of its dtype.

    Args:
        loss_fn: the loss. A module with parameters or buffers is copied for each evaluation.
        outputs: the outputs whose structure the loss gets.
        args: its further arguments, cast to the dtype of the matrix, copied for each evaluation.
        kwargs: its keyword arguments, likewise.
        reduction: how a 0-dim loss was reduced.
        seed: the seed of PyTorch's global generators before each evaluation.
        as_tensor: whether the core gets the loss as a tensor instead of as a callable.
    """

    loss_fn: Callable[..., Any]
    outputs: Outputs
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    reduction: str
    seed: int
    as_tensor: bool = False

    @classmethod
    def checked(
        cls,
        loss_fn: Any,
        outputs: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        reduction: Any,
        seed: Any,
    ) -> Probe:
        """A probe of these arguments, or a clear error."""
        if isinstance(loss_fn, type) or not callable(loss_fn):
            raise TypeError(f"loss_fn must be a callable, got {describe(loss_fn)}")
        return cls(
            loss_fn,
            flatten_outputs(outputs).detached(),
            args,
            kwargs,
            check_reduction(reduction),
            check_integer("seed", seed, minimum=0),
        )

    @property
    def matrix(self) -> Tensor:
        """The outputs, detached, `(N, m)`, in the dtype of the algebra."""
        return self.outputs.matrix

    def value(self, y: Tensor) -> Tensor:
        """The loss at ``y``, of shape `()` or `(N,)`.

        Raises:
            LossFailedError: if the loss raises or returns anything else.
        """
        with evaluating(self.seed, y.device), torch.no_grad():
            loss_fn, outputs, args, kwargs = self._copies(y)
            value = loss_fn(outputs.rebuild(outputs.parts), *args, **kwargs)
            return check_loss_value(value, len(y))

    def batch_value(self, y: Tensor) -> float:
        """The loss of the batch at ``y``, reduced; NaN where the loss cannot be evaluated."""
        try:
            return float(reduce_loss(self.value(y), self.reduction))
        except LossFailedError:
            return math.nan

    def derivatives(self, y: Tensor) -> Derivatives:
        """Value and gradient at ``y``.

        Raises:
            LossFailedError: if the loss raises or cannot be differentiated.
        """
        with evaluating(self.seed, y.device):
            found = self._derivatives(y, Request("gradient"))
            assert found.kept is not None
            return Derivatives(found.value, found.gradient, found.kept)

    def second_derivatives(self, y: Tensor) -> SecondDerivatives:
        """Value, gradient and all Hessians at ``y``.

        Raises:
            LossFailedError: if the loss raises or cannot be differentiated twice.
        """
        with evaluating(self.seed, y.device):
            found = self._derivatives(y, Request("hessian"))
            assert found.hessian is not None
            assert found.kept is not None
            return SecondDerivatives(found.value, found.gradient, found.kept, found.hessian)

    def residual_form(self, y: Tensor) -> ResidualForm | None:
        """Jacobians and residuals of the samples that count; ``None`` if the loss has none.

        Raises:
            LossFailedError: if the loss names no parts, or cannot be differentiated.
        """
        with evaluating(self.seed, y.device):
            found = self._derivatives(y, Request("gauss_newton"))
            assert found.kept is not None
            form = found.residual_form
            return form and ResidualForm(form.jacobian[found.kept], form.residual[found.kept])

    def check_second_derivative(self, y: Tensor) -> None:
        """Find out whether there is a second derivative, by one Hessian-vector product.

        Raises:
            LossFailedError: if there is none.
        """
        with evaluating(self.seed, y.device):
            found = evaluate(*self._bound(y), self.reduction, Request("hessian"))
            if found.own_hessian is None:
                found.products(torch.ones_like(y)[None])

    def step(self, y: Tensor, curvature: Curvature, damping: Damping | None) -> Tensor:
        """The Newton step from ``y``, `(N, m)`: it ends at `y - step`.

        Raises:
            LossFailedError: if the loss raises or lacks a derivative that the curvature needs.
        """
        settings = NewtonSettings.checked(curvature, damping, self.reduction, False)
        with evaluating(self.seed, y.device):
            loss, outputs, args, kwargs = self._bound(y)
            structure = outputs.rebuild(outputs.parts)
            return newton_step(loss, structure, args, kwargs, settings).step

    def _derivatives(self, y: Tensor, request: Request) -> LossDerivatives:
        return loss_derivatives(*self._bound(y), self.reduction, request)[1]

    def _bound(self, y: Tensor) -> _Bound:
        """The loss as the core gets it, the outputs, and the arguments that are still to pass."""
        loss_fn, outputs, args, kwargs = self._copies(y)
        if not self.as_tensor:
            return loss_fn, outputs, args, kwargs
        parts = [part.clone().requires_grad_() for part in outputs.parts]
        outputs = Outputs(parts, outputs.names, outputs.rebuild)
        loss = loss_fn(outputs.rebuild(list(parts)), *args, **kwargs)
        return loss, outputs, (), {}

    def _copies(self, y: Tensor) -> _Bound:
        """Copies of everything that the loss could change, in the dtype of ``y``."""
        parts = self.outputs.split(y.detach().clone())
        outputs = Outputs(parts, self.outputs.names, self.outputs.rebuild)
        args, kwargs = copy_arguments((self.args, dict(self.kwargs)), y.dtype)
        return copy_loss(self.loss_fn, y.dtype), outputs, args, kwargs
