"""Black boxes: functions that are called once with all rows, hidden from every transform."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import Function, FunctionCtx

from newton_optim._checks import check_float_tensor, describe


def checked_rows(name: str, value: Any) -> Tensor:
    """``value`` in at least float32, if it is a floating-point tensor `(N, *event)`.

    It must not be empty: a black box is never called without rows.
    """
    check_float_tensor(name, value)
    if value.dim() == 0 or value.numel() == 0:
        raise ValueError(
            f"{name} must have shape (N, *event) with at least one sample and one number per "
            f"sample, got shape {tuple(value.shape)}"
        )
    widened: Tensor = value.to(torch.promote_types(value.dtype, torch.float32))
    return widened


def evaluate(
    name: str, function: Callable[..., Any], points: Tensor, args: tuple[Any, ...]
) -> Tensor:
    """The values of ``function`` at all points, by one call with `B = S N` rows.

    Args:
        name: the name of the function in messages.
        function: from rows `(B, *event)`, and the args, to a real tensor `(B, *out)`. It gets plain
            tensors of its own with autograd off, under every transform, and may leave PyTorch;
            under ``vmap`` it is called once for the whole batch of batches.
        points: shape `(S, N, *event)`; the function may change them in place.
        args: tensors `(N, ...)`, which are repeated to match the rows; others are passed unchanged.

    Returns:
        The values, shape `(S, N, *out)`, detached, in the dtype and on the device of the points.

    Raises:
        TypeError: if the function does not return a real tensor.
        ValueError: if that, or a tensor in ``args``, has the wrong number of rows.
    """
    S, N = points.shape[:2]
    repeated = [_repeated(f"args[{i}]", arg, S, N) for i, arg in enumerate(args)]
    call = partial(_checked_call, name, function)
    rows = points.detach().flatten(0, 1)
    values: Tensor = call_hidden(call, rows, *repeated).unflatten(0, (S, N))
    return values


def _repeated(name: str, arg: Any, times: int, num_rows: int) -> Any:
    if not isinstance(arg, Tensor):
        return arg
    if arg.dim() == 0 or arg.shape[0] != num_rows:
        raise ValueError(
            f"{name} must have one row for each of the {num_rows} samples (bind what is not per "
            f"sample to the function itself), got {describe(arg)}"
        )
    return arg.detach().repeat(times, *[1] * (arg.dim() - 1))


def _checked_call(name: str, function: Callable[..., Any], rows: Tensor, *args: Any) -> Tensor:
    B = rows.shape[0]
    result = function(rows, *args)
    if not isinstance(result, Tensor) or result.is_complex():
        raise TypeError(f"{name} must return a real tensor, got {describe(result)}")
    if result.dim() == 0 or result.shape[0] != B:
        raise ValueError(
            f"{name} must return shape (B,) or (B, *out) for rows of shape (B, *event), "
            f"here B = {B}, got shape {tuple(result.shape)}"
        )
    return result.detach().to(rows)


class _BlackBox(Function):
    """``call(*inputs)`` on plain tensors. Neither its inputs nor its output carry a gradient."""

    @staticmethod
    def forward(call: Callable[..., Tensor], *inputs: Any) -> Tensor:
        return call(*inputs)

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Nothing is saved: there is no backward pass."""

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], call: Callable[..., Tensor], *inputs: Any
    ) -> tuple[Tensor, int]:
        """One call for all batches: their rows one after the other."""
        size = info.batch_size
        merged = [_merged(value, dim, size) for value, dim in zip(inputs, in_dims[1:], strict=True)]
        return call_hidden(call, *merged).unflatten(0, (size, -1)), 0


call_hidden: Callable[..., Tensor] = _BlackBox.apply


def _merged(value: Any, dim: int | None, size: int) -> Any:
    if not isinstance(value, Tensor):
        return value
    batched = value.expand(size, *value.shape) if dim is None else value.movedim(dim, 0)
    return batched.flatten(0, 1)
