"""SoftSort and NeuralSort as they were published: plain PyTorch, from scores to a matrix."""

from __future__ import annotations

import torch
from torch import Tensor


def field_soft_sort(scores: Tensor, temperature: float) -> Tensor:
    """SoftSort, ascending: the softmax of `-|sorted(y)_i - y_j| / τ`."""
    distances = scores.sort(dim=-1).values.unsqueeze(-1) - scores.unsqueeze(-2)
    return torch.softmax(-distances.abs() / temperature, dim=-1)


def field_neural_sort(scores: Tensor, temperature: float) -> Tensor:
    """NeuralSort, ascending: the softmax of `((2 i - 1 - n) y_j - Σ_k |y_j - y_k|) / τ`."""
    n = scores.shape[-1]
    sums = (scores.unsqueeze(-1) - scores.unsqueeze(-2)).abs().sum(-1)
    scaling = 2 * torch.arange(1, n + 1, device=scores.device, dtype=scores.dtype) - 1 - n
    logits = scaling.unsqueeze(-1) * scores.unsqueeze(-2) - sums.unsqueeze(-2)
    return torch.softmax(logits / temperature, dim=-1)
