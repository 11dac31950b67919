"""The relaxed sorts as the field computes them, in the dtype of the scores.

NeuralSort and SoftSort are written from their published equations, with the operations of the
published programs; networks are diffsort's own. In float32 their gradients differ from those of
the library's operators, which are exact to rounding, once scores spread widely.

Each maps scores `(N, n)` to P of shape `(N, n, n)`: `P[..., i, j]` is the weight of element j at
rank i, ascending. (The field sorts in descending order, with the same rows in reverse.)
"""

from __future__ import annotations

import torch
from diffsort import DiffSortNet
from torch import Tensor, nn


class FieldSoftSort(nn.Module):
    """SoftSort by `Prillo and Eisenschlos (2020) <https://arxiv.org/abs/2006.16038>`_.

    The softmax of `-|sort(y)_i - y_j| / τ` over j.

    Args:
        temperature: τ.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, scores: Tensor) -> Tensor:
        """P of shape `(N, n, n)` of scores `(N, n)`."""
        ordered = scores.sort(dim=-1).values.unsqueeze(-1)
        logits = (scores.unsqueeze(-2) - ordered).abs().neg() / self.temperature
        return logits.softmax(-1)


class FieldNeuralSort(nn.Module):
    """NeuralSort by `Grover et al. (2019) <https://arxiv.org/abs/1903.08850>`_.

    The softmax of `((2 i - 1 - n) y_j - Σ_k |y_j - y_k|) / τ` over j, for the ranks i from 1 to n.

    Args:
        temperature: τ.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, scores: Tensor) -> Tensor:
        """P of shape `(N, n, n)` of scores `(N, n)`."""
        n = scores.shape[-1]
        distances = (scores.unsqueeze(-1) - scores.unsqueeze(-2)).abs()
        # The sums of distances, once in every column: a product of matrices, as published.
        sums = distances @ torch.ones(n, n, dtype=scores.dtype, device=scores.device)
        ranks = torch.arange(1, n + 1, dtype=scores.dtype, device=scores.device)
        scaled = scores.unsqueeze(-1) * (2 * ranks - 1 - n)
        return ((scaled - sums).mT / self.temperature).softmax(-1)


class FieldNetwork(nn.Module):
    """A differentiable sorting network by diffsort's ``DiffSortNet``.

    Args:
        network: ``"odd_even"`` or ``"bitonic"``.
        n: how many scores are sorted.
        distribution: of the swaps.
        steepness: β.
        device: of the scores.
    """

    def __init__(
        self, network: str, n: int, distribution: str, steepness: float, device: torch.device
    ) -> None:
        super().__init__()
        self.network = DiffSortNet(
            network, n, device=str(device), steepness=steepness, distribution=distribution
        )

    def forward(self, scores: Tensor) -> Tensor:
        """P of shape `(N, n, n)` of scores `(N, n)`."""
        _, weights = self.network(scores)
        P: Tensor = weights.mT  # diffsort has elements in rows and ranks in columns.
        return P
