"""The softmax operators' ranking loss and its gradient, computed together, as one node of autograd.

Training needs both. In closed form they share almost all of their operations, and the backward pass
is one product.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from newton_optim.sorting._neural_sort import NeuralSort
from newton_optim.sorting._soft_sort import SoftSort
from newton_optim.sorting._softmax_derivatives import closed_form

Given = tuple[NeuralSort | SoftSort, Tensor, Tensor, Tensor | None, Tensor | None]


def fused_loss(
    operator: NeuralSort | SoftSort,
    scores: Tensor,
    order: Tensor,
    mask: Tensor | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """The loss of each sample, `(...,)`, differentiable to any order, in either mode.

    Args:
        operator: the operator.
        scores: shape `(..., n)`, finite where absent.
        order: the elements in their true ascending order, the absent ones last, `(..., n)`.
        mask: which elements are present, `(..., n)`; all for ``None``.
        weights: the factor of each ascending rank's row, `(..., n)` or `(n,)`; `1/n²` for ``None``.
    """
    value: Tensor = _ValueAndGradient.apply(operator, scores, order, mask, weights)[0]
    return value


class _ValueAndGradient(torch.autograd.Function):
    """`(l, g)` of each sample, whose derivatives by the scores are `(g, H)`.

    The gradient is an output, so that what the backward pass returns has itself a graph.
    """

    @staticmethod
    def forward(
        operator: NeuralSort | SoftSort,
        scores: Tensor,
        order: Tensor,
        mask: Tensor | None,
        weights: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        found = closed_form(operator, scores, order, mask, weights)
        return found.value, found.gradient

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: Given, output: tuple[Tensor, Tensor]) -> None:
        operator, *tensors = inputs
        ctx.operator = operator  # type: ignore[attr-defined]
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors, output[1])
        ctx.save_for_forward(*tensors, output[1])

    @staticmethod
    def backward(
        ctx: Any, value_bar: Tensor | None, gradient_bar: Tensor | None
    ) -> tuple[None, Tensor | None, None, None, None]:
        *given, gradient = ctx.saved_tensors
        parts = []
        if value_bar is not None:
            parts.append(value_bar.unsqueeze(-1) * gradient)
        if gradient_bar is not None:
            parts.append(_hessian_product(ctx.operator, given, gradient_bar))
        total = sum(parts[1:], start=parts[0]).to(given[0].dtype) if parts else None
        return None, total, None, None, None

    @staticmethod
    def jvp(ctx: Any, _: None, tangent: Tensor, *others: None) -> tuple[Tensor, Tensor]:
        *given, gradient = ctx.saved_tensors
        tangent = tangent.to(gradient.dtype)
        product = _hessian_product(ctx.operator, given, tangent)
        return (gradient * tangent).sum(dim=-1), product

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], operator: NeuralSort | SoftSort, *tensors: Any
    ) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        """One more dimension of the batch, the first."""
        moved = [
            _batched(tensor, dim, info.batch_size)
            for tensor, dim in zip(tensors, in_dims[1:], strict=True)
        ]
        return _ValueAndGradient.apply(operator, *moved), (0, 0)


def _hessian_product(operator: NeuralSort | SoftSort, given: Any, vector: Tensor) -> Tensor:
    hessian = closed_form(operator, *given).hessian
    assert hessian is not None
    return (hessian * vector.unsqueeze(-2)).sum(dim=-1)


def _batched(tensor: Tensor | None, dim: int | None, size: int) -> Tensor | None:
    if tensor is None:
        return None
    return tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
