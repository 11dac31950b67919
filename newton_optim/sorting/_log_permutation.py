"""The relaxed permutation of a sorting network in log space, by plain torch operations."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from newton_optim._precision import to_widest
from newton_optim.sorting._log_weights import log_weights
from newton_optim.sorting._network import SortingNetwork
from newton_optim.sorting._wiring import active_wires, where_active


def log_permutation(
    network: SortingNetwork, scores: Tensor, lengths: Tensor | None = None
) -> Tensor:
    """`log P` of the ascending network, `(..., n)` to `(..., n, n)`, in float64.

    A layer mixes two rows of P: their logarithms `a`, `b` become
    `logaddexp(log α + a, log(1 - α) + b)`. Nothing underflows, at any spread of the scores. It may
    be differentiated any number of times.

    Args:
        network: the network; its direction plays no part.
        scores: `(..., n)`.
        lengths: how many scores each sample has, on its first wires, `(...,)`; all by default. The
            other wires are left alone.
    """
    x = to_widest(scores)
    shape, nothing = (network.n, network.n), log_of_nothing(x.dtype)
    identity = torch.full(shape, nothing, dtype=x.dtype, device=x.device).fill_diagonal_(0.0)
    # What is added is 0, or NaN if a score is not finite.
    L = identity + (x - x).detach().unsqueeze(-1)
    indices = network.wire_indices(x.device)
    signs = indices.sign.to(x.dtype)
    active = active_wires(indices, lengths)
    for partner, sign, acts in zip(indices.partner.unbind(), signs.unbind(), active, strict=True):
        other = where_active(acts, x.index_select(-1, partner), x)
        others = where_active(acts, L.index_select(-2, partner), L)
        # The same for the two wires of a comparator, and a tie of itself for a wire without one.
        keep, swap = log_weights(
            network.distribution, network.steepness * sign * (other - x), network.steepness
        )
        x = keep.exp() * x + swap.exp() * other
        L = log_add_exp(keep.unsqueeze(-1) + L, swap.unsqueeze(-1) + others)
    return L


def log_of_nothing(dtype: torch.dtype) -> float:
    """What is the logarithm of an entry that is 0: it absorbs the logarithms of all weights.

    It is finite, so that differences of two of them are. Two may be added.
    """
    return torch.finfo(dtype).min / 4.0


def log_add_exp(a: Tensor, b: Tensor) -> Tensor:
    """`log(eᵃ + eᵇ)`, all of whose derivatives are right, also at ties."""
    difference = a - b
    return torch.where(difference > 0, a - F.logsigmoid(difference), b - F.logsigmoid(-difference))
