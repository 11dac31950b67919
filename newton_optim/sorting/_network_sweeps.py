"""What travels through a sorting network, one way or the other, and what its comparators see.

A comparator mixes two wires: ``a, b → α a + (1 - α) b, (1 - α) a + α b``. Everything here is laid
out wires first, ``(wires, samples, columns)``, so that a layer is a handful of operations on
slices. Results list the `K` comparators in the order of the network, ``(K, samples, columns)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from newton_optim.sorting._distributions import weight, weight_derivatives
from newton_optim.sorting._network import SortingNetwork, wide

Wires = slice | Tensor


class Layer(NamedTuple):
    """The first and second wires of a layer's comparators, and which of the `K` they are."""

    low: Wires
    high: Wires
    members: slice


class Comparators(NamedTuple):
    """All comparators of a network on one batch of scores; the tensors are `(K, N)`.

    Attributes:
        layers: where they are.
        keep: `α = f(v)`.
        swap: `1 - α`.
        first: `f'(v)`.
        second: `f''(v)`.
        pull: `v f'(v)`.
        bend: `v f''(v) + 2 f'(v)`.
    """

    layers: list[Layer]
    keep: Tensor
    swap: Tensor
    first: Tensor
    second: Tensor
    pull: Tensor
    bend: Tensor

    def share(self, tensor: Tensor) -> Sequence[Tensor]:
        """`tensor`, `(K, ...)`, in one part a layer."""
        sizes = [layer.members.stop - layer.members.start for layer in self.layers]
        return tensor.split(sizes) if sizes else ()


def comparators(network: SortingNetwork, scores: Tensor) -> Comparators:
    """Send the scores, `(N, n)`, through the network.

    Args:
        network: the network.
        scores: `(N, n)`; they travel in float64.

    Returns:
        The comparators' weights and derivatives, in the dtype of the scores, float32 at least.
    """
    layers = network_layers(network, scores.device)
    x = wide(scores).t().clone()  # (n, N)
    v, both = [x[:0]], [x.new_zeros(2, 0, x.shape[1])]
    for low, high, _ in layers:
        a, b = x[low], x[high]
        # In the arithmetic of `relaxed_permutation`: near a tie, the last bit matters.
        v.append(network.steepness * (b - a))
        both.append(weight(network.distribution, torch.stack((v[-1], -v[-1])), network.steepness))
        keep, swap = both[-1].unbind()
        x[low], x[high] = keep * a + swap * b, keep * b + swap * a
    return _comparators(network, layers, torch.cat(v), torch.cat(both, dim=1), scores.dtype)


def _comparators(
    network: SortingNetwork, layers: list[Layer], v: Tensor, both: Tensor, dtype: torch.dtype
) -> Comparators:
    """What follows from all differences `v`, `(K, N)`, and weights `both`, `(2, K, N)`."""
    first, second = weight_derivatives(network.distribution, v, network.steepness)
    table = torch.stack((*both, first, second, v * first, v * second + 2.0 * first))
    return Comparators(layers, *table.to(torch.promote_types(dtype, torch.float32)))


def network_layers(network: SortingNetwork, device: torch.device) -> list[Layer]:
    """The layers of a network: slices where the wires are evenly spaced, else index tensors."""
    layers: list[Layer] = []
    pairs = network._pairs.to(device)
    stop = 0
    for k, (low, high) in enumerate(network._layers):
        start, stop = stop, stop + len(low)
        if network.network == "odd_even":
            wires = slice(low[0], low[-1] + 1, 2), slice(high[0], high[-1] + 1, 2)
            layers.append(Layer(*wires, slice(start, stop)))
        else:
            layers.append(Layer(pairs[k, 0], pairs[k, 1], slice(start, stop)))
    return layers


def mixed_identity(pairs: Comparators, n: int, *, backward: bool = False) -> tuple[Tensor, Tensor]:
    """The product of all layers, and what every comparator has before it.

    Args:
        pairs: the comparators.
        n: the number of wires.
        backward: from the last layer to the first.

    Returns:
        The product `P`, `(n, N, n)`, and the differences of the rows that a comparator meets,
        second wire minus first, `(K, N, n)`: `E`, or `R` backward.
    """
    Z = _identity(pairs, n)
    keeps = pairs.share(pairs.keep.unsqueeze(-1))
    swaps = pairs.share(pairs.swap.unsqueeze(-1))
    layers = list(zip(pairs.layers, keeps, swaps, strict=True))
    step = -1 if backward else 1
    rows = [_mix(Z, low, high, keep, swap) for (low, high, _), keep, swap in layers[::step]]
    return Z, _join(rows[::step], Z)


