"""The eigenvalues of a curvature matrix, for whoever looks at the diagnostics."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Spectrum:
    """The eigenvalues of C, computed when they are asked for, unless the step needed them.

    Args:
        matrix: C, shape `(..., m, m)`.
        treatment: "absolute" or "clamp".
        known: its eigenvalues, shape `(..., m)`, where the step has computed them.
    """

    matrix: Tensor
    treatment: str
    known: Tensor | None = None

    def extremes(self) -> tuple[Tensor, Tensor, Tensor]:
        """The smallest and the largest eigenvalue, and the largest after their treatment, 0-dim.

        Where they are not known, this waits for the device.
        """
        w = torch.linalg.eigvalsh(self.matrix) if self.known is None else self.known
        return w.amin(), w.amax(), treat(w, self.treatment).amax()


def treat(eigenvalues: Tensor, treatment: str) -> Tensor:
    """The eigenvalues in absolute value, or none below 0."""
    return eigenvalues.abs() if treatment == "absolute" else eigenvalues.clamp(min=0.0)
