"""The paper's strength of each loss: σ, β and the number of samples."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from benchmarks.shortest_path.config import RELAXED, PathConfig

STEEPNESS: Final = 10.0
SIGMA: Final = 0.1
SAMPLES: Final = 10


def with_loss(config: PathConfig, loss: str, samples: int | None = None) -> PathConfig:
    """``config`` with another loss, at the paper's σ and β, and 10 samples unless given."""
    if loss in RELAXED:
        return replace(config, loss=loss, steepness=STEEPNESS, sigma=None, samples=None)
    samples = SAMPLES if samples is None else samples
    return replace(config, loss=loss, steepness=None, sigma=SIGMA, samples=samples)
