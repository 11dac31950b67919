"""The ranking loss of a sorting network, by plain torch operations."""

from __future__ import annotations

from torch import Tensor

from newton_optim.sorting._log_permutation import log_permutation
from newton_optim.sorting._log_rows import cross_entropy_of_log_rows, split_log_rows
from newton_optim.sorting._network import SortingNetwork
from newton_optim.sorting._packing import Packing, check_mask
from newton_optim.sorting._scores import at_least_float32, check_scores


def network_loss(
    network: SortingNetwork, scores: Tensor, order: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Cross-entropy between `P` and the true permutation, by plain torch operations.

    `l = -1/n² Σ_ij log q_ij`, where `q_ij` is `P_ij` where element `j` belongs at rank `i`, and
    `1 - P_ij`, the sum of the row's other entries, elsewhere. Both are carried in log space: the
    loss is right to rounding at any spread of the scores, and so are its derivatives of any order.

    Args:
        network: the network. Its direction plays no part: it reverses `P` and the truth alike.
        scores: `(..., n)`.
        order: `(..., n)`, integers: the elements in their true ascending order, absent ones last.
        mask: which elements are present, bool, `(..., n)`; all by default. The loss is that of a
            network of their number on them alone, and 0 if there are none.

    Returns:
        The loss of every sample, shape `(...,)`, float32 at least.
    """
    check_scores(scores, n=network.n)
    dtype = at_least_float32(scores.dtype)
    if mask is None:
        return _loss(network, scores, order).to(dtype)
    lists = Packing.of(check_mask(mask, scores, network.network))
    loss = _loss(network, lists.pack(scores), lists.pack_order(order), lists.lengths)
    return lists.mean_over_present(loss).to(dtype)


def _loss(
    network: SortingNetwork, scores: Tensor, order: Tensor, lengths: Tensor | None = None
) -> Tensor:
    if network.n == 1:  # P = 1: the loss is 0, twice differentiable, or NaN with the score.
        return (scores - scores).square().sum(-1)
    rows = split_log_rows(log_permutation(network, scores, lengths), order)
    return cross_entropy_of_log_rows(rows)
