"""Evaluate a loss in whatever form it is given: a tensor, a callable, or one with a method."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from newton_optim._checks import describe
from newton_optim._composed import LossParts, Whitened, parts_of, separable_part
from newton_optim._derivatives._evaluation import Evaluation
from newton_optim._derivatives._from_callable import evaluate_callable
from newton_optim._derivatives._from_composed import evaluate_composed, evaluate_residuals
from newton_optim._derivatives._from_method import evaluate_method
from newton_optim._derivatives._from_tensor import evaluate_tensor
from newton_optim._derivatives._request import Request
from newton_optim._outputs import Outputs


def evaluate(
    loss: Any,
    outputs: Outputs,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    reduction: str,
    request: Request,
) -> Evaluation:
    """Value, gradient and the way to the second derivatives of a loss, per sample.

    Args:
        loss: a 0-dim tensor, a tensor `(N,)`, or a callable that returns one.
        outputs: what the loss is a function of.
        args: further arguments of a callable.
        kwargs: further keyword arguments of a callable.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".
        request: which derivatives are going to be asked for.

    Raises:
        TypeError: if ``loss`` is neither a real tensor nor a callable, or is a tensor with
            ``args``.
        ValueError: if it has the wrong shape, does not depend on the outputs, or hides a derivative
            that is requested.
    """
    second_order, chunk_size = request.second_order, request.chunk_size
    if isinstance(loss, Tensor):
        if args or kwargs:
            raise TypeError(
                "loss must be a callable when further arguments are given, got a tensor"
            )
        return evaluate_tensor(
            loss, outputs, reduction, second_order=second_order, chunk_size=chunk_size
        )
    if not callable(loss):
        raise TypeError(f"loss must be a tensor or a callable, got {describe(loss)}")
    function, before, kwargs = _unwrapped(loss, kwargs)

    def call(method: Callable[..., Any], given: Any) -> Any:
        return method(*before, given, *args, **kwargs)

    if callable(getattr(function, "derivatives", None)):
        return evaluate_method(function, call, outputs, reduction, chunk_size=chunk_size)
    parts = None if before or second_order else parts_of(function, args, kwargs)
    if parts is not None:
        return _evaluate_parts(parts, outputs, reduction, request)
    return evaluate_callable(
        functools.partial(call, function),
        outputs,
        reduction,
        second_order=second_order,
        chunk_size=chunk_size,
    )


def _evaluate_parts(
    parts: LossParts, outputs: Outputs, reduction: str, request: Request
) -> Evaluation:
    """Of a loss in two parts, the outer one is a loss like any other, of the inner one's result.

    Where it is separable, Gauss-Newton is a least-squares problem.
    """
    args, kwargs = parts.args, parts.kwargs
    form: dict[str, Any] = {"chunk_size": request.chunk_size, "called": parts.called}
    needs_matrices = request.needs == "gauss_newton"
    whitened = separable_part(parts.outer, kwargs, reduction) if needs_matrices else None
    if whitened is not None:
        bound = functools.partial(_outer_first, whitened, args, kwargs)
        return evaluate_residuals(parts.inner, bound, outputs, **form)
    needs = Request("hessian" if needs_matrices else "gradient")
    return evaluate_composed(
        parts.inner,
        lambda result: evaluate(parts.outer, result, args, kwargs, reduction, needs),
        outputs,
        **form,
    )


def _outer_first(
    whitened: Callable[..., Whitened], args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any
) -> Whitened:
    return whitened(result, *args, **kwargs)


def _unwrapped(
    loss: Callable[..., Any], kwargs: Mapping[str, Any]
) -> tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]]:
    """The function under a `functools.partial`, and what that binds."""
    if isinstance(loss, functools.partial):
        return loss.func, loss.args, {**loss.keywords, **kwargs}
    return loss, (), kwargs
