"""The Poisson problem, the second one of half-inverse gradients.

Schnell, Holl and Thuerey, *Half-Inverse Gradients for Physical Deep Learning* (ICLR 2022): a grid
of 8 × 8 in their published code.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmarks.inverse.problems.problem import Problem
from benchmarks.inverse.problems.sines import (
    apply_spectral,
    draw_smooth,
    laplacian_eigenvalues,
    sine_matrix,
)


class PoissonPotential(Problem):
    """The outputs are a potential φ on a grid, the signals its charges `-Δφ`.

    The Laplacian is that of five points, with φ = 0 beyond the grid. The model is linear, and the
    eigenvalues of `JᵀJ` are those of Δ², spread over a factor of 1,034 for 8 × 8 points.

    Args:
        side: of the grid.
    """

    title: ClassVar[str] = "Poisson's equation, 8 × 8"

    def __init__(self, side: int = 8) -> None:
        self.outputs = side**2
        self._sines, self._eigenvalues = sine_matrix(side), laplacian_eigenvalues(side)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Smooth random potentials."""
        return draw_smooth(self._sines, count, generator)

    def signals(self, truth: Tensor) -> Tensor:
        """The charges of potentials."""
        return apply_spectral(self._eigenvalues, self._sines, truth)

    def simulate(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The charges of the potential that the network gives."""
        return self.signals(outputs)

    def parameter_error(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """The root mean square error of the potential."""
        return (outputs - truth).square().mean(-1).sqrt()
