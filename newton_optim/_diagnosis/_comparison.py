"""Tensors compared by one number."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def cosine(a: Tensor, b: Tensor) -> float:
    """The cosine of the angle between two tensors; NaN where one is zero."""
    size = a.norm() * b.norm()
    return float((a * b).sum() / size) if size > 0 else math.nan


def ratio(a: Tensor, b: Tensor) -> float:
    """`a / b` of non-negative numbers, where 0 / 0 is 1."""
    return float(a / b) if b > 0 else (math.inf if a > 0 else 1.0)


def share(samples: Tensor) -> float:
    """The share of entries that are true."""
    return float(samples.sum()) / samples.numel()


def differ(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors differ by more than a device's order of summation explains."""
    size = torch.maximum(a.abs().max(), b.abs().max())
    return bool((a - b).abs().max() > math.sqrt(torch.finfo(a.dtype).eps) * size)


def typical_size(tensor: Tensor) -> float:
    """The root mean square of the finite entries; 1 where all are zero."""
    finite = tensor[tensor.isfinite()]
    size = float(finite.square().mean().sqrt()) if len(finite) else 0.0
    return size if size > 0 else 1.0
