"""The network of the benchmark: signals to parameters."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Inverter(nn.Module):
    """Linear(k→w)-SiLU-Linear(w→w)-SiLU-Linear(w→m) of signals that are normalised entry by entry.

    The initial weights are uniform in `±1/√fan_in`, as by default in ``torch.nn``.

    Args:
        signals: k.
        outputs: m.
        width: w.
        normalisation: mean and standard deviation of each signal, both `(k,)`.
        generator: draws the initial weights, on the CPU.
    """

    def __init__(
        self,
        signals: int,
        outputs: int,
        width: int,
        normalisation: tuple[Tensor, Tensor],
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self._layers = nn.Sequential(
            nn.Linear(signals, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, outputs),
        )
        for layer in self._layers:
            if isinstance(layer, nn.Linear):
                bound = 1 / math.sqrt(layer.in_features)
                for parameter in layer.parameters():
                    nn.init.uniform_(parameter, -bound, bound, generator=generator)
        mean, deviation = normalisation
        self.register_buffer("_mean", mean)
        self.register_buffer("_deviation", deviation)

    def forward(self, signals: Tensor) -> Tensor:
        """Outputs `(N, m)` of signals `(N, k)`."""
        normalised = (signals - self.get_buffer("_mean")) / self.get_buffer("_deviation")
        outputs: Tensor = self._layers(normalised)
        return outputs
