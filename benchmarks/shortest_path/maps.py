"""Maps that lie on a device: their pictures as bytes, their costs and paths."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from benchmarks.runs.errors import InputError
from benchmarks.shortest_path.warcraft import Maps


class MapsOnDevice:
    """The first maps of a part: images as bytes `(N, 3, 96, 96)`, costs and paths in float32.

    On a device the images are channels-last, as its convolutions have them; so are the files.

    Args:
        parts: of the data.
        part: which of them.
        count: how many of its maps.
        device: where they are to lie.

    Raises:
        InputError: the part has fewer maps.
    """

    def __init__(
        self, parts: Mapping[str, Maps], part: str, count: int, device: torch.device
    ) -> None:
        maps = parts[part]
        if len(maps) < count:
            raise InputError(f"the {part} part has {len(maps):,} maps, but the run needs {count:,}")
        pictures = torch.from_numpy(np.ascontiguousarray(maps.images[:count])).to(device)
        self.images = pictures.permute(0, 3, 1, 2)
        if device.type == "cpu":
            self.images = self.images.contiguous()
        self.weights = torch.from_numpy(maps.weights[:count].astype(np.float32)).to(device)
        self.paths = torch.from_numpy(maps.paths[:count].astype(np.float32)).to(device)

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, batch: Tensor, normalisation: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """The images of some maps, normalised, and their paths.

        Args:
            batch: their indices, on the device.
            normalisation: of the three colours, from ``statistics``.
        """
        mean, deviation = normalisation
        return (self._pictures(batch).float() - mean) / deviation, self.paths[batch]

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the three colours, `(3, 1, 1)`."""
        channels = [self.images[:, channel].double() for channel in range(3)]
        pairs = [torch.stack([one.mean(), one.std()]) for one in channels]
        mean, deviation = torch.stack(pairs, 1).float()[..., None, None]
        return mean, deviation

    def _pictures(self, batch: Tensor) -> Tensor:
        """Some of the images, in the layout of all of them."""
        if self.images.is_contiguous():
            return self.images.index_select(0, batch)
        return self.images.permute(0, 2, 3, 1).index_select(0, batch).permute(0, 3, 1, 2)
