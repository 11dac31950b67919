"""A training on a few generated maps, to measure how long its steps take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from benchmarks.shortest_path.config import PathConfig
from benchmarks.shortest_path.terrain import generate_terrain
from benchmarks.shortest_path.training import PathTraining


def rehearse(config: PathConfig, seeds: Sequence[int], device: torch.device) -> PathTraining:
    """A training of the first seed whose steps take as long as those of ``config``."""
    short = replace(config, maps=config.batch_size, evaluation_maps=1)
    parts = generate_terrain({"train": config.batch_size, "validation": 1, "test": 1})
    return PathTraining(short, seeds[:1], parts, device)
