"""A first derivative whose own derivative is refused: one sample has no covariance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import Function, FunctionCtx


def refusal() -> ValueError:
    """The error for second derivatives from one sample."""
    return ValueError(
        "num_samples must be at least 2 for the second derivatives of a FenchelYoungLoss, got 1: "
        'use more, or curvature="fisher", which needs first derivatives only'
    )


def differentiable_once(theta: Tensor) -> Tensor:
    """`theta`; second derivatives of what is made of it raise, by whichever transform."""
    return _once(theta)


class _Once(Function):
    """The identity, whose derivative depends on its input through `_Refusal`."""

    generate_vmap_rule = True

    @staticmethod
    def forward(theta: Tensor) -> Tensor:
        return theta.clone()

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient + _refuse(*ctx.saved_tensors)

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        return tangent + _refuse(*ctx.saved_tensors)


class _Refusal(Function):
    """Zeros without a derivative."""

    generate_vmap_rule = True

    @staticmethod
    def forward(theta: Tensor) -> Tensor:
        return torch.zeros_like(theta)

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Any, ...], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        raise refusal()

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        raise refusal()


_once: Callable[[Tensor], Tensor] = _Once.apply
_refuse: Callable[[Tensor], Tensor] = _Refusal.apply
