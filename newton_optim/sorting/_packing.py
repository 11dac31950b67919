"""Lists of different lengths on one network: the present elements are packed to its first wires.

A list of `m` elements runs through the network of `m` wires, which is a part of the odd-even
network of `n` wires (not so for bitonic ones). Packing keeps the order of the elements, so that the
result is that of the list alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import describe


@dataclass(frozen=True)
class Packing:
    """Which wire each element of a batch of lists is on.

    Attributes:
        mask: which elements are present, bool, `(..., n)`.
        lengths: the number `m` of present elements, `(...,)`.
        elements: the element on each wire, `(..., n)`; the present ones first, in their order.
        wires: the wire of each element, `(..., n)`.
    """

    mask: Tensor
    lengths: Tensor
    elements: Tensor
    wires: Tensor

    @classmethod
    def of(cls, mask: Tensor) -> Packing:
        """The packing of the elements that a mask says are present."""
        elements = (~mask).to(torch.int8).argsort(dim=-1, stable=True)
        return cls(mask, mask.sum(dim=-1), elements, elements.argsort(dim=-1))

    def pack(self, scores: Tensor) -> Tensor:
        """The scores by wire, `(..., n)`; 0 on the wires without one, whatever the padding."""
        return scores.gather(-1, self.elements).masked_fill(~self.occupied, 0.0)

    def pack_order(self, order: Tensor) -> Tensor:
        """The order by wire, `(..., n)`: the wires of the present elements in their true order.

        A wire without an element is at its own rank, where the network leaves it.
        """
        ranks = torch.arange(order.shape[-1], device=order.device)
        return torch.where(self.occupied, self.wires.gather(-1, order), ranks)

    def unpack(self, values: Tensor) -> Tensor:
        """`(..., n)` by wire as `(..., n)` by element; 0 for the absent ones."""
        return values.gather(-1, self.wires).masked_fill(~self.mask, 0.0)

    def unpack_columns(self, matrices: Tensor) -> Tensor:
        """`(..., n, n)` whose columns are wires, by element; 0 for the absent ones."""
        wires = self.wires.unsqueeze(-2).expand(matrices.shape)
        return matrices.gather(-1, wires).masked_fill(~self.mask.unsqueeze(-2), 0.0)

    def unpack_matrix(self, matrices: Tensor) -> Tensor:
        """`(..., n, n)` by wires as `(..., n, n)` by elements; 0 for the absent ones."""
        return self.unpack_columns(self.unpack_columns(matrices).mT).mT

    def unpack_permutation(self, P: Tensor, *, descending: bool) -> Tensor:
        """The ascending `P` of the wires, `(..., n, n)`, by element and in the direction wanted.

        The ranks count the present elements: rows of the others are 0, and so are their columns.
        """
        P = self.unpack_columns(P).masked_fill(~self.occupied.unsqueeze(-1), 0.0)
        if not descending:
            return P
        n = P.shape[-1]
        ranks = self.lengths.unsqueeze(-1) - 1 - torch.arange(n, device=P.device)
        return P.gather(-2, ranks.remainder(n).unsqueeze(-1).expand(P.shape))

    def mean_over_present(self, mean: Tensor) -> Tensor:
        """The mean over the `m²` entries of a list from that over `n²`, if all others are 0.

        Args:
            mean: `(...,)`, or more dimensions at the end. That of an empty list stays as it is.
        """
        m = self.lengths.clamp(min=1).to(mean.dtype)
        m = m.reshape(m.shape + (1,) * (mean.ndim - m.ndim))
        return mean * (self.mask.shape[-1] ** 2 / m.square())

    @property
    def occupied(self) -> Tensor:
        """Which wires have an element, bool, `(..., n)`."""
        wires = torch.arange(self.mask.shape[-1], device=self.mask.device)
        return wires < self.lengths.unsqueeze(-1)


def check_mask(mask: Any, scores: Tensor, network: str) -> Tensor:
    """``mask`` if it is a bool tensor with the shape of the scores, for an odd-even network."""
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        raise TypeError(f"mask must be a bool tensor, got {describe(mask)}")
    if mask.shape != scores.shape:
        raise ValueError(
            f"mask must have the shape of scores, {tuple(scores.shape)}, "
            f"got shape {tuple(mask.shape)}"
        )
    if network != "odd_even":
        raise ValueError(f"mask needs a network of kind 'odd_even', got {network!r}")
    return mask
