"""The source of a wave on a two-dimensional grid, from the field some time later."""

from __future__ import annotations

from typing import ClassVar, Final

import torch
from torch import Tensor

from benchmarks.inverse.problems.problem import Problem
from benchmarks.inverse.problems.sines import (
    apply_spectral,
    draw_smooth,
    laplacian_eigenvalues,
    sine_matrix,
)

TIME: Final = 10.0


class WaveSource(Problem):
    """The outputs are the field at time 0, at rest; the signals are the field at time 10.

    `u'' = Δu` with the five-point Laplacian, unit spacing and u = 0 beyond the grid: mode by mode
    `cos(ω t)`, so that the model is exact and linear, and some modes hardly show.

    Args:
        side: of the grid; 32, so that m = k = 1,024.
    """

    title: ClassVar[str] = "wave source, 32 × 32"

    def __init__(self, side: int = 32) -> None:
        self.outputs = side**2
        self._sines = sine_matrix(side)
        self._response = torch.cos(TIME * laplacian_eigenvalues(side).sqrt())

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Smooth random fields."""
        return draw_smooth(self._sines, count, generator)

    def signals(self, truth: Tensor) -> Tensor:
        """The field at time 10."""
        return apply_spectral(self._response, self._sines, truth)

    def simulate(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The field at time 10 of the source that the network gives."""
        return self.signals(outputs)

    def parameter_error(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """The root mean square error of the source."""
        return (outputs - truth).square().mean(-1).sqrt()
