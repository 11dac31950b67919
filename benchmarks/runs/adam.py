"""Adam with its state made at once, so that it can be saved, restored and captured."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def ready_adam(parameters: Iterable[Tensor], rate: float, *, fused: bool) -> torch.optim.Adam:
    """``torch.optim.Adam`` before its first step, with moments of zero.

    Args:
        parameters: all on one device.
        rate: Adam's.
        fused: whether one kernel steps all parameters.
    """
    listed = list(parameters)
    device = listed[0].device
    on_cuda = device.type == "cuda"
    optimizer = torch.optim.Adam(listed, lr=rate, fused=fused or None, capturable=on_cuda)
    for parameter in listed:
        optimizer.state[parameter] = {
            "step": torch.zeros((), device=device),
            "exp_avg": torch.zeros_like(parameter, requires_grad=False),
            "exp_avg_sq": torch.zeros_like(parameter, requires_grad=False),
        }
    return optimizer


def moments(optimizer: torch.optim.Adam) -> list[Tensor]:
    """All tensors of its state."""
    return [value for state in optimizer.state.values() for value in state.values()]
