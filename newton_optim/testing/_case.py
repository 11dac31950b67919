"""A loss at its outputs and arguments: what every property looks at."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from newton_optim._checks import check_choice, describe
from newton_optim._derivatives import Products, check_loss_value, evaluate_tensor
from newton_optim._outputs import Outputs, flatten_outputs
from newton_optim._reduction import REDUCTIONS


class UnusableLossError(AssertionError):
    """The loss raised, or gave what no door can take: no property can be looked at."""


@dataclass(frozen=True)
class Evaluation:
    """A loss and its derivatives on the scale of the single sample.

    Args:
        value: as the loss gave it, shape `()` or `(N,)`.
        total: the sum of the single samples' losses, 0-dim.
        gradient: `g_i`, shape `(N, m)`.
        products: from vectors `(k, N, m)` to their products with the full Hessian.
    """

    value: Tensor
    total: Tensor
    gradient: Tensor
    products: Products

    @property
    def hessian(self) -> Tensor:
        """`H_i`, shape `(N, m, m)`; where samples are coupled, the sums of its columns."""
        N, m = self.gradient.shape
        basis = torch.eye(m, dtype=self.gradient.dtype, device=self.gradient.device)
        return self.products(basis[:, None, :].expand(m, N, m)).permute(1, 2, 0)


@dataclass(frozen=True)
class Case:
    """A loss, its outputs and its arguments, all of one dtype.

    Args:
        loss_fn: `loss_fn(outputs, *args)` gives a loss of shape `()` or `(N,)`.
        outputs: detached.
        args: further arguments; a tensor among them whose first dimension is N has one row a
            sample.
        reduction: how a 0-dim loss was reduced.
    """

    loss_fn: Callable[..., Any]
    outputs: Outputs
    args: tuple[Any, ...]
    reduction: str

    @classmethod
    def checked(
        cls,
        loss_fn: Any,
        outputs: Any,
        args: tuple[Any, ...],
        reduction: Any,
        *,
        dtype: torch.dtype | None = torch.float64,
    ) -> Case:
        """The case in ``dtype`` (`None`: that of the outputs, at least float32).

        Raises:
            TypeError: if an argument of the kit is of the wrong kind.
            ValueError: if a value or shape is wrong.
        """
        if isinstance(loss_fn, type) or not callable(loss_fn):
            raise TypeError(f"loss_fn must be a callable, got {describe(loss_fn)}")
        check_choice("reduction", reduction, REDUCTIONS)
        flat = flatten_outputs(outputs).detached()
        return cls(loss_fn, flat, args, reduction).to(dtype or flat.dtype)

    def to(self, dtype: torch.dtype) -> Case:
        """The same with all floating-point tensors in ``dtype``, those of a module included."""

        def cast(tensor: Tensor) -> Tensor:
            return tensor.detach().to(dtype) if tensor.is_floating_point() else tensor.detach()

        outputs = replace(self.outputs, parts=[cast(part) for part in self.outputs.parts])
        return Case(
            _cast_loss(self.loss_fn, cast, dtype),
            outputs,
            tuple(map_tensors(cast, arg) for arg in self.args),
            self.reduction,
        )

    @property
    def y(self) -> Tensor:
        """The outputs as one matrix `(N, m)`."""
        return self.outputs.join(self.outputs.parts)

    @property
    def num_samples(self) -> int:
        """N."""
        return self.outputs.num_samples

    @property
    def given(self) -> Any:
        """The outputs in the structure that they came in."""
        return self.outputs.rebuild([part.clone() for part in self.outputs.parts])

    def at(self, y: Tensor) -> Case:
        """The same at other outputs, a matrix `(N, m)`."""
        parts = [
            part.to(own.dtype)
            for part, own in zip(self.outputs.split(y), self.outputs.parts, strict=True)
        ]
        return replace(self, outputs=replace(self.outputs, parts=parts))

    def taken(self, order: Tensor) -> Case:
        """The samples in this order (left out or repeated, if it says so), arguments with them."""
        N = self.num_samples

        def take(tensor: Tensor) -> Tensor:
            own = tensor.dim() > 0 and tensor.shape[0] == N
            return tensor[order.to(tensor.device)] if own else tensor

        parts = [take(part) for part in self.outputs.parts]
        outputs = replace(self.outputs, parts=parts)
        return replace(self, outputs=outputs, args=map_tensors(take, self.args))

    def evaluate(self, *, second_order: bool = False) -> Evaluation:
        """Value, gradient and, if asked for, Hessian products, by autograd.

        Raises:
            UnusableLossError: if the loss raises or no door can take what it gives.
        """
        leaves = [part.detach().clone().requires_grad_() for part in self.outputs.parts]
        outputs = replace(self.outputs, parts=leaves)
        try:
            with torch.enable_grad():
                # A copy: the loss may be one that changes its inputs.
                loss = self.loss_fn(
                    outputs.rebuild([part.clone() for part in leaves]), *self.copied_args()
                )
        except Exception as error:
            raise UnusableLossError(f"the loss raised {type(error).__name__}: {error}") from error
        try:
            value = check_loss_value(loss, self.num_samples)
        except (TypeError, ValueError) as error:
            raise UnusableLossError(f"no door takes what the loss gives: {error}") from error
        try:
            found = evaluate_tensor(value, outputs, self.reduction, second_order=second_order)
        except Exception as error:
            raise UnusableLossError(f"the loss has no derivative: {error}") from error
        return Evaluation(
            found.value, self._total(found.value), found.gradient, _told(found.products)
        )

    def copied_args(self) -> tuple[Any, ...]:
        """The arguments, for a loss that may change them."""
        return tuple(map_tensors(Tensor.clone, arg) for arg in self.args)

    def _total(self, value: Tensor) -> Tensor:
        is_mean = value.dim() == 0 and self.reduction == "mean"
        return value.sum() * (self.num_samples if is_mean else 1)


def map_tensors(function: Callable[[Tensor], Tensor], value: Any) -> Any:
    """The same with ``function`` applied to every tensor, also in tuples, lists and dicts."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, dict):
        return {key: map_tensors(function, item) for key, item in value.items()}
    if type(value) in {tuple, list}:
        return type(value)(map_tensors(function, item) for item in value)
    return value


def _cast_loss(
    loss_fn: Callable[..., Any], cast: Callable[[Tensor], Tensor], dtype: torch.dtype
) -> Callable[..., Any]:
    if isinstance(loss_fn, functools.partial):
        inner = _cast_loss(loss_fn.func, cast, dtype)
        args, keywords = map_tensors(cast, loss_fn.args), map_tensors(cast, loss_fn.keywords)
        return functools.partial(inner, *args, **keywords)
    if isinstance(loss_fn, nn.Module) and [*loss_fn.parameters(), *loss_fn.buffers()]:
        return copy.deepcopy(loss_fn).to(dtype)
    return loss_fn


def _told(products: Products) -> Products:
    """The products, with a refusal told as the loss's."""

    def told(vectors: Tensor) -> Tensor:
        try:
            return products(vectors)
        except ValueError as error:
            raise UnusableLossError(str(error)) from error

    return told
