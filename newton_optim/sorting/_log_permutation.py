"""The relaxed permutation of a sorting network in log space, by plain torch operations."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from newton_optim._precision import to_widest
from newton_optim.sorting._log_weights import log_weights
from newton_optim.sorting._network import SortingNetwork

# The logarithm of an entry that is 0 until its element can have come this far. It absorbs every
# logarithm of a weight.
NOTHING = -1e30


def log_permutation(network: SortingNetwork, scores: Tensor) -> Tensor:
    """`log P` of the ascending network, `(..., n)` to `(..., n, n)`, in float64.

    A layer mixes two rows of P: their logarithms `a`, `b` become
    `logaddexp(log α + a, log(1 - α) + b)`. Nothing underflows, at any spread of the scores. It may
    be differentiated any number of times.

    Args:
        network: the network; its direction plays no part.
        scores: `(..., n)`.
    """
    x = to_widest(scores)
    # What is added is 0, or NaN if a score is not finite. A single score has no other graph.
    zero = (x - x) if network.n == 1 else (x - x).detach()
    identity = torch.full((network.n, network.n), NOTHING, dtype=x.dtype, device=x.device)
    L = identity.fill_diagonal_(0.0) + zero.unsqueeze(-1)
    indices = network.wire_indices(x.device)
    signs = indices.sign.to(x.dtype)
    for partner, sign in zip(indices.partner.unbind(), signs.unbind(), strict=True):
        other = x.index_select(-1, partner)
        # The same for the two wires of a comparator, and a tie of itself for a wire without one.
        keep, swap = log_weights(
            network.distribution, network.steepness * sign * (other - x), network.steepness
        )
        x = keep.exp() * x + swap.exp() * other
        L = log_add_exp(keep.unsqueeze(-1) + L, swap.unsqueeze(-1) + L.index_select(-2, partner))
    return L


def log_add_exp(a: Tensor, b: Tensor) -> Tensor:
    """`log(eᵃ + eᵇ)`, any of whose derivatives are right, also at ties and of ``NOTHING``."""
    difference = a - b
    return torch.where(difference > 0, a - F.logsigmoid(difference), b - F.logsigmoid(-difference))
