"""What a Newton loss costs as the outputs grow: cross-entropy with more and more classes."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F

from benchmarks.speed.sides import Sides, gradient_work
from newton_optim import NewtonLoss

SAMPLES: Final = 64
CLASSES: Final = (10, 100, 1_000)
CURVATURES: Final = ("hessian", "fisher")


def size_cost(classes: int, curvature: str, device: torch.device) -> Sides:
    """Forward and backward of the cross-entropy of 64 samples, with and without its Newton loss."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(SAMPLES, classes, generator=generator, device="cpu").to(device)
    target = torch.randint(classes, (SAMPLES,), generator=generator, device="cpu").to(device)
    newton = NewtonLoss(F.cross_entropy, curvature=curvature)
    return Sides(
        gradient_work(lambda y: newton(y, target), logits),
        gradient_work(lambda y: F.cross_entropy(y, target), logits),
    )
