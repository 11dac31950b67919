"""Value, gradient and Hessian of a sorting network's ranking loss, in closed form."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from newton_optim._checks import known_true, values_can_be_read
from newton_optim._derivatives import LossDerivatives
from newton_optim.sorting._distributions import FAT_TAILED
from newton_optim.sorting._linear_derivatives import LinearDerivatives
from newton_optim.sorting._log_derivatives import LogDerivatives
from newton_optim.sorting._network import SortingNetwork
from newton_optim.sorting._packing import Packing, check_mask
from newton_optim.sorting._scores import at_least_float32, check_scores


class Derivatives(Protocol):
    """What every form computes.

    Attributes:
        value: `(N,)`.
        gradient: `(N, n)`.
    """

    value: Tensor
    gradient: Tensor

    def hessian(self) -> Tensor:
        """The Hessians, `(N, n, n)`."""


def network_derivatives(
    network: SortingNetwork, scores: Tensor, order: Tensor, mask: Tensor | None = None
) -> LossDerivatives:
    """Value, gradient and Hessian of :func:`network_loss`, right to rounding at any spread.

    In log space (:class:`LogDerivatives`). With the weights of a fat-tailed distribution, whose
    products rarely leave the range of the dtype, the entries themselves are faster
    (:class:`LinearDerivatives`); a sample with one that is too small is computed in log space. To
    know that, values are read: on the CPU only, elsewhere all is in log space.

    Args:
        network: the network.
        scores: `(..., n)`.
        order: `(..., n)`, integers: the elements in their true ascending order, absent ones last.
        mask: which elements are present, bool, `(..., n)`; all by default. The others have
            derivatives of 0.

    Returns:
        Value `(...,)`, gradient `(..., n)`, Hessian `(..., n, n)`, computed when it is read.
    """
    check_scores(scores, n=network.n)
    batch, n = scores.shape[:-1], network.n
    if mask is not None:
        mask = check_mask(mask, scores, network.network).reshape(-1, n)
    with torch.no_grad(), torch.autocast(scores.device.type, enabled=False):
        found = _derivatives(network, scores.detach().reshape(-1, n), order.reshape(-1, n), mask)
    return LossDerivatives(
        found.value.reshape(batch),
        found.gradient.reshape(*batch, n),
        lambda: found.hessian().reshape(*batch, n, n),
        present=None if mask is None else mask.reshape(*batch, n),
    )


def _derivatives(
    network: SortingNetwork, scores: Tensor, order: Tensor, mask: Tensor | None
) -> Derivatives:
    """In the form that suits the network; of lists of different lengths if there is a mask."""
    if mask is None:
        return _of_wires(network, scores, order, None)
    lists = Packing.of(mask)
    packed, packed_order = lists.pack(scores), lists.pack_order(order)
    return _OfLists(lists, _of_wires(network, packed, packed_order, lists.lengths))


def _of_wires(
    network: SortingNetwork, scores: Tensor, order: Tensor, lengths: Tensor | None
) -> Derivatives:
    if network.n == 1:
        return _Constant(scores)
    if network.distribution not in FAT_TAILED or not values_can_be_read(scores):
        return LogDerivatives(network, scores, order, lengths)
    linear = LinearDerivatives(network, scores, order, lengths)
    if known_true(linear.exact.all()):
        return linear
    return _PerSample(linear.exact, linear, LogDerivatives(network, scores, order, lengths))


class _Constant:
    """A single score: `P = 1`, and the loss and its derivatives are 0 (or NaN with the score)."""

    def __init__(self, scores: Tensor) -> None:
        self.gradient = (scores - scores).to(at_least_float32(scores.dtype))
        self.value = self.gradient[:, 0]

    def hessian(self) -> Tensor:
        return self.gradient.unsqueeze(-1)


class _PerSample:
    """Of each sample, the derivatives in the one form or in the other."""

    def __init__(self, which: Tensor, first: Derivatives, second: Derivatives) -> None:
        self.which, self.first, self.second = which, first, second
        self.value = torch.where(which, first.value, second.value)
        self.gradient = torch.where(which[:, None], first.gradient, second.gradient)

    def hessian(self) -> Tensor:
        first, second = self.first.hessian(), self.second.hessian()
        return torch.where(self.which[:, None, None], first, second)


class _OfLists:
    """The derivatives by the elements of lists, from those by the wires that they are on."""

    def __init__(self, lists: Packing, by_wire: Derivatives) -> None:
        self.lists, self.by_wire = lists, by_wire
        self.value = lists.mean_over_present(by_wire.value)
        self.gradient = lists.mean_over_present(lists.unpack(by_wire.gradient))

    def hessian(self) -> Tensor:
        hessian = self.lists.unpack_matrix(self.by_wire.hessian())
        return self.lists.mean_over_present(hessian)
