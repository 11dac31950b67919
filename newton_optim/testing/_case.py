"""A loss at its outputs and arguments: what every property is checked on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from newton_optim import LossDerivatives
from newton_optim._checks import describe
from newton_optim._outputs import Outputs, flatten_outputs
from newton_optim.testing._cast import cast_loss, map_bound, map_tensors
from newton_optim.testing._core import (
    batch_factor,
    check_reduction,
    gauss_newton_matrices,
    reduce_loss,
    stated_derivatives,
)
from newton_optim.testing._evaluation import Evaluation, UnusableLossError, evaluate


@dataclass(frozen=True)
class Case:
    """A loss, its outputs and its arguments, all of one dtype.

    Args:
        loss_fn: ``loss_fn(outputs, *args)`` returns a loss of shape `()` or `(N,)`.
        outputs: detached.
        args: further arguments; a tensor among them whose first dimension is N has one row per
            sample.
        reduction: how a 0-dim loss was reduced.
        mask: which outputs count, boolean, in the shape of the outputs; ``None`` if all do.
        promises: what the loss is declared to be, of ``PROMISES``.
    """

    loss_fn: Callable[..., Any]
    outputs: Outputs
    args: tuple[Any, ...]
    reduction: str
    mask: Tensor | None = None
    promises: frozenset[str] = frozenset()

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
        """The case in ``dtype``; ``None`` is the dtype of the outputs, at least float32.

        Raises:
            TypeError: if ``loss_fn``, ``outputs`` or ``reduction`` is of the wrong kind.
            ValueError: if ``outputs`` or ``reduction`` has a wrong shape or value.
        """
        if isinstance(loss_fn, type) or not callable(loss_fn):
            raise TypeError(f"loss_fn must be a callable, got {describe(loss_fn)}")
        check_reduction(reduction)
        flat = flatten_outputs(outputs).detached()
        return cls(loss_fn, flat, args, reduction).to(dtype or flat.dtype)

    def to(self, dtype: torch.dtype) -> Case:
        """The case with all floating-point tensors in ``dtype``, those of a module included."""

        def cast(tensor: Tensor) -> Tensor:
            return tensor.detach().to(dtype) if tensor.is_floating_point() else tensor.detach()

        outputs = replace(self.outputs, parts=[cast(part) for part in self.outputs.parts])
        args = tuple(map_tensors(cast, arg) for arg in self.args)
        loss_fn = cast_loss(self.loss_fn, cast, dtype)
        return replace(self, loss_fn=loss_fn, outputs=outputs, args=args)

    @property
    def y(self) -> Tensor:
        """The outputs as one matrix `(N, m)`."""
        return self.outputs.matrix

    @property
    def num_samples(self) -> int:
        """N."""
        return self.outputs.num_samples

    @property
    def targets(self) -> list[Tensor]:
        """The arguments that hold one real number for each output, as matrices `(N, m)`."""
        if len(self.outputs.parts) != 1:
            return []
        shape = self.outputs.parts[0].shape
        tensors = (arg for arg in self.args if isinstance(arg, Tensor))
        real = (arg for arg in tensors if arg.is_floating_point() and arg.shape == shape)
        return [arg.reshape(self.y.shape) for arg in real]

    @property
    def batch_factor(self) -> int:
        """The factor from a gradient that reaches the network to the per-sample scale: N or 1."""
        return batch_factor(self.num_samples, self.reduction)

    @property
    def structured_outputs(self) -> Any:
        """A copy of the outputs, in the structure in which they were given."""
        return self.outputs.rebuild([part.clone() for part in self.outputs.parts])

    def at(self, y: Tensor) -> Case:
        """The case at other outputs, a matrix `(N, m)`."""
        parts = [
            part.to(own.dtype)
            for part, own in zip(self.outputs.split(y), self.outputs.parts, strict=True)
        ]
        return replace(self, outputs=replace(self.outputs, parts=parts))

    def select(self, samples: Tensor) -> Case:
        """The samples with these indices, in this order, with their arguments and mask.

        Tensors that ``functools.partial`` binds stay, unless they are a mask: boolean, and of the
        shape of the outputs.
        """
        N, shapes = self.num_samples, [part.shape for part in self.outputs.parts]

        def rows(tensor: Tensor) -> Tensor:
            is_per_sample = tensor.dim() > 0 and tensor.shape[0] == N
            return tensor[samples.to(tensor.device)] if is_per_sample else tensor

        outputs = replace(self.outputs, parts=[rows(part) for part in self.outputs.parts])

        def rows_of_mask(tensor: Tensor) -> Tensor:
            is_mask = tensor.dtype == torch.bool and tensor.shape in shapes
            return rows(tensor) if is_mask else tensor

        return replace(
            self,
            loss_fn=map_bound(rows_of_mask, self.loss_fn),
            outputs=outputs,
            args=map_tensors(rows, self.args),
            mask=None if self.mask is None else rows(self.mask),
        )

    def copied_args(self) -> tuple[Any, ...]:
        """The arguments, for a loss that may change them."""
        return tuple(map_tensors(Tensor.clone, arg) for arg in self.args)

    def evaluate(self, *, second_order: bool = False) -> Evaluation:
        """Value, gradient and, if asked for, Hessian products, by autograd, in a new call.

        Raises:
            UnusableLossError: if the loss raises or no entry point accepts what it returns.
        """
        return evaluate(
            self.loss_fn,
            self.outputs,
            self.copied_args(),
            self.reduction,
            second_order=second_order,
        )

    @functools.cached_property
    def twice_evaluated(self) -> Evaluation:
        """The evaluation with Hessian products, made once.

        Raises:
            UnusableLossError: if the loss raises, or hides its second derivative.
        """
        return self.evaluate(second_order=True)

    @functools.cached_property
    def evaluation(self) -> Evaluation:
        """The evaluation, made once; with Hessian products if the loss has them.

        Raises:
            UnusableLossError: if the loss raises or no entry point accepts what it returns.
        """
        try:
            return self.twice_evaluated
        except UnusableLossError:
            return self.evaluate()

    def scalar_loss(self, outputs: Any) -> Tensor:
        """The loss of these structured outputs as a 0-dim tensor, with its graph."""
        return reduce_loss(self.loss_fn(outputs, *self.copied_args()), self.reduction)

    @functools.cached_property
    def stated_derivatives(self) -> LossDerivatives:
        """What the ``derivatives`` method of the loss returns, computed once.

        Raises:
            UnusableLossError: if it raises, or returns something else.
        """
        try:
            return stated_derivatives(
                self.loss_fn, self.outputs, self.copied_args(), self.reduction
            )
        except Exception as error:
            raise UnusableLossError(
                f"`derivatives` raised {type(error).__name__}: {error}"
            ) from error

    def gauss_newton(self) -> Tensor:
        """The Gauss-Newton matrices of a composed loss, `(N, m, m)`."""
        return gauss_newton_matrices(self.loss_fn, self.outputs, self.copied_args(), self.reduction)
