"""Differentiable sorting networks: comparators that swap by a weight instead of a decision."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from newton_optim._checks import (
    check_bool,
    check_choice,
    check_float_tensor,
    check_integer,
    check_positive,
)
from newton_optim.sorting._distributions import DISTRIBUTIONS, weight

NETWORKS = ("odd_even", "bitonic")

# A layer: the comparators' first wires, which receive the smaller value, and their second ones.
Layer = tuple[list[int], list[int]]


def odd_even_layers(n: int) -> list[Layer]:
    """The `n` layers of odd-even transposition sort, which compare neighbouring wires."""
    layers = [(list(range(k % 2, n - 1, 2)), list(range(k % 2 + 1, n, 2))) for k in range(n)]
    return [layer for layer in layers if layer[0]]


def bitonic_layers(n: int) -> list[Layer]:
    """The `k (k + 1) / 2` layers of a bitonic sorter of `n = 2^k` wires."""
    layers = []
    for block in range(n.bit_length() - 1):
        for distance in (2**k for k in range(block, -1, -1)):
            first = [wire for wire in range(n) if not wire & distance]
            # Every other block of 2^(block+1) wires sorts downwards.
            down = [bool(wire & 2 ** (block + 1)) for wire in first]
            low = [wire + distance * swap for wire, swap in zip(first, down, strict=True)]
            high = [wire + distance * (not swap) for wire, swap in zip(first, down, strict=True)]
            layers.append((low, high))
    return layers


class SortingNetwork(nn.Module):
    r"""A sorting network whose comparators are relaxed: a doubly stochastic matrix `P`.

    A comparator of the wires `a` and `b` gives `α a + (1 - α) b` to the first and
    `(1 - α) a + α b` to the second wire, with `α = f(steepness · (b - a))`. The mixing of all
    layers, multiplied, is `P`; `P @ scores` is what leaves the network. See `Differentiable
    Sorting Networks <https://arxiv.org/abs/2105.04019>`_ and, for the monotonic distributions,
    `its successor <https://arxiv.org/abs/2203.09630>`_.

    Entries of `P` near zero are as exact, relatively, as those near one, down to the smallest
    normal number of the dtype: the network follows the scores in float64 where the device has it.

    Args:
        n: how many scores are sorted; a power of two for ``"bitonic"``.
        network: ``"odd_even"`` (`n` layers) or ``"bitonic"`` (about `½ log² n` layers).
        distribution: the `f` above: ``"logistic"``, ``"cauchy"``, ``"gaussian"``,
            ``"reciprocal"``, ``"optimal"`` or ``"logistic_phi"`` (exponent 0.25). The second
            derivatives of ``"reciprocal"`` and ``"optimal"`` jump, at ties and at
            `|v| = 1/4` respectively.
        steepness: how hard the comparators decide; above 0. Infinity would be a true sort, 0
            would be the mean of all scores at every rank.
        descending: whether the largest score comes first. A descending network is the ascending
            one with its ranks reversed.

    Shapes:
        scores `(..., n)` to `P` `(..., n, n)`; `P[..., i, j]` is the weight of element `j` at rank
        `i`. Rows and columns sum to one.

    Raises:
        TypeError: for an argument of the wrong kind, or scores that are not floating-point.
        ValueError: for an argument of the wrong value, or scores of another size than `n`.
    """

    _partner: Tensor
    _sign: Tensor
    _incidence: Tensor
    _pairs: Tensor

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
        layers = odd_even_layers(self.n) if network == "odd_even" else bitonic_layers(self.n)
        self._layers = layers
        partner, sign = _wires(self.n, layers)
        self.register_buffer("_partner", partner, persistent=False)
        self.register_buffer("_sign", sign, persistent=False)
        self.register_buffer("_incidence", _incidence(self.n, layers), persistent=False)
        # (layers, 2, n / 2) where the wires of a layer are no slices, else empty.
        pairs = [] if network == "odd_even" else layers
        self.register_buffer("_pairs", torch.tensor(pairs, dtype=torch.int64), persistent=False)

    def forward(self, scores: Tensor) -> Tensor:
        """The relaxed permutation matrix `P` of the scores, `(..., n)` to `(..., n, n)`."""
        check_scores(self, scores)
        P = relaxed_permutation(self, scores, torch.promote_types(scores.dtype, torch.float32))
        P = P.flip(-2) if self.descending else P
        return P.to(scores.dtype)

    def extra_repr(self) -> str:
        """The arguments, for `repr`."""
        return (
            f"{self.n}, network={self.network!r}, distribution={self.distribution!r}, "
            f"steepness={self.steepness}, descending={self.descending}"
        )


def check_scores(network: SortingNetwork, scores: Tensor) -> Tensor:
    """``scores`` if they are a floating-point tensor `(..., n)` of the network's size."""
    check_float_tensor("scores", scores)
    if scores.dim() == 0 or scores.shape[-1] != network.n:
        raise ValueError(
            f"scores must have shape (..., {network.n}) for this network, "
            f"got a tensor of shape {tuple(scores.shape)}"
        )
    return scores


def wide(scores: Tensor) -> Tensor:
    """The scores in float64, or in float32 where the device has no float64."""
    return scores.to(torch.float32 if scores.device.type == "mps" else torch.float64)


def relaxed_permutation(network: SortingNetwork, scores: Tensor, dtype: torch.dtype) -> Tensor:
    """The ascending `P` in the given dtype, by plain torch operations.

    Args:
        network: the network.
        scores: `(..., n)`.
        dtype: in which the matrices are multiplied. The scores travel in float64.

    Returns:
        `P`, shape `(..., n, n)`.
    """
    x = wide(scores)
    # What is added is 0, or NaN if a score is not finite. As a constant: the derivatives of both x
    # would swallow those of a small weight. A single score has no other graph.
    zero = (x - x) if network.n == 1 else (x - x).detach()
    P = torch.eye(network.n, dtype=dtype, device=x.device) + zero.to(dtype).unsqueeze(-1)
    partners, signs = network._partner.to(x.device), network._sign.to(x.device, x.dtype)
    for partner, sign in zip(partners.unbind(), signs.unbind(), strict=True):
        other = x.index_select(-1, partner)
        # v and both weights: (..., n), the same for the two wires of a comparator.
        v = network.steepness * sign * (other - x)
        both = weight(network.distribution, torch.stack((v, -v)), network.steepness)
        keep, swap = both.unbind()
        x = keep * x + swap * other
        keep, swap = keep.to(dtype).unsqueeze(-1), swap.to(dtype).unsqueeze(-1)
        P = keep * P + swap * P.index_select(-2, partner)
    return P


def _wires(n: int, layers: list[Layer]) -> tuple[Tensor, Tensor]:
    """Of every layer and wire: the wire it is compared with, and +1 (first), -1 (second) or 0.

    A wire that is not compared is its own partner, at `v = 0`: half of it and half of it.
    """
    partner = torch.arange(n).repeat(len(layers), 1)
    sign = torch.zeros(len(layers), n)
    for k, (low, high) in enumerate(layers):
        partner[k, low], partner[k, high] = torch.tensor(high), torch.tensor(low)
        sign[k, low], sign[k, high] = 1.0, -1.0
    return partner, sign


def _incidence(n: int, layers: list[Layer]) -> Tensor:
    """Of every comparator, a column: -1 at its first and 1 at its second wire, `(n, K)`."""
    low, high = ([wire for layer in layers for wire in layer[k]] for k in (0, 1))
    incidence = torch.zeros(n, len(low))
    members = torch.arange(len(low))
    incidence[low, members], incidence[high, members] = -1.0, 1.0
    return incidence
