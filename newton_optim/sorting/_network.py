"""Differentiable sorting networks: comparators that swap by a weight instead of a decision."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from newton_optim._checks import check_bool, check_choice, check_integer, check_positive
from newton_optim._precision import to_widest
from newton_optim.sorting._distributions import DISTRIBUTIONS, weight
from newton_optim.sorting._packing import Packing, check_mask
from newton_optim.sorting._scores import at_least_float32, check_scores
from newton_optim.sorting._wiring import (
    WireIndices,
    Wiring,
    active_wires,
    bitonic_wiring,
    odd_even_wiring,
    where_active,
    wire_indices,
)

NETWORKS = ("odd_even", "bitonic")


class SortingNetwork(nn.Module):
    r"""A sorting network with relaxed comparators, which returns a doubly stochastic matrix `P`.

    A comparator of the wires `a` and `b` gives `α a + (1 - α) b` to the first and
    `(1 - α) a + α b` to the second wire, with `α = f(steepness · (b - a))`. `P` is the product of
    the mixing matrices of all layers, and ``P @ scores`` is the output of the network. See
    `Differentiable Sorting Networks <https://arxiv.org/abs/2105.04019>`_ and, for the monotonic
    distributions, `its successor <https://arxiv.org/abs/2203.09630>`_.

    Entries of `P` near zero have the same relative precision as those near one, down to the
    smallest normal number of the dtype: the network computes in float64 where the device has it.

    Args:
        n: the number of scores that are sorted; a power of two for ``"bitonic"``.
        network: ``"odd_even"`` (`n` layers) or ``"bitonic"`` (about `½ log² n` layers).
        distribution: the `f` above: ``"logistic"``, ``"cauchy"``, ``"gaussian"``,
            ``"reciprocal"``, ``"optimal"`` or ``"logistic_phi"`` (exponent 0.25). The second
            derivatives of ``"reciprocal"`` and ``"optimal"`` jump, at ties and at
            `|v| = 1/4` respectively.
        steepness: how close the comparators are to hard decisions; above 0. The limit at infinity
            is a true sort, the limit at 0 the mean of all scores at every rank.
        descending: whether the largest score comes first. A descending network is the ascending
            one with its ranks reversed.

    Attributes:
        wiring: the comparators, layer by layer, as a :class:`Wiring`.

    Shapes:
        scores `(..., n)` to `P` `(..., n, n)`; ``P[..., i, j]`` is the weight of element `j` at
        rank `i`. Rows and columns sum to one.

    Raises:
        TypeError: if an argument is of the wrong kind, or the scores are not floating-point.
        ValueError: if an argument has a wrong value, a sample does not have `n` scores, or a mask
            is given to a bitonic network or is not of the shape of the scores.
    """

    _first: Tensor
    _second: Tensor
    _partner: Tensor
    _sign: Tensor
    _layer: Tensor

    def __init__(
        self,
        n: int,
        *,
        network: str = "odd_even",
        distribution: str = "cauchy",
        steepness: float = 10.0,
        descending: bool = False,
    ) -> None:
        super().__init__()
        self.n = check_integer("n", n)
        self.network = check_choice("network", network, NETWORKS)
        self.distribution = check_choice("distribution", distribution, DISTRIBUTIONS)
        self.steepness = check_positive("steepness", steepness)
        self.descending = check_bool("descending", descending)
        if network == "bitonic" and self.n & (self.n - 1):
            raise ValueError(f"n must be a power of two for a bitonic network, got {self.n}")
        odd_even = network == "odd_even"
        self.wiring: Wiring = odd_even_wiring(self.n) if odd_even else bitonic_wiring(self.n)
        indices = wire_indices(self.wiring, _device_with_values())
        for name, tensor in indices._asdict().items():
            self.register_buffer(f"_{name}", tensor, persistent=False)

    def wire_indices(self, device: torch.device) -> WireIndices:
        """The wiring as index tensors on a device."""
        buffers = self._first, self._second, self._partner, self._sign, self._layer
        return WireIndices(*(buffer.to(device) for buffer in buffers))

    def forward(self, scores: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """The relaxed permutation matrix `P` of the scores, `(..., n)` to `(..., n, n)`.

        Args:
            scores: `(..., n)`.
            mask: which elements are present, bool, `(..., n)`; all by default. `P` is that of the
                present elements alone, by a network of their number: rows of the ranks beyond
                it and columns of absent elements are 0. What the scores hold there plays no
                part. ``"odd_even"`` only.
        """
        check_scores(scores, n=self.n)
        dtype = at_least_float32(scores.dtype)
        if mask is None:
            P = ascending_permutation(self, scores, dtype)
            P = P.flip(-2) if self.descending else P
        else:
            lists = Packing.of(check_mask(mask, scores, self.network))
            P = ascending_permutation(self, lists.pack(scores), dtype, lists.lengths)
            P = lists.unpack_permutation(P, descending=self.descending)
        return P.to(scores.dtype)

    def extra_repr(self) -> str:
        """The arguments, for ``repr``."""
        return (
            f"{self.n}, network={self.network!r}, distribution={self.distribution!r}, "
            f"steepness={self.steepness}, descending={self.descending}"
        )


def ascending_permutation(
    network: SortingNetwork, scores: Tensor, dtype: torch.dtype, lengths: Tensor | None = None
) -> Tensor:
    """The `P` of the ascending network in the given dtype, by plain torch operations.

    Args:
        network: the network; its direction plays no part.
        scores: `(..., n)`.
        dtype: in which the matrices are multiplied. The scores travel in float64.
        lengths: how many scores each sample has, on its first wires, `(...,)`; all by default. The
            other wires are left alone.

    Returns:
        `P`, shape `(..., n, n)`.
    """
    x = to_widest(scores)
    # What is added is 0, or NaN if a score is not finite. As a constant: the derivatives of both x
    # would swallow those of a small weight. A single score has no other graph.
    zero = (x - x) if network.n == 1 else (x - x).detach()
    P = torch.eye(network.n, dtype=dtype, device=x.device) + zero.to(dtype).unsqueeze(-1)
    indices = network.wire_indices(x.device)
    signs = indices.sign.to(x.dtype)
    active = active_wires(indices, lengths)
    for partner, sign, acts in zip(indices.partner.unbind(), signs.unbind(), active, strict=True):
        other = where_active(acts, x.index_select(-1, partner), x)
        others = where_active(acts, P.index_select(-2, partner), P)
        # v and both weights: (..., n), the same for the two wires of a comparator.
        v = network.steepness * sign * (other - x)
        both = weight(network.distribution, torch.stack((v, -v)), network.steepness)
        keep, swap = both.unbind()
        x = keep * x + swap * other
        keep, swap = keep.to(dtype).unsqueeze(-1), swap.to(dtype).unsqueeze(-1)
        P = keep * P + swap * others
    return P


def _device_with_values() -> torch.device:
    """The default device, or the CPU if that is "meta", whose tensors hold no values."""
    device = torch.get_default_device()
    return torch.device("cpu") if device.type == "meta" else device
