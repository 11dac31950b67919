"""What an inverse problem is to its benchmark."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor


@dataclass(frozen=True)
class Samples:
    """Samples of an inverse problem.

    Args:
        targets: the signals that are to be reproduced, noise included, `(N, k)`. They are also
            what the network sees.
        clean: the same signals without noise, `(N, k)`.
        truth: the parameters that they were made of, `(N, p)`.
    """

    targets: Tensor
    clean: Tensor
    truth: Tensor

    def to(self, device: torch.device) -> Samples:
        """The same on another device."""
        return Samples(self.targets.to(device), self.clean.to(device), self.truth.to(device))


class Problem(ABC):
    """A model that can be simulated and is to be inverted.

    The loss of a sample is `½‖simulate(y) - x‖²` for the network's outputs y at the signals x.
    Everything is in the dtype and on the device of what is given; ``draw`` is on the CPU.
    """

    title: ClassVar[str]
    outputs: int

    @abstractmethod
    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """The true parameters of some samples, `(count, p)`."""

    @abstractmethod
    def signals(self, truth: Tensor) -> Tensor:
        """The signals of true parameters, `(N, p)` to `(N, k)`."""

    @abstractmethod
    def simulate(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The signals of a network's outputs, `(N, m)` to `(N, k)`.

        Args:
            outputs: of the network.
            targets: that they are to reproduce; most models do not depend on them.
        """

    @abstractmethod
    def parameter_error(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """How far a network's outputs are from the truth, `(N,)`: 0 at best, 1 if useless."""

    def sample(self, count: int, snr: float | None, generator: torch.Generator) -> Samples:
        """Fresh samples.

        Args:
            count: how many, N.
            snr: the signals have Gaussian noise of standard deviation `1/snr`; none if ``None``.
            generator: draws parameters, then noise.
        """
        truth = self.draw(count, generator)
        clean = self.signals(truth)
        if snr is None:
            return Samples(clean, clean, truth)
        noise = torch.randn(clean.shape, generator=generator) / snr
        return Samples(clean + noise, clean, truth)


def uniform(low: Tensor, high: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Independent numbers between two bounds `(p,)`, of shape `(count, p)`."""
    return low + (high - low) * torch.rand(count, len(low), generator=generator)


def length(vectors: Tensor) -> Tensor:
    """Euclidean lengths along the last dimension."""
    found: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return found
