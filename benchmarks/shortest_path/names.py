"""The titles of the shortest-path benchmark's tables and the labels of their rows."""

from __future__ import annotations

from typing import Final

from benchmarks.runs.names import precision_suffix, rate_suffix, treatment
from benchmarks.shortest_path.config import PathConfig

_LOSS_NAMES: Final = {
    "for-l1": "relaxed Bellman-Ford (for), L1",
    "for-l2": "relaxed Bellman-Ford (for), L2²",
    "while-l1": "relaxed Bellman-Ford (while), L1",
    "while-l2": "relaxed Bellman-Ford (while), L2²",
    "smoothed-loss": "smoothing of the loss",
    "smoothed-algorithm": "smoothing of the algorithm",
    "fenchel-young": "Fenchel-Young",
}


def table_title(config: PathConfig) -> str:
    """The title of the table that a configuration belongs to."""
    size = f"{config.maps:,} maps, {config.epochs} epochs in batches of {config.batch_size}"
    where = f"{config.data}, {config.network}, {size}{precision_suffix(config)}"
    return f"{_loss_name(config)}, {where}"


def row_label(config: PathConfig, reference: PathConfig) -> str:
    """What is done to the loss; the rate where the reference has another."""
    return treatment(config) + rate_suffix(config, reference)


def row_name(config: PathConfig) -> str:
    """A row by itself: the loss, and what is done to it."""
    return f"{_loss_name(config)}, {treatment(config)}"


def _loss_name(config: PathConfig) -> str:
    if config.sigma is None:
        strength = f"β={config.steepness:g}"
    else:
        strength = f"σ={config.sigma:g}, {config.samples} samples"
    return f"{_LOSS_NAMES[config.loss]} ({strength})"
