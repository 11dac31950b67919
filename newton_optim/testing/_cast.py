"""Tensors inside arguments and losses, wherever they can be reached."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


def map_tensors(function: Callable[[Tensor], Tensor], value: Any) -> Any:
    """``value`` with ``function`` applied to every tensor, also in tuples, lists and dicts."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, dict):
        return {key: map_tensors(function, item) for key, item in value.items()}
    if type(value) in {tuple, list}:
        return type(value)(map_tensors(function, item) for item in value)
    return value


def map_bound(
    function: Callable[[Tensor], Tensor], loss_fn: Callable[..., Any]
) -> Callable[..., Any]:
    """The loss with ``function`` applied to every tensor that a ``functools.partial`` binds."""
    if not isinstance(loss_fn, functools.partial):
        return loss_fn
    inner = map_bound(function, loss_fn.func)
    args, keywords = map_tensors(function, loss_fn.args), map_tensors(function, loss_fn.keywords)
    return functools.partial(inner, *args, **keywords)


def cast_loss(
    loss_fn: Callable[..., Any], cast: Callable[[Tensor], Tensor], dtype: torch.dtype
) -> Callable[..., Any]:
    """The loss with the tensors of a module or a ``functools.partial`` cast; a closure's stay."""
    if isinstance(loss_fn, functools.partial):
        inner = cast_loss(loss_fn.func, cast, dtype)
        args, keywords = map_tensors(cast, loss_fn.args), map_tensors(cast, loss_fn.keywords)
        return functools.partial(inner, *args, **keywords)
    if isinstance(loss_fn, nn.Module) and [*loss_fn.parameters(), *loss_fn.buffers()]:
        return copy.deepcopy(loss_fn).to(dtype)
    return loss_fn
