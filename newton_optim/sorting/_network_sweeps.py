"""Sweeps through a sorting network, forwards and backwards, that give its derivatives.

A comparator mixes two wires: `a, b → α a + (1 - α) b, (1 - α) a + α b`. The wires come first in
all layouts, `(wires, samples, columns)`, so that a layer is a few operations on slices. Results
list the K comparators in the order of the network, `(K, samples, columns)`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from newton_optim.sorting._comparators import Comparators, WireIndex


def mixed_identity(pairs: Comparators, n: int, *, backward: bool = False) -> tuple[Tensor, Tensor]:
    """The product of all layers, and the rows that every comparator meets.

    Args:
        pairs: the comparators.
        n: the number of wires.
        backward: from the last layer to the first.

    Returns:
        The product `P`, `(n, N, n)`, and the differences of the rows that a comparator meets,
        second wire minus first, `(K, N, n)`: `E`, or `R` if ``backward``.
    """
    Z = _identity(pairs, n)
    keeps = pairs.by_layer(pairs.keep.unsqueeze(-1))
    swaps = pairs.by_layer(pairs.swap.unsqueeze(-1))
    layers = list(zip(pairs.layers, keeps, swaps, strict=True))
    step = -1 if backward else 1
    rows = [_mix(Z, first, second, keep, swap) for (first, second, _), keep, swap in layers[::step]]
    return Z, _join(rows[::step], Z)


def tangents(pairs: Comparators, n: int) -> Tensor:
    """`V = ∂v/∂scores`, `(K, N, n)`, in units of the steepness.

    Args:
        pairs: the comparators.
        n: the number of wires.
    """
    J = _identity(pairs, n)
    # A shift of b - a is swapped in part, and it changes the weight, too.
    shares = pairs.by_layer((pairs.swap - pairs.v_slope).unsqueeze(-1))
    rows = []
    for (first, second, _), share in zip(pairs.layers, shares, strict=True):
        a, b = J[first], J[second]
        V = b - a
        step = share * V
        J[first], J[second] = a + step, b - step
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
    shares = (pairs.by_layer(part) for part in (pairs.slope * F, pairs.v_slope, pairs.swap))
    layers = list(zip(pairs.layers, *shares, strict=True))
    v_bars, ys = [], []
    for (first, second, _), slope_F, v_slope, swap in reversed(layers):
        a, b = x_bar[first], x_bar[second]
        y = b - a
        v_bar = torch.addcmul(slope_F, v_slope, y)
        step = torch.addcmul(v_bar, swap, y, value=-1.0)
        x_bar[first], x_bar[second] = a - step, b + step
        v_bars.append(v_bar)
        ys.append(y)
    return _join(v_bars[::-1], F), _join(ys[::-1], F)


def mixed_products(pairs: Comparators, left: Tensor, middle: Tensor, right: Tensor) -> list[Tensor]:
    """`(G ∘ left middleᵀ) right`, where `G_km` is what a shift of pair `m` does to the later `k`.

    Args:
        pairs: the comparators.
        left: `(N, K, n)`.
        middle: `(N, n, K)`, transposed.
        right: `(N, K, n)`.

    Returns:
        The rows of every layer but the first, where they are zero: `(N, members, n)`.
    """
    # Column m is its own pair until the first layer after it.
    start = pairs.incidence(middle.shape[1]).unsqueeze(1)
    Z = pairs.keep.new_zeros(start.shape[0], pairs.keep.shape[1], start.shape[2]) + start
    keeps = pairs.by_layer(pairs.keep.unsqueeze(-1))[1:]
    swaps = pairs.by_layer(pairs.swap.unsqueeze(-1))[1:]
    rows = []
    for (first, second, members), keep, swap in zip(pairs.layers[1:], keeps, swaps, strict=True):
        before = members.start
        G = _mix(Z[..., :before], first, second, keep, swap)
        S = (left[:, members] @ middle[..., :before]) * G.transpose(0, 1)
        rows.append(S @ right[:, :before])
    return rows


def _identity(pairs: Comparators, n: int) -> Tensor:
    """The identity for every sample, `(n, N, n)`, to be mixed in place (also under vmap)."""
    eye = torch.eye(n, dtype=pairs.keep.dtype, device=pairs.keep.device).unsqueeze(1)
    return pairs.keep.new_zeros(n, pairs.keep.shape[1], n) + eye


def _mix(Z: Tensor, first: WireIndex, second: WireIndex, keep: Tensor, swap: Tensor) -> Tensor:
    """Mix one layer of `Z` in place and return the differences of its pairs before."""
    a, b = Z[first], Z[second]
    rows = b - a
    new_a = torch.addcmul(keep * a, swap, b)
    new_b = torch.addcmul(swap * a, keep, b)
    Z[first], Z[second] = new_a, new_b
    return rows


def _join(rows: list[Tensor], like: Tensor) -> Tensor:
    """The rows concatenated; without comparators, none."""
    return torch.cat(rows) if rows else like[:0]
