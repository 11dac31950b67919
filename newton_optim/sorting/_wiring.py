"""The wiring of a sorting network: which wires it compares, and in which order."""

from __future__ import annotations

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
    """

    first: Tensor
    second: Tensor
    partner: Tensor
    sign: Tensor


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
    for k, layer in enumerate(layers):
        for a, b in zip(layer.first, layer.second, strict=True):
            partner[k][a], partner[k][b] = b, a
            sign[k][a], sign[k][b] = 1.0, -1.0
    return WireIndices(
        torch.tensor(first, dtype=torch.int64, device=device),
        torch.tensor(second, dtype=torch.int64, device=device),
        torch.tensor(partner, dtype=torch.int64, device=device).reshape(-1, n),
        torch.tensor(sign, dtype=torch.float32, device=device).reshape(-1, n),
    )
