"""The batches of a training: drawn a chunk of steps ahead, gathered on the device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from benchmarks.sorting.digits import DIGITS_PER_NUMBER, Digits


class Batches:
    """The sets of numbers of every seed, for as many steps as a chunk has.

    Everything is in tensors that stay where they are, so that a captured step can read them.

    Args:
        digits: that numbers are made of, on the device.
        generators: of the seeds, on the CPU.
        chunk: how many steps are drawn at once.
        shape: of a batch of one seed, `(B, n)`.
        side_by_side: the layout of the images.
    """

    def __init__(
        self,
        digits: Digits,
        generators: Sequence[Generator],
        chunk: int,
        shape: tuple[int, int],
        *,
        side_by_side: bool,
    ) -> None:
        self._digits, self._generators = digits, generators
        self._side_by_side = side_by_side
        device = digits.labels.device
        sets = (chunk, len(generators), *shape)
        self._drawn = torch.zeros((*sets, DIGITS_PER_NUMBER), dtype=torch.int64, device="cpu")
        self.indices = self._drawn.to(device, copy=True)
        self._labels = torch.zeros(sets, device=device)
        self._position = torch.zeros(1, dtype=torch.int64, device=device)
        self._images = digits.pictures(self.indices[0], side_by_side=side_by_side)

    def draw(self) -> None:
        """Draw the next chunk; always a whole one, so that its borders do not matter."""
        shape = (len(self._drawn), *self._drawn.shape[2:])
        for seed, one in enumerate(self._generators):
            self._drawn[:, seed] = torch.randint(
                len(self._digits), shape, generator=one, device="cpu"
            )
        self.indices.copy_(self._drawn)
        self._labels.copy_(self._digits.values(self.indices))
        self._position.zero_()

    def take(self) -> tuple[Tensor, Tensor]:
        """The images and the labels `(S, B, n)` of the next step of the chunk."""
        indices = self.indices.index_select(0, self._position).squeeze(0)
        labels = self._labels.index_select(0, self._position).squeeze(0)
        images = self._digits.pictures(indices, side_by_side=self._side_by_side, out=self._images)
        self._position += 1
        return images, labels