def tangents(pairs: Comparators, n: int) -> Tensor:
    """`V = ∂v/∂scores`, `(K, N, n)`, in units of the steepness.

    Args:
        pairs: the comparators.
        n: the number of wires.
    """
    J = _identity(pairs, n)
    # A shift of b - a is swapped in part, and pulled at by the weight it changes.
    shares = pairs.share((pairs.swap - pairs.pull).unsqueeze(-1))
    rows = []
    for (low, high, _), share in zip(pairs.layers, shares, strict=True):
        a, b = J[low], J[high]
        V = b - a
        step = share * V
        J[low], J[high] = a + step, b - step
        rows.append(V)
    return _join(rows, J)


def adjoints(pairs: Comparators, n: int, F: Tensor) -> tuple[Tensor, Tensor]:
    """`v̄ = f' F + v f' y` and `y`, `(K, N)` each: from the last comparator to the first.

    Args:
        pairs: the comparators.
        n: the number of wires.
        F: the derivative of the loss to the weights alone, `(K, N)`.
    """
    x_bar = F.new_zeros(n, F.shape[1])
    shares = (pairs.share(part) for part in (pairs.first * F, pairs.pull, pairs.swap))
    layers = list(zip(pairs.layers, *shares, strict=True))
    v_bars, ys = [], []
    for (low, high, _), fF, pull, swap in reversed(layers):
        a, b = x_bar[low], x_bar[high]
        y = b - a
        v_bar = torch.addcmul(fF, pull, y)
        step = torch.addcmul(v_bar, swap, y, value=-1.0)
        x_bar[low], x_bar[high] = a - step, b + step
        v_bars.append(v_bar)
        ys.append(y)
    return _join(v_bars[::-1], F), _join(ys[::-1], F)


def mixed_products(
    pairs: Comparators, incidence: Tensor, left: Tensor, middle: Tensor, right: Tensor
) -> list[Tensor]:
    """`(G ∘ left middleᵀ) right`, where `G_km` is what a shift of pair `m` does to the later `k`.

    Args:
        pairs: the comparators.
        incidence: the shifts, `(n, K)`: -1 and 1 at the wires of each pair.
        left: `(N, K, n)`.
        middle: `(N, n, K)`, transposed.
        right: `(N, K, n)`.

    Returns:
        The rows of every layer but the first, where they are zero: `(N, members, n)`.
    """
    # Column m is its own pair until the first layer after it.
    start = incidence.to(pairs.keep).unsqueeze(1)
    Z = pairs.keep.new_zeros(start.shape[0], pairs.keep.shape[1], start.shape[2]) + start
    keeps = pairs.share(pairs.keep.unsqueeze(-1))[1:]
    swaps = pairs.share(pairs.swap.unsqueeze(-1))[1:]
    rows = []
    for (low, high, members), keep, swap in zip(pairs.layers[1:], keeps, swaps, strict=True):
        before = members.start
        G = _mix(Z[..., :before], low, high, keep, swap)
        S = (left[:, members] @ middle[..., :before]) * G.transpose(0, 1)
        rows.append(S @ right[:, :before])
    return rows


def _identity(pairs: Comparators, n: int) -> Tensor:
    """The identity for every sample, `(n, N, n)`, to be mixed in place (also under vmap)."""
    eye = torch.eye(n, dtype=pairs.keep.dtype, device=pairs.keep.device).unsqueeze(1)
    return pairs.keep.new_zeros(n, pairs.keep.shape[1], n) + eye


def _mix(Z: Tensor, low: Wires, high: Wires, keep: Tensor, swap: Tensor) -> Tensor:
    """Mix one layer of `Z` in place; the difference of its pairs before."""
    a, b = Z[low], Z[high]
    rows = b - a
    new_a = torch.addcmul(keep * a, swap, b)
    new_b = torch.addcmul(swap * a, keep, b)
    Z[low], Z[high] = new_a, new_b
    return rows


def _join(rows: list[Tensor], like: Tensor) -> Tensor:
    """The rows one below the other; none at all if there are no comparators."""
    return torch.cat(rows) if rows else like[:0]
