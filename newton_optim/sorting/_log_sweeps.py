r"""The forward sweep through a sorting network in log space.

A comparator with the log-weights `k = log α` and `s = log(1 - α)` mixes the rows `a`, `b` of
`L = log P` to `logaddexp(k + a, s + b)` and `logaddexp(k + b, s + a)`. What the derivatives need
of it are the shares of a row's own and of the other wire in its new entry, both between 0 and 1,
and the slopes of `k` and `s`, which are bounded or grow like `v`: nothing underflows.

Layouts: the wires come first. Comparators are pairs of wires: what belongs to the rows of a layer
is `(members, 2, N, n)`, the first wire at 0 and the second at 1. There are K comparators in all.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from newton_optim._precision import to_widest
from newton_optim.sorting._log_permutation import log_of_nothing
from newton_optim.sorting._log_weights import log_weight_slopes, log_weight_values
from newton_optim.sorting._network import SortingNetwork
from newton_optim.sorting._wiring import WireIndices, idle_comparators


class PairIndex(NamedTuple):
    """Where the comparators of one layer are.

    Attributes:
        wires: the index of their wires, pair by pair.
        members: which of the network's K comparators they are.
    """

    wires: slice | Tensor
    members: slice


class Shares(NamedTuple):
    """Of every new entry in a layer, the shares of the two old ones, `(members, 2, N, n)`.

    They sum to 1. The two are computed separately: each has its own relative precision.

    Attributes:
        own: that of the row's own wire.
        other: that of the other wire.
    """

    own: Tensor
    other: Tensor


class ForwardSweep(NamedTuple):
    """The network on N samples; in float64, but for the shares.

    Attributes:
        layers: where the comparators are, layer by layer.
        idle: which comparators a sample does not have, bool, `(K, N)`; ``None`` if it has all.
        L: `log P`, `(n, N, n)`.
        v: the scaled differences `steepness · (b - a)`, `(K, N)`.
        keep: `log f(v)`, `(K, N)`.
        swap: `log f(-v)`, `(K, N)`.
        shares: those of every layer, in the dtype of the results.
    """

    layers: list[PairIndex]
    idle: Tensor | None
    L: Tensor
    v: Tensor
    keep: Tensor
    swap: Tensor
    shares: list[Shares]


class Comparators(NamedTuple):
    """The derivatives of K comparators on N samples, `(K, N)` each; 0 where a comparator is idle.

    Attributes:
        keep: the derivative of `k` by `v`, at least 0.
        swap: minus the derivative of `s` by `v`, at least 0.
        keep_curvature: the second derivative of `k`.
        swap_curvature: the second derivative of `s`.
        weight: `1 - α`.
        moved: how much of a shift of `b - a` the comparator moves, `(1 - α) - v f'`.
        x_slope: `v f' / steepness`, the derivative of the first value by `v`, negated.
        x_curvature: `(v f'' + 2 f') / steepness`, its second derivative, negated.
    """

    keep: Tensor
    swap: Tensor
    keep_curvature: Tensor
    swap_curvature: Tensor
    weight: Tensor
    moved: Tensor
    x_slope: Tensor
    x_curvature: Tensor


def forward_sweep(
    network: SortingNetwork, scores: Tensor, dtype: torch.dtype, lengths: Tensor | None = None
) -> ForwardSweep:
    """Send the scores, `(N, n)`, and the identity through the network.

    Args:
        network: the network.
        scores: `(N, n)`; they travel in float64.
        dtype: that of the shares.
        lengths: how many scores each sample has, on its first wires, `(N,)`; all by default.
    """
    indices = network.wire_indices(scores.device)
    layers = _pair_indices(network, indices)
    idle = None if lengths is None else idle_comparators(indices, lengths)
    x = to_widest(scores).t().clone()
    L = _log_identity(x)
    vs, keeps, swaps, shares = [x[:0]], [x[:0]], [x[:0]], []
    for wires, members in layers:
        a, b = pairs_of(x, wires).unbind(1)
        v = network.steepness * (b - a)
        keep, swap = _weights(network, v, None if idle is None else idle[members])
        mixed = swap.exp() * (b - a)
        x[wires] = joined(a + mixed, b - mixed)
        rows = pairs_of(L, wires)
        own = rows + keep[:, None, :, None]
        other = rows.flip(1) + swap[:, None, :, None]
        L[wires] = torch.logaddexp(own, other).flatten(0, 1)
        ahead = own - other
        shares.append(Shares(ahead.sigmoid().to(dtype), ahead.neg().sigmoid().to(dtype)))
        for parts, part in ((vs, v), (keeps, keep), (swaps, swap)):
            parts.append(part)
    return ForwardSweep(layers, idle, L, torch.cat(vs), torch.cat(keeps), torch.cat(swaps), shares)


def _log_identity(x: Tensor) -> Tensor:
    """The logarithm of the identity for every sample, `(n, N, n)`, for scores `(n, N)`."""
    n = x.shape[0]
    L = x.unsqueeze(-1).new_full((n, x.shape[1], n), log_of_nothing(x.dtype))
    return L.masked_fill(torch.eye(n, dtype=torch.bool, device=x.device).unsqueeze(1), 0.0)


def _weights(network: SortingNetwork, v: Tensor, idle: Tensor | None) -> tuple[Tensor, Tensor]:
    """The log-weights of a layer, `(members, N)`; idle comparators keep everything."""
    keep, swap = log_weight_values(network.distribution, v, network.steepness)
    if idle is None:
        return keep, swap
    return keep.masked_fill(idle, 0.0), swap.masked_fill(idle, log_of_nothing(v.dtype))


def comparators(network: SortingNetwork, sweep: ForwardSweep, dtype: torch.dtype) -> Comparators:
    """The derivatives of all comparators, in the dtype of the results."""
    v, steepness = sweep.v, network.steepness
    slopes = log_weight_slopes(network.distribution, v, steepness)
    keep, swap = sweep.keep.exp(), sweep.swap.exp()
    first = slopes.keep * keep  # f'
    second = (slopes.keep_curvature + slopes.keep.square()) * keep  # f''
    x_slope, x_curvature = v * first, v * second + 2.0 * first
    of_x = (swap, swap - x_slope, x_slope / steepness, x_curvature / steepness)
    table = torch.stack((*slopes, *of_x))
    if sweep.idle is not None:
        table = table.masked_fill(sweep.idle, 0.0)
    return Comparators(*table.to(dtype))


def pairs_of(wires_first: Tensor, wires: slice | Tensor) -> Tensor:
    """The rows of a layer's wires as pairs: `(n, ...)` to `(members, 2, ...)`."""
    rows: Tensor = wires_first[wires].unflatten(0, (-1, 2))
    return rows


def joined(first: Tensor, second: Tensor) -> Tensor:
    """The rows of both wires, pair by pair: `(members, ...)` each to `(2 members, ...)`."""
    return torch.stack((first, second), dim=1).flatten(0, 1)


def _pair_indices(network: SortingNetwork, indices: WireIndices) -> list[PairIndex]:
    """The layers of a network; neighbouring wires as a slice, which indexes faster."""
    layers, stop = [], 0
    both = torch.stack((indices.first, indices.second), dim=1)
    for layer in network.wiring.layers:
        start, stop = stop, stop + len(layer.first)
        wires = [wire for pair in zip(*layer, strict=True) for wire in pair]
        neighbours = wires == list(range(wires[0], wires[0] + len(wires)))
        index = slice(wires[0], wires[-1] + 1) if neighbours else both[start:stop].flatten()
        layers.append(PairIndex(index, slice(start, stop)))
    return layers
