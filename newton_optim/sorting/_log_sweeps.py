r"""Sweeps through a sorting network in log space, forwards and backwards.

A comparator with the log-weights `k = log α`, `s = log(1 - α)` mixes the rows `a`, `b` of
`L = log P` to `logaddexp(k + a, s + b)` and `logaddexp(k + b, s + a)`. Let `p` be the share of a
row's own wire in its new entry, `1 - p` that of the other wire. All of these are between 0 and 1,
and the derivatives of `k` and `s` by `v` are bounded or grow like `v`: nothing underflows.

Layouts: the wires come first. Comparators are pairs of wires: what belongs to the rows of a layer
is `(members, 2, N, n)`, the first wire at 0 and the second at 1. There are K comparators in all.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from newton_optim._precision import to_widest
from newton_optim.sorting._log_permutation import NOTHING
from newton_optim.sorting._log_weights import LogWeights, log_weight_derivatives
from newton_optim.sorting._network import SortingNetwork


class PairIndex(NamedTuple):
    """Where the comparators of one layer are.

    Attributes:
        wires: the index of their wires, pair by pair.
        members: which of the network's K comparators they are.
    """

    wires: slice | Tensor
    members: slice


class ForwardSweep(NamedTuple):
    """The network on N samples.

    Attributes:
        layers: where the comparators are, layer by layer.
        L: `log P`, `(n, N, n)`, in float64.
        v: the scaled differences `steepness · (b - a)`, `(K, N)`, in float64.
        weights: their log-weights with derivatives, `(K, N)` each, in float64.
        shares: `p` of every layer, in the dtype of the results.
    """

    layers: list[PairIndex]
    L: Tensor
    v: Tensor
    weights: LogWeights
    shares: list[Tensor]


class Comparators(NamedTuple):
    """What the other sweeps need of the K comparators on N samples, `(K, N)` each.

    Attributes:
        slope_keep: the derivative of `k` by `v`, at least 0.
        slope_swap: minus the derivative of `s` by `v`, at least 0.
        curvature_keep: the second derivative of `k`.
        curvature_swap: the second derivative of `s`.
        moved: how much of a shift of `b - a` the comparator moves, `(1 - α) - v f'`.
        x_slope: `v f' / steepness`, the derivative of the first value by `v`, negated.
        x_curvature: `(v f'' + 2 f') / steepness`, its second derivative, negated.
        swap: `1 - α`.
    """

    slope_keep: Tensor
    slope_swap: Tensor
    curvature_keep: Tensor
    curvature_swap: Tensor
    moved: Tensor
    x_slope: Tensor
    x_curvature: Tensor
    swap: Tensor


def forward_sweep(network: SortingNetwork, scores: Tensor, dtype: torch.dtype) -> ForwardSweep:
    """Send the scores, `(N, n)`, and the identity through the network."""
    layers = _pair_indices(network, scores.device)
    N, n = scores.shape
    x = to_widest(scores).t().clone()
    eye = torch.eye(n, dtype=torch.bool, device=x.device).unsqueeze(1)
    L = x.new_full((n, N, n), NOTHING).masked_fill(eye, 0.0)
    v, weights, shares = [], [], []
    for wires, _ in layers:
        a, b = pairs_of(x, wires).unbind(1)
        v.append(network.steepness * (b - a))
        weights.append(log_weight_derivatives(network.distribution, v[-1], network.steepness))
        keep, swap = weights[-1].keep, weights[-1].swap
        mixed = swap.exp() * (b - a)
        x[wires] = joined(a + mixed, b - mixed)
        rows = pairs_of(L, wires)
        own = rows + keep[:, None, :, None]
        other = rows.flip(1) + swap[:, None, :, None]
        L[wires] = torch.logaddexp(own, other).flatten(0, 1)
        shares.append((own - other).sigmoid().to(dtype))
    if not layers:
        return ForwardSweep([], L, x[:0], LogWeights(*[x[:0]] * 6), [])
    all_weights = LogWeights(*(torch.cat(part) for part in zip(*weights, strict=True)))
    return ForwardSweep(layers, L, torch.cat(v), all_weights, shares)


def comparators(forward: ForwardSweep, steepness: float, dtype: torch.dtype) -> Comparators:
    """The derivatives of all comparators, in the dtype of the results."""
    w, v = forward.weights, forward.v
    keep, swap = w.keep.exp(), w.swap.exp()
    slope = w.slope_keep * keep  # f'
    curvature = (w.curvature_keep + w.slope_keep.square()) * keep  # f''
    table = torch.stack(
        (
            w.slope_keep,
            w.slope_swap,
            w.curvature_keep,
            w.curvature_swap,
            swap - v * slope,
            v * slope / steepness,
            (v * curvature + 2.0 * slope) / steepness,
            swap,
        )
    )
    return Comparators(*table.to(dtype))


def _pair_indices(network: SortingNetwork, device: torch.device) -> list[PairIndex]:
    layers, stop = [], 0
    indices = network.wire_indices(device)
    both = torch.stack((indices.first, indices.second), dim=1)
    for layer in network.wiring.layers:
        start, stop = stop, stop + len(layer.first)
        wires = [wire for pair in zip(*layer, strict=True) for wire in pair]
        neighbours = wires == list(range(wires[0], wires[0] + len(wires)))
        index = slice(wires[0], wires[-1] + 1) if neighbours else both[start:stop].flatten()
        layers.append(PairIndex(index, slice(start, stop)))
    return layers


def pairs_of(wires_first: Tensor, wires: slice | Tensor) -> Tensor:
    """The rows of a layer's wires as pairs: `(n, ...)` to `(members, 2, ...)`."""
    return wires_first[wires].unflatten(0, (-1, 2))


def joined(first: Tensor, second: Tensor) -> Tensor:
    """The rows of both wires, pair by pair: `(members, ...)` each to `(2 members, ...)`."""
    return torch.stack((first, second), dim=1).flatten(0, 1)
