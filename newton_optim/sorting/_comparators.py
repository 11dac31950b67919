"""The comparators of a sorting network on one batch of scores: their weights and derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from newton_optim._precision import to_widest
from newton_optim.sorting._distributions import weight, weight_derivatives
from newton_optim.sorting._network import SortingNetwork
from newton_optim.sorting._scores import at_least_float32
from newton_optim.sorting._wiring import WireIndices, idle_comparators

WireIndex = slice | Tensor


class LayerIndex(NamedTuple):
    """Where the comparators of one layer are.

    Attributes:
        first: the index of their first wires.
        second: the index of their second wires.
        members: which of the network's comparators they are.
    """

    first: WireIndex
    second: WireIndex
    members: slice


class Comparators(NamedTuple):
    """All K comparators of a network on N samples; the tensors of weights are `(K, N)`.

    Attributes:
        layers: where they are, layer by layer.
        indices: the wiring of the network as tensors.
        keep: `α = f(v)`.
        swap: `1 - α`.
        slope: `f'(v)`.
        curvature: `f''(v)`.
        v_slope: `v f'(v)`.
        product_curvature: `v f''(v) + 2 f'(v)`, the second derivative of `v f(v)`.
    """

    layers: list[LayerIndex]
    indices: WireIndices
    keep: Tensor
    swap: Tensor
    slope: Tensor
    curvature: Tensor
    v_slope: Tensor
    product_curvature: Tensor

    def by_layer(self, tensor: Tensor) -> Sequence[Tensor]:
        """The parts of a tensor `(K, ...)` that belong to each layer."""
        sizes = [layer.members.stop - layer.members.start for layer in self.layers]
        return tensor.split(sizes) if sizes else ()

    def incidence(self, n: int) -> Tensor:
        """-1 at the first and 1 at the second wire of each comparator, `(n, K)`."""
        eye = torch.eye(n, dtype=self.keep.dtype, device=self.keep.device)
        first, second = self.indices.first, self.indices.second
        return eye.index_select(1, second) - eye.index_select(1, first)


def comparators(
    network: SortingNetwork, scores: Tensor, lengths: Tensor | None = None
) -> Comparators:
    """Send the scores, `(N, n)`, through the network.

    Args:
        network: the network.
        scores: `(N, n)`; they travel in float64.
        lengths: how many scores each sample has, on its first wires, `(N,)`; all by default. The
            comparators of the other wires are idle: they keep everything and have no derivatives.

    Returns:
        The comparators, in the dtype of the scores, float32 at least.
    """
    indices = network.wire_indices(scores.device)
    layers = _layer_indices(network, indices.first, indices.second)
    idle = None if lengths is None else idle_comparators(indices, lengths)
    x = to_widest(scores).t().clone()  # (n, N)
    v, both = [x[:0]], [x.new_zeros(2, 0, x.shape[1])]
    for first, second, members in layers:
        a, b = x[first], x[second]
        # In the arithmetic of ``ascending_permutation``: near a tie, the last bit matters.
        v.append(network.steepness * (b - a))
        pair = weight(network.distribution, torch.stack((v[-1], -v[-1])), network.steepness)
        both.append(pair if idle is None else _without_idle(pair, idle[members]))
        keep, swap = both[-1].unbind()
        x[first], x[second] = keep * a + swap * b, keep * b + swap * a
    derivatives = _derivatives(network, torch.cat(v))
    if idle is not None:
        derivatives = derivatives.masked_fill(idle, 0.0)
    table = torch.cat((torch.cat(both, dim=1), derivatives))
    return Comparators(layers, indices, *table.to(at_least_float32(scores.dtype)))


def _without_idle(both: Tensor, idle: Tensor) -> Tensor:
    """The weights `(2, members, N)`, 1 and 0 for an idle comparator."""
    keep, swap = both
    return torch.stack((keep.masked_fill(idle, 1.0), swap.masked_fill(idle, 0.0)))


def _derivatives(network: SortingNetwork, v: Tensor) -> Tensor:
    """The four derivatives of :class:`Comparators`, from the `v`, `(K, N)`."""
    slope, curvature = weight_derivatives(network.distribution, v, network.steepness)
    return torch.stack((slope, curvature, v * slope, v * curvature + 2.0 * slope))


def _layer_indices(network: SortingNetwork, first: Tensor, second: Tensor) -> list[LayerIndex]:
    """The layers of a network, from the first and second wires of all comparators, `(K,)`."""
    layers = []
    stop = 0
    for layer in network.wiring.layers:
        start, stop = stop, stop + len(layer.first)
        members = slice(start, stop)
        a = _evenly_spaced(layer.first) or first[members]
        b = _evenly_spaced(layer.second) or second[members]
        layers.append(LayerIndex(a, b, members))
    return layers


def _evenly_spaced(wires: tuple[int, ...]) -> slice | None:
    """The wires as a slice, which indexes faster than a tensor; `None` where they are none."""
    step = wires[1] - wires[0] if len(wires) > 1 else 1
    if step < 1 or wires != tuple(range(wires[0], wires[0] + step * len(wires), step)):
        return None
    return slice(wires[0], wires[-1] + 1, step)
