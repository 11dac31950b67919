"""The widest floating-point dtype of a device."""

from __future__ import annotations

import torch
from torch import Tensor


def widest_dtype(device: torch.device) -> torch.dtype:
    """float64, or float32 where the device has no float64 (Apple's MPS)."""
    return torch.float32 if device.type == "mps" else torch.float64


def to_widest(tensor: Tensor) -> Tensor:
    """``tensor`` in the :func:`widest_dtype` of its device."""
    return tensor.to(widest_dtype(tensor.device))
