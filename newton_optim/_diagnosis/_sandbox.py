"""Evaluations of a loss that change nothing: from a fixed seed, on copies of all that it gets."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class LossFailedError(Exception):
    """What the loss raised, or what is wrong with what it returned; the cause is chained."""


@contextmanager
def evaluating(seed: int, device: torch.device) -> Iterator[None]:
    """From the seed, with autograd on and autocast off.

    PyTorch's global generators are put back afterwards.

    Raises:
        LossFailedError: if anything goes wrong inside.
    """
    try:
        with (
            _from_seed(seed, device),
            torch.enable_grad(),
            torch.autocast(device.type, enabled=False),
        ):
            yield
    except Exception as error:
        raise LossFailedError(f"{type(error).__name__}: {error}") from error


@contextmanager
def _from_seed(seed: int, device: torch.device) -> Iterator[None]:
    on_cuda = device.type == "cuda"
    with torch.random.fork_rng([device] if on_cuda else []):
        torch.default_generator.manual_seed(seed)
        if on_cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def copy_arguments(value: Any, dtype: torch.dtype) -> Any:
    """``value`` with copies of its tensors, floating-point ones in ``dtype``."""
    if isinstance(value, Tensor):
        return value.detach().to(dtype if value.is_floating_point() else value.dtype, copy=True)
    if type(value) in {tuple, list}:
        return type(value)(copy_arguments(entry, dtype) for entry in value)
    if type(value) is dict:
        return {key: copy_arguments(entry, dtype) for key, entry in value.items()}
    return value


def copy_loss(loss_fn: Callable[..., Any], dtype: torch.dtype) -> Callable[..., Any]:
    """A copy in ``dtype`` of a module with parameters or buffers; any other loss as it is."""
    if isinstance(loss_fn, nn.Module) and (
        next(loss_fn.parameters(), None) is not None or next(loss_fn.buffers(), None) is not None
    ):
        return copy.deepcopy(loss_fn).to(dtype)
    return loss_fn
