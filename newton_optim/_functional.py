"""The derivatives of a loss that is a callable, through `torch.func`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from newton_optim._autograd import Products, check_loss_value
from newton_optim._outputs import Outputs
from newton_optim._traceable import custom_functions, refusal


def callable_derivatives(
    loss: Callable[[Any], Any],
    outputs: Outputs,
    reduction: str,
    second_order: bool,
    chunk_size: int | None,
) -> tuple[Tensor, Tensor, Products]:
    """Value, gradient `(N, m)` per sample and Hessian-vector products of ``loss(outputs)``.

    The loss sees a copy of the outputs in float32 (float64 if they are), so that it may change them
    in place; it is called once. The Hessian is the Jacobian of `torch.func.grad` in reverse mode.

    Raises:
        TypeError: if it does not give a floating-point tensor.
        ValueError: if what it gives has the wrong shape, does not depend on the outputs, or, with
            ``second_order``, hides its second derivative.
    """
    matrix = outputs.matrix
    if not second_order:
        total = _total(loss, outputs, reduction, second_order)
        gradient, value = call_functional(torch.func.grad(total, has_aux=True), matrix)
        value, gradient = value.detach(), gradient.detach()

        def recompute(vectors: Tensor) -> Tensor:
            return callable_derivatives(loss, outputs, reduction, True, chunk_size)[2](vectors)

        return value, gradient, recompute
    gradient, vjp, value, is_linear = _gradient_and_vjp(loss, outputs, reduction, matrix)

    def products(vectors: Tensor) -> Tensor:
        if is_linear:
            raise refusal("is linear in the outputs, or its backward leaves autograd")
        return batched(vjp, vectors, chunk_size)

    return value.detach(), gradient.detach(), products


def _total(
    loss: Callable[[Any], Any], outputs: Outputs, reduction: str, second_order: bool
) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """The sum of the single samples' losses as a function of the matrix of outputs."""
    N = outputs.num_samples

    def total(matrix: Tensor) -> tuple[Tensor, Tensor]:
        value = check_loss_value(loss(outputs.rebuild(outputs.split(matrix.clone()))), N)
        if not value.requires_grad:
            raise ValueError("loss must be computed from the outputs: it does not depend on them")
        if second_order and not torch.compiler.is_compiling():
            custom_functions(value)
        value = value.to(matrix.dtype)
        scale = N if value.dim() == 0 and reduction == "mean" else 1
        return value.sum() * scale, value

    return total


def _gradient_and_vjp(
    loss: Callable[[Any], Any], outputs: Outputs, reduction: str, matrix: Tensor
) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor]], Tensor, bool]:
    has_graph = []

    def gradient(matrix: Tensor) -> tuple[Tensor, Tensor]:
        total = _total(loss, outputs, reduction, True)
        g, value = torch.func.grad(total, has_aux=True)(matrix)
        has_graph.append(g.requires_grad)
        return g, value

    g, vjp, value = call_functional(lambda y: torch.func.vjp(gradient, y, has_aux=True), matrix)
    return g, vjp, value, not has_graph[0]


def batched(
    vjp: Callable[[Tensor], tuple[Tensor]], vectors: Tensor, chunk_size: int | None
) -> Tensor:
    """All products at once; one at a time where an operation has no batching rule."""
    try:
        return torch.func.vmap(lambda v: vjp(v)[0], chunk_size=chunk_size)(vectors).detach()
    except RuntimeError:
        rows: Tensor = call_functional(lambda v: torch.stack([vjp(row)[0] for row in v]), vectors)
        return rows.detach()


def call_functional(function: Callable[[Tensor], Any], argument: Tensor) -> Any:
    """Call, with what autograd or `torch.func` cannot do told as a ``ValueError``."""
    try:
        return function(argument)
    except RuntimeError as error:
        raise ValueError(
            f"loss cannot be differentiated by torch.func: {error} Pass the loss as a tensor, "
            'which takes the way of torch.autograd, or use curvature="fisher", or give it a '
            "`derivatives` method"
        ) from error
