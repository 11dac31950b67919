"""The softmax operators' ranking loss and its gradient, computed together, as one node of autograd.

Training needs both. In closed form they share almost all of their operations, and the backward pass
is one product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from newton_optim.sorting._neural_sort import NeuralSort
from newton_optim.sorting._soft_sort import SoftSort
from newton_optim.sorting._softmax_derivatives import closed_form


def fusing() -> bool:
    """Whether a loss that is computed now is differentiated by autograd, if at all.

    Under ``no_grad`` the value is enough. ``torch.compile`` fuses plain operations itself, and
    `torch.func` differentiates them: forward mode twice over, a node of autograd would be taken for
    a constant.
    """
    if torch.compiler.is_compiling() or not torch.is_grad_enabled():
        return False
    # There is no public way to ask.
    return not torch._C._are_functorch_transforms_active()  # noqa: SLF001


def fused_loss(
    operator: NeuralSort | SoftSort,
    scores: Tensor,
    order: Tensor,
    mask: Tensor | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """The loss of each sample, `(...,)`, differentiable to any order.

    Args:
        operator: the operator.
        scores: shape `(..., n)`, finite where absent.
        order: the elements in their true ascending order, the absent ones last, `(..., n)`.
        mask: which elements are present, `(..., n)`; all for ``None``.
        weights: the factor of each ascending rank's row, `(..., n)` or `(n,)`; `1/n²` for ``None``.
    """
    apply: Callable[..., tuple[Tensor, Tensor]] = _ValueAndGradient.apply
    return apply(operator, scores, order, mask, weights)[0]


class _ValueAndGradient(torch.autograd.Function):
    """`(l, g)` of each sample, whose derivatives by the scores are `(g, H)`.

    The gradient is an output, so that what the backward pass returns has itself a graph.
    """

    @staticmethod
    def forward(ctx: Any, operator: NeuralSort | SoftSort, *given: Any) -> tuple[Tensor, Tensor]:
        """Value and gradient.

        Nothing in here has a graph, which inference mode makes cheaper than ``no_grad`` does.
        Tensors of that mode cannot be saved for a backward pass; copies made outside of it can.
        """
        with torch.inference_mode():
            found = closed_form(operator, *given)
        value, gradient = found.value.clone(), found.gradient.clone()
        ctx.operator = operator
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*given, gradient)
        ctx.save_for_forward(*given, gradient)
        return value, gradient

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
        scores_bar = sum(parts[1:], start=parts[0]).to(given[0].dtype) if parts else None
        return None, scores_bar, None, None, None

    @staticmethod
    def jvp(ctx: Any, _: None, tangent: Tensor, *others: None) -> tuple[Tensor, Tensor]:
        *given, gradient = ctx.saved_tensors
        tangent = tangent.to(gradient.dtype)
        product = _hessian_product(ctx.operator, given, tangent)
        return (gradient * tangent).sum(dim=-1), product


def _hessian_product(operator: NeuralSort | SoftSort, given: Any, vector: Tensor) -> Tensor:
    hessian = closed_form(operator, *given).hessian
    assert hessian is not None
    return (hessian * vector.unsqueeze(-2)).sum(dim=-1)
