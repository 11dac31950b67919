"""The value of every sample's own loss, without derivatives."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from newton_optim._composed import parts_of, separable_part
from newton_optim._derivatives._evaluation import check_loss_value
from newton_optim._outputs import Outputs
from newton_optim._reduction import per_sample_values


def loss_values(
    loss: Callable[..., Any],
    outputs: Outputs,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    reduction: str,
) -> Tensor:
    """The losses `l_i`, shape `(N,)`, in the dtype of the algebra; no graph is made.

    Of a 0-dim loss, each sample's share: the same for all. A loss that states its derivatives, and
    one with a separable outer part, are asked for the value of each sample.

    Args:
        loss: a callable.
        outputs: where it is evaluated.
        args: its further arguments.
        kwargs: its keyword arguments.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".
    """
    with torch.no_grad():
        value = _value(loss, outputs.rebuild(list(outputs.parts)), args, kwargs, reduction)
    value = check_loss_value(value, outputs.num_samples).to(outputs.dtype)
    return per_sample_values(value, outputs.num_samples, reduction)


def _value(
    loss: Callable[..., Any], y: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], red: str
) -> Any:
    if isinstance(loss, functools.partial):
        return _value(loss.func, *_bound(loss, y, args), {**loss.keywords, **kwargs}, red)
    if callable(getattr(loss, "derivatives", None)):
        return loss.derivatives(y, *args, **kwargs).value  # type: ignore[attr-defined]
    parts = parts_of(loss, args, kwargs)
    whitened = None if parts is None else separable_part(parts.outer, parts.kwargs, red)
    if parts is None or whitened is None:
        return loss(y, *args, **kwargs)
    return whitened(parts.inner(y), *parts.args).value


def _bound(
    loss: functools.partial[Any], y: Any, args: tuple[Any, ...]
) -> tuple[Any, tuple[Any, ...]]:
    """The first argument and the others, after those that a partial binds by position."""
    everything = (*loss.args, y, *args)
    return everything[0], everything[1:]
