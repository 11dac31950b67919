"""Elementwise autograd Functions with a backward of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Elementwise = Callable[[Tensor], Tensor]


def elementwise(value: Elementwise, slope: Elementwise, *, once: bool = False) -> Elementwise:
    """A Function of each number, whose backward multiplies by ``slope``.

    It has no ``setup_context``, so that ``torch.func`` refuses it.

    Args:
        value: the forward.
        slope: what the backward takes for its derivative.
        once: whether the backward is marked ``once_differentiable``.
    """

    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return grad * slope(y)

    class Custom(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, y: Tensor) -> Tensor:
            ctx.save_for_backward(y)
            return value(y)

    Custom.backward = staticmethod(once_differentiable(backward) if once else backward)  # type: ignore[method-assign, assignment]
    return lambda y: Custom.apply(y)


def half_square(y: Tensor) -> Tensor:
    return y.square() / 2


def cube(y: Tensor) -> Tensor:
    return y**3
