"""Control of a quantum dipole, the third problem of half-inverse gradients.

Schnell, Holl and Thuerey, *Half-Inverse Gradients for Physical Deep Learning* (ICLR 2022). The grid
is that of their published experiments; the 96 steps are a quarter of theirs.
"""

from __future__ import annotations

import math
from typing import ClassVar, Final

import torch
from torch import Tensor

from benchmarks.inverse.problems.problem import Problem, length
from benchmarks.inverse.problems.sines import sine_matrix

POINTS: Final = 14  # Inside a well of width 2.
WIDTH: Final = 2.0
STEPS: Final = 96
STEP: Final = 0.05


class QuantumDipole(Problem):
    """A field brings a particle in a well from its ground state to another one.

    `i ψ' = (-∂² + u(t) x) ψ` on a grid of 14 points. The outputs are u in each of 96 intervals. The
    target φ is a random combination, with real coefficients, of the second and the third state. A
    phase does not matter: the residual is the part of the final state that is orthogonal to φ, and
    `‖(I - φφ†) ψ‖² = 1 - |⟨φ, ψ⟩|²`. The signals are φ plus that residual: real parts, then
    imaginary ones. A step is split: half a kick by the field, free motion, half a kick.
    """

    title: ClassVar[str] = "quantum dipole"
    outputs = STEPS

    def __init__(self) -> None:
        self._states = sine_matrix(POINTS)  # The free states, the lowest one first.
        spacing = WIDTH / (POINTS + 1)
        number = torch.arange(1, POINTS + 1, dtype=torch.float64)
        self._places = spacing * number
        energies = (2 * torch.sin(math.pi * number / (2 * (POINTS + 1))) / spacing) ** 2
        cos = self._states @ (torch.cos(STEP * energies)[:, None] * self._states)
        sin = self._states @ (torch.sin(STEP * energies)[:, None] * self._states)
        # (Re ψ, Im ψ) as a row, times exp(-i H dt) = cos - i sin, both symmetric.
        self._motion = torch.cat([torch.cat([cos, -sin], 1), torch.cat([sin, cos], 1)])

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """The two coefficients of the target, of length 1."""
        found = torch.randn(count, 2, generator=generator)
        return found / length(found)[:, None]

    def signals(self, truth: Tensor) -> Tensor:
        """The target as real and imaginary parts, `(N, 28)`."""
        target = truth @ self._states[1:3].to(truth)
        return torch.cat([target, torch.zeros_like(target)], -1)

    def simulate(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The target plus what of the final state is orthogonal to it, `(N, 28)`."""
        psi, phi = self.final_state(outputs), targets[..., :POINTS]  # φ is real.
        parts = psi.reshape(-1, 2, POINTS)
        overlap = (parts * phi[..., None, :]).sum(-1, keepdim=True)
        return targets + (parts - overlap * phi[..., None, :]).flatten(-2)

    def final_state(self, outputs: Tensor) -> Tensor:
        """`(Re ψ, Im ψ)` at the end, `(N, 28)`."""
        motion, places = self._motion.to(outputs), self._places.to(outputs)
        ground = self._states[0].to(outputs)
        psi = torch.cat([ground, torch.zeros_like(ground)]).expand(*outputs.shape[:-1], -1)
        for field in outputs.unbind(-1):
            angle = STEP / 2 * field[..., None] * places
            psi = _kick(_kick(psi, angle) @ motion, angle)
        return psi

    def parameter_error(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """The infidelity, `1 - |⟨φ, ψ⟩|²`."""
        targets = self.signals(truth)
        return (self.simulate(outputs, targets) - targets).square().sum(-1)


def _kick(psi: Tensor, angle: Tensor) -> Tensor:
    """`exp(-i angle) ψ`, point by point."""
    real, imaginary = psi.chunk(2, -1)
    cos, sin = angle.cos(), angle.sin()
    return torch.cat([real * cos + imaginary * sin, imaginary * cos - real * sin], -1)
