"""The ranking loss of a sorting network, by plain torch operations."""

from __future__ import annotations

import torch
from torch import Tensor

from newton_optim._precision import to_widest
from newton_optim.sorting._network import SortingNetwork, ascending_permutation
from newton_optim.sorting._probability_loss import differentiable_log, true_entries
from newton_optim.sorting._scores import at_least_float32, check_scores


def network_loss(network: SortingNetwork, scores: Tensor, order: Tensor) -> Tensor:
    """Cross-entropy between `P` and the true permutation, by plain torch operations.

    `l = -1/n² Σ_ij log q_ij`, where `q_ij` is `P_ij` where element `j` belongs at rank `i`, and
    `1 - P_ij`, the sum of the row's other entries, elsewhere. A `q` below the dtype's smallest
    normal number is clamped there and has zero derivative. The loss may be differentiated any
    number of times; it runs in float64, where the clamp leaves room for products of weights.

    Args:
        network: the network.
        scores: `(..., n)`.
        order: `(..., n)`, integers: the elements in their true ascending order.

    Returns:
        The loss of every sample, shape `(...,)`, float32 at least.
    """
    check_scores(scores, n=network.n)
    dtype = at_least_float32(scores.dtype)
    x = to_widest(scores)
    P = ascending_permutation(network, x, x.dtype)
    q, error = truth_and_error(P, true_entries(order))
    return cross_entropy_of_entries(q, error, torch.finfo(dtype).tiny).to(dtype)


def truth_and_error(P: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """`q` and `1 - q`: one of them is `P`, the other the sum of the other entries of the row."""
    others = P @ (1.0 - torch.eye(P.shape[-1], dtype=P.dtype, device=P.device))
    return torch.where(target, P, others), torch.where(target, others, P)


def cross_entropy_of_entries(q: Tensor, error: Tensor, tiny: float) -> Tensor:
    """The mean of `-log q`, right to rounding also where `q` is near one; ``error`` is `1 - q`."""
    near = -torch.log1p(-error.clamp(max=0.5))
    far = -differentiable_log(q.clamp(min=tiny))
    return torch.where(error < 0.5, near, far).mean((-2, -1))
