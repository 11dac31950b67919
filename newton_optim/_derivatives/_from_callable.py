"""The derivatives of a loss that is a callable, through `torch.func`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from newton_optim._derivatives._evaluation import Evaluation, check_loss_value
from newton_optim._derivatives._functional import VectorJacobian, batched_vjp, call_functional
from newton_optim._derivatives._hidden import custom_functions, refusal
from newton_optim._outputs import Outputs
from newton_optim._reduction import per_sample_factor


def evaluate_callable(
    loss: Callable[[Any], Any],
    outputs: Outputs,
    reduction: str,
    *,
    second_order: bool,
    chunk_size: int | None = None,
) -> Evaluation:
    """Value, gradient and Hessian-vector products of `loss(outputs)`.

    The loss is called once. It is handed a copy of the outputs in float32 (float64 if they are), so
    that it may change them in place. The Hessian is the Jacobian of `torch.func.grad` in reverse
    mode.

    Args:
        loss: a callable of the outputs alone, which returns a tensor of shape `()` or `(N,)`.
        outputs: where it is evaluated.
        reduction: how a 0-dim loss is reduced: "mean" or "sum".
        second_order: whether the products are going to be asked for.
        chunk_size: how many products are computed at once; all by default.

    Raises:
        TypeError: if it does not return a floating-point tensor.
        ValueError: if what it returns has the wrong shape, does not depend on the outputs, or, with
            ``second_order``, hides its second derivative.
    """
    total = _total(loss, outputs, reduction, second_order)
    if not second_order:
        gradient, value = call_functional(torch.func.grad(total, has_aux=True), outputs.matrix)
        return Evaluation(value.detach(), gradient.detach())
    gradient, vjp, value, is_linear = _gradient_and_vjp(total, outputs.matrix)

    def products(vectors: Tensor) -> Tensor:
        if is_linear:
            raise refusal("is linear in the outputs, or its backward leaves autograd")
        return batched_vjp(vjp, vectors, chunk_size)

    return Evaluation(value.detach(), gradient.detach(), products)


def _total(
    loss: Callable[[Any], Any], outputs: Outputs, reduction: str, second_order: bool
) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """The sum of all samples' own losses as a function of the matrix of outputs."""
    N = outputs.num_samples

    def total(matrix: Tensor) -> tuple[Tensor, Tensor]:
        value = check_loss_value(loss(outputs.rebuild(outputs.split(matrix.clone()))), N)
        if not value.requires_grad:
            raise ValueError("loss must be computed from the outputs: it does not depend on them")
        if second_order and not torch.compiler.is_compiling():
            custom_functions(value)
        value = value.to(matrix.dtype)
        return value.sum() * per_sample_factor(value, N, reduction), value

    return total


def _gradient_and_vjp(
    total: Callable[[Tensor], tuple[Tensor, Tensor]], matrix: Tensor
) -> tuple[Tensor, VectorJacobian, Tensor, bool]:
    """The gradient, its vector-Jacobian product, the value, and whether the loss is linear."""
    has_graph = []

    def gradient(matrix: Tensor) -> tuple[Tensor, Tensor]:
        g, value = torch.func.grad(total, has_aux=True)(matrix)
        has_graph.append(g.requires_grad)
        return g, value

    g, vjp, value = call_functional(lambda y: torch.func.vjp(gradient, y, has_aux=True), matrix)
    return g, vjp, value, not has_graph[0]
