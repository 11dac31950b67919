"""The derivatives of a loss that knows them: its ``derivatives`` method."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from newton_optim._checks import describe
from newton_optim._derivatives._evaluation import Evaluation
from newton_optim._derivatives._from_callable import evaluate_callable
from newton_optim._derivatives._loss_derivatives import LossDerivatives
from newton_optim._outputs import Outputs


def evaluate_method(
    loss: Any,
    call: Callable[[Callable[..., Any], Any], Any],
    outputs: Outputs,
    reduction: str,
    *,
    chunk_size: int | None = None,
) -> Evaluation:
    """What the ``derivatives`` method of a loss returns, checked and in the dtype of the algebra.

    Args:
        loss: an object with a method ``derivatives``.
        call: calls a method of it with outputs and the loss's further arguments.
        outputs: where it is evaluated.
        reduction: how a 0-dim loss is reduced, for what the library must compute itself: the
            Hessian that the loss leaves out, and products across samples.
        chunk_size: how many of those products are computed at once; all by default.

    Raises:
        TypeError: if it does not return :class:`LossDerivatives` of tensors.
        ValueError: if one of them has the wrong shape.
    """
    N, m = outputs.matrix.shape
    precise = outputs.rebuild([part.detach().to(outputs.dtype) for part in outputs.parts])
    given = call(loss.derivatives, precise)
    if not isinstance(given, LossDerivatives):
        raise TypeError(f"loss.derivatives must return LossDerivatives, got {describe(given)}")

    def products(vectors: Tensor) -> Tensor:
        evaluated = evaluate_callable(
            partial(call, loss), outputs, reduction, second_order=True, chunk_size=chunk_size
        )
        return evaluated.products(vectors)

    def hessian() -> Tensor:
        return _checked("hessian", given.hessian, (N, m, m)).to(outputs.dtype)

    present = given.present
    return Evaluation(
        _checked("value", given.value, (N,)).to(outputs.dtype),
        _checked("gradient", given.gradient, (N, m)).to(outputs.dtype),
        products,
        own_hessian=hessian if given.has_hessian else None,
        present=None if present is None else _checked("present", present, (N, m)).bool(),
    )


def _checked(name: str, tensor: Any, shape: tuple[int, ...]) -> Tensor:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"loss.derivatives: {name} must be a tensor, got {describe(tensor)}")
    if tuple(tensor.shape) != shape:
        raise ValueError(
            f"loss.derivatives: {name} must have shape {shape}, got {tuple(tensor.shape)}"
        )
    return tensor.detach()
