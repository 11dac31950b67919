"""The titles of the sorting benchmark's tables and the labels of their rows."""

from __future__ import annotations

from benchmarks.runs.names import precision_suffix, rate_suffix, treatment
from benchmarks.sorting.config import SortingConfig


def table_title(config: SortingConfig) -> str:
    """The title of the table that a configuration belongs to."""
    size = f"{config.steps:,} steps of {config.batch_size} sets{precision_suffix(config)}"
    return f"{_operator_name(config)}, n={config.n}, {config.data}, {size}"


def row_label(config: SortingConfig, reference: SortingConfig) -> str:
    """The form of the loss and what is done to it; the rate where the reference has another."""
    form = config.loss if config.loss == "exact" else f"{config.loss} ({config.source})"
    control = "" if config.clip is None else f", clipped at {config.clip:g}"
    control += ", normalised" if config.normalise else ""
    return f"{form}, {treatment(config)}{control}{rate_suffix(config, reference)}"


def row_name(config: SortingConfig) -> str:
    """A row by itself: operator, n and what is done to the loss."""
    return f"{_operator_name(config)}, n={config.n}, {treatment(config)}"


def _operator_name(config: SortingConfig) -> str:
    names = {"softsort": "SoftSort", "neuralsort": "NeuralSort"}
    if config.temperature is not None:
        return f"{names[config.operator]} (τ={config.temperature:g})"
    network = config.operator.replace("_", "-")
    return f"{network} network, {config.distribution} (β={config.steepness:g})"
