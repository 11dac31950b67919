"""The protocol of the paper's Tables 2 and 3 (arXiv 2410.19055).

We could look up none of their figures.
"""

from __future__ import annotations

from typing import Final

from benchmarks.runs.paper import Paper
from benchmarks.shortest_path.config import PathConfig

PAPER: Final[Paper[PathConfig]] = Paper(
    protocol={
        "data": "warcraft",
        "network": "resnet",
        "maps": 10_000,
        "epochs": 50,
        "batch_size": 70,
    },
    seeds=10,
)
