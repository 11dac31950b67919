"""A loss bound to its arguments, evaluated wherever a measurement asks; it changes nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from newton_optim._derivatives import (
    LossDerivatives,
    Request,
    check_loss_value,
    evaluate,
    loss_derivatives,
)
from newton_optim._outputs import Outputs
from newton_optim._step import NewtonSettings, NewtonStep, newton_step
from newton_optim.curvature._base import Curvature
from newton_optim.curvature._damping import Damping


class LossFailedError(Exception):
    """What the loss raised, or what is wrong with what it gave; the cause is chained."""


@dataclass(frozen=True)
class Probe:
    """The loss, as a function of a matrix of outputs `(N, m)` and of its dtype.

    Args:
        loss_fn: the loss. A module with parameters or buffers is copied for each evaluation.
        outputs: whose structure the loss is handed.
        args: its further arguments, cast to the dtype of the matrix, copied for each evaluation.
        kwargs: its keyword arguments, likewise.
        reduction: how a 0-dim loss was reduced.
        seed: of PyTorch's global generators, before each evaluation; they are put back after it.
        form: how the loss is handed to the library, "callable" or "tensor".
    """

    loss_fn: Callable[..., Any]
    outputs: Outputs
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    reduction: str
    seed: int
    form: str = "callable"

    @property
    def matrix(self) -> Tensor:
        """The outputs, detached, `(N, m)`, in the dtype of the algebra."""
        return self.outputs.matrix

    def value(self, y: Tensor) -> Tensor:
        """The loss at ``y``, of shape `()` or `(N,)`.

        Raises:
            LossFailedError: if the loss raises, or gives anything else.
        """
        with self._evaluating(y), torch.no_grad():
            loss_fn, outputs, args, kwargs = self._at(y)
            value = loss_fn(outputs.rebuild(outputs.parts), *args, **kwargs)
            return check_loss_value(value, len(y))

    def derivatives(self, y: Tensor, *, second_order: bool = False) -> LossDerivatives:
        """Value and gradient at ``y``; the Hessian only where ``second_order``.

        Samples that are not finite are left out.

        Raises:
            LossFailedError: if the loss raises or cannot be differentiated.
        """
        with self._evaluating(y):
            if second_order:
                found = evaluate(*self._bound(y), self.reduction, Request("hessian"))
                if found.own_hessian is None:
                    found.products(torch.ones_like(y)[None])  # Raises where there is none.
            return loss_derivatives(*self._bound(y), self.reduction, Request("gradient"))[1]

    def hessian(self, y: Tensor) -> LossDerivatives:
        """The same with all Hessians computed."""
        with self._evaluating(y):
            return loss_derivatives(*self._bound(y), self.reduction, Request("hessian"))[1]

    def step(self, y: Tensor, curvature: Curvature, damping: Damping | None) -> NewtonStep:
        """One Newton step from ``y``.

        Raises:
            LossFailedError: if the loss raises or lacks a derivative that the curvature asks for.
        """
        settings = NewtonSettings.checked(curvature, damping, self.reduction, False)
        with self._evaluating(y):
            loss, outputs, args, kwargs = self._bound(y)
            return newton_step(loss, outputs.rebuild(outputs.parts), args, kwargs, settings)

    def _bound(self, y: Tensor) -> tuple[Any, Outputs, tuple[Any, ...], Mapping[str, Any]]:
        """The loss in its form, the outputs, and the arguments that are left to hand over."""
        loss_fn, outputs, args, kwargs = self._at(y)
        if self.form == "callable":
            return loss_fn, outputs, args, kwargs
        parts = [part.clone().requires_grad_() for part in outputs.parts]
        outputs = Outputs(parts, outputs.names, outputs.rebuild)
        loss = loss_fn(outputs.rebuild(list(parts)), *args, **kwargs)
        return loss, outputs, (), {}

    def _at(
        self, y: Tensor
    ) -> tuple[Callable[..., Any], Outputs, tuple[Any, ...], Mapping[str, Any]]:
        """Copies of all that the loss may touch, in the dtype of ``y``."""
        parts = self.outputs.split(y.detach().clone())
        outputs = Outputs(parts, self.outputs.names, self.outputs.rebuild)
        args, kwargs = _copies((self.args, dict(self.kwargs)), y.dtype)
        return _own_copy(self.loss_fn, y.dtype), outputs, args, kwargs

    @contextmanager
    def _evaluating(self, y: Tensor) -> Iterator[None]:
        """From the seed, autograd on, autocast off; what goes wrong is a LossFailedError."""
        try:
            with (
                _from_seed(self.seed, y.device),
                torch.enable_grad(),
                torch.autocast(y.device.type, enabled=False),
            ):
                yield
        except Exception as error:
            raise LossFailedError(f"{type(error).__name__}: {error}") from error


@contextmanager
def _from_seed(seed: int, device: torch.device) -> Iterator[None]:
    on_cuda = device.type == "cuda"
    with torch.random.fork_rng([device] if on_cuda else []):
        torch.default_generator.manual_seed(seed)
        if on_cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def _copies(value: Any, dtype: torch.dtype) -> Any:
    """``value`` with copies of its tensors, floating-point ones in ``dtype``."""
    if isinstance(value, Tensor):
        return value.detach().to(dtype if value.is_floating_point() else value.dtype, copy=True)
    if type(value) in {tuple, list}:
        return type(value)(_copies(entry, dtype) for entry in value)
    if type(value) is dict:
        return {key: _copies(entry, dtype) for key, entry in value.items()}
    return value


def _own_copy(loss_fn: Callable[..., Any], dtype: torch.dtype) -> Callable[..., Any]:
    if isinstance(loss_fn, nn.Module) and (
        next(loss_fn.parameters(), None) is not None or next(loss_fn.buffers(), None) is not None
    ):
        return copy.deepcopy(loss_fn).to(dtype)
    return loss_fn
