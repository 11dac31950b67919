"""A first derivative whose own derivative is refused: one sample has no covariance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import Function, FunctionCtx


def second_derivative_error() -> ValueError:
    """The error for second derivatives from one sample."""
    return ValueError(
        "num_samples must be at least 2 for the second derivatives of a FenchelYoungLoss, got 1: "
        'use more, or curvature="fisher", which needs first derivatives only'
    )


def differentiable_once(theta: Tensor) -> Tensor:
    """``theta``; second derivatives of anything computed from it raise, under every transform."""
    return _differentiable_once(theta)


class _DifferentiableOnce(Function):
    """The identity, whose derivative depends on its input through `_ZeroWithoutDerivative`."""

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
        return gradient + _zero_without_derivative(*ctx.saved_tensors)

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        return tangent + _zero_without_derivative(*ctx.saved_tensors)


class _ZeroWithoutDerivative(Function):
    """Zeros whose derivative raises."""

    generate_vmap_rule = True

    @staticmethod
    def forward(theta: Tensor) -> Tensor:
        return torch.zeros_like(theta)

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Any, ...], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        raise second_derivative_error()

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        raise second_derivative_error()


_differentiable_once: Callable[[Tensor], Tensor] = _DifferentiableOnce.apply
_zero_without_derivative: Callable[[Tensor], Tensor] = _ZeroWithoutDerivative.apply
