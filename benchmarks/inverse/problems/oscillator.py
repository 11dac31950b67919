"""Identification of a damped oscillator from samples of its motion."""

from __future__ import annotations

import math
from typing import ClassVar, Final

import torch
from torch import Tensor

from benchmarks.inverse.problems.bounded import BoundedProblem, Parameter

TIMES: Final = 24
_END: Final = 3.0


class DampedOscillator(BoundedProblem):
    """`x(t) = A exp(-γ t) cos(ω t + φ)` at 24 times from 0 to 3: four parameters.

    This solves `x'' + 2γ x' + (ω² + γ²) x = 0`.
    """

    title: ClassVar[str] = "damped oscillator"

    def __init__(self) -> None:
        super().__init__(
            (
                Parameter("A", low=0.5, high=1.5, minimum=0.0, maximum=2.0),
                Parameter("γ", low=0.1, high=1.0, minimum=0.0, maximum=2.0),
                Parameter("ω", low=2.0, high=6.0, minimum=1.0, maximum=7.0),
                Parameter("φ", low=-math.pi / 2, high=math.pi / 2, minimum=-3.0, maximum=3.0),
            )
        )

    def signals(self, truth: Tensor) -> Tensor:
        """The positions, `(N, 24)`."""
        A, gamma, omega, phi = truth.unsqueeze(-1).unbind(-2)
        t = torch.linspace(0.0, _END, TIMES, dtype=truth.dtype, device=truth.device)
        return A * torch.exp(-gamma * t) * torch.cos(omega * t + phi)
