"""The wiring of a sorting network: which wires it compares, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class Layer(NamedTuple):
    """Comparators that act at the same time, on different wires.

    Attributes:
        first: the wire of each comparator that receives the smaller value.
        second: the wire of each comparator that receives the larger value.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]


@dataclass(frozen=True)
class Wiring:
    """The comparators of a sorting network, layer by layer.

    It is read from ``SortingNetwork.wiring``.

    Attributes:
        n: the number of wires.
        layers: the layers in the order in which they act. Each is a pair ``(first, second)`` of
            tuples: its comparator ``k`` puts the smaller value on wire ``first[k]`` and the larger
            one on wire ``second[k]``.
    """

    n: int
    layers: tuple[Layer, ...]

    @property
    def num_comparators(self) -> int:
        """The number of comparators in all layers."""
        return sum(len(layer.first) for layer in self.layers)


class WireIndices(NamedTuple):
    """A wiring as tensors. There are K comparators in L layers of n wires.

    Attributes:
        first: the first wires of all comparators, `(K,)`.
        second: their second wires, `(K,)`.
        partner: the wire that each wire is compared with in each layer, `(L, n)`. A wire that is
            not compared is its own partner.
        sign: 1 for a first wire, -1 for a second one, 0 for one that is not compared, `(L, n)`.
        layer: the layers of all comparators, `(K,)`.
    """

    first: Tensor
    second: Tensor
    partner: Tensor
    sign: Tensor
    layer: Tensor


def odd_even_wiring(n: int) -> Wiring:
    """The `n` layers of odd-even transposition sort, which compare neighbouring wires."""
    starts = [k % 2 for k in range(n) if k % 2 < n - 1]
    layers = [Layer(tuple(range(k, n - 1, 2)), tuple(range(k + 1, n, 2))) for k in starts]
    return Wiring(n, tuple(layers))


def bitonic_wiring(n: int) -> Wiring:
    """The `k (k + 1) / 2` layers of a bitonic sorter of `n = 2^k` wires."""
    layers = []
    for block in range(n.bit_length() - 1):
        for distance in (2**k for k in range(block, -1, -1)):
            lower = [wire for wire in range(n) if not wire & distance]
            # Every other block of 2^(block+1) wires sorts downwards.
            down = [bool(wire & 2 ** (block + 1)) for wire in lower]
            first = (wire + distance * swap for wire, swap in zip(lower, down, strict=True))
            second = (wire + distance * (not swap) for wire, swap in zip(lower, down, strict=True))
            layers.append(Layer(tuple(first), tuple(second)))
    return Wiring(n, tuple(layers))


def wire_indices(wiring: Wiring, device: torch.device) -> WireIndices:
    """The wiring as tensors on a device."""
    layers, n = wiring.layers, wiring.n
    first, second = ([wire for layer in layers for wire in layer[k]] for k in (0, 1))
    partner = [list(range(n)) for _ in layers]
    sign = [[0.0] * n for _ in layers]
    index = [k for k, layer in enumerate(layers) for _ in layer.first]
    for k, layer in enumerate(layers):
        for a, b in zip(layer.first, layer.second, strict=True):
            partner[k][a], partner[k][b] = b, a
            sign[k][a], sign[k][b] = 1.0, -1.0
    return WireIndices(
        torch.tensor(first, dtype=torch.int64, device=device),
        torch.tensor(second, dtype=torch.int64, device=device),
        torch.tensor(partner, dtype=torch.int64, device=device).reshape(-1, n),
        torch.tensor(sign, dtype=torch.float32, device=device).reshape(-1, n),
        torch.tensor(index, dtype=torch.int64, device=device),
    )


def idle_comparators(indices: WireIndices, lengths: Tensor) -> Tensor:
    """Which comparators of an odd-even network are not in that of a shorter list, `(K, N)`.

    The network of `m` wires has those in the first `m` layers that compare the first `m` wires.

    Args:
        indices: the wiring.
        lengths: the length `m` of each list, `(N,)`.
    """
    return torch.maximum(indices.layer, indices.second).unsqueeze(-1) >= lengths


def active_wires(indices: WireIndices, lengths: Tensor | None) -> Sequence[Tensor | None]:
    """Which wires of each layer are those of comparators that are not idle, `(..., n)` each.

    ``None`` for every layer if there are no lengths, which means: all that have a partner.
    """
    num_layers, n = indices.partner.shape
    if lengths is None:
        return [None] * num_layers
    wires = torch.arange(n, device=lengths.device)
    last = torch.maximum(indices.partner, wires)
    return [last[k].clamp(min=k) < lengths.unsqueeze(-1) for k in range(num_layers)]


def where_active(active: Tensor | None, values: Tensor, own: Tensor) -> Tensor:
    """``values`` of the active wires, ``own`` of the others.

    Args:
        active: one of :func:`active_wires`.
        values: `(..., n)`, or rows `(..., n, n)`.
        own: the same shape.
    """
    if active is None:
        return values
    return torch.where(active if values.ndim == active.ndim else active.unsqueeze(-1), values, own)
