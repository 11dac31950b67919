"""Decays of diffusion-weighted MRI: monoexponential, and of two compartments (IVIM).

b-values, ranges of the parameters and their bounds are those of the simulations of Kaandorp et al.,
*Improved unsupervised physics-informed deep learning for intravoxel incoherent motion modeling and
evaluation in pancreatic cancer patients* (Magnetic Resonance in Medicine, 2021) and of its
published code, with Gaussian noise as there. S₀ is 1 there and is drawn here, so that it has to be
found as well. SNR 20 and 50 are within what that work simulates; 100 and 300 are beyond it.
"""

from __future__ import annotations

from typing import ClassVar, Final

import torch
from torch import Tensor

from benchmarks.inverse.problems.bounded import BoundedProblem, Parameter

B_VALUES: Final = (0, 2, 5, 10, 20, 30, 40, 60, 150, 300, 500, 700)  # s/mm²

_S0: Final = Parameter("S₀", low=0.8, high=1.2, minimum=0.7, maximum=1.3)
# Diffusion coefficients are in 10⁻³ mm²/s.
_D: Final = Parameter("D", low=0.5, high=3.0, minimum=0.0, maximum=5.0)
_F: Final = Parameter("f", low=0.05, high=0.4, minimum=0.0, maximum=0.7)
_D_STAR: Final = Parameter("D*", low=10.0, high=100.0, minimum=5.0, maximum=300.0)


class MonoDecay(BoundedProblem):
    """`S(b) = S₀ exp(-b D)`: two parameters from twelve b-values."""

    title: ClassVar[str] = "monoexponential decay"

    def __init__(self) -> None:
        super().__init__((_S0, _D))

    def signals(self, truth: Tensor) -> Tensor:
        """The decay at the b-values, `(N, 12)`."""
        S0, D = truth.unsqueeze(-1).unbind(-2)
        return S0 * torch.exp(-_b_values(truth) * D)


class IvimDecay(BoundedProblem):
    """`S(b) = S₀ ((1 - f) exp(-b D) + f exp(-b D*))`: four parameters from twelve b-values."""

    title: ClassVar[str] = "IVIM (biexponential decay)"

    def __init__(self) -> None:
        super().__init__((_S0, _F, _D, _D_STAR))

    def signals(self, truth: Tensor) -> Tensor:
        """The decay at the b-values, `(N, 12)`."""
        S0, f, D, D_star = truth.unsqueeze(-1).unbind(-2)
        b = _b_values(truth)
        return S0 * ((1 - f) * torch.exp(-b * D) + f * torch.exp(-b * D_star))


def _b_values(like: Tensor) -> Tensor:
    """The b-values in 10³ s/mm²."""
    return torch.tensor(B_VALUES, dtype=like.dtype, device=like.device) / 1000
