"""The titles of the tables of inverse problems and the labels of their rows."""

from __future__ import annotations

from benchmarks.inverse.config import InverseConfig
from benchmarks.inverse.problems import PROBLEMS
from benchmarks.runs.names import curvature_name, rate_suffix


def table_title(config: InverseConfig) -> str:
    """The title of the table that a configuration belongs to."""
    noise = "" if config.snr is None else f", SNR {config.snr:g}"
    loss = "" if config.loss == "squared" else ", loss with a prior"
    size = f"{config.steps:,} steps of {config.batch_size}, width {config.width}"
    return f"{PROBLEMS[config.data].title}{noise}{loss}, {size}"


def row_label(config: InverseConfig, reference: InverseConfig) -> str:
    """What is done to the loss; the rate where the reference has another."""
    if config.solver == "least-squares":
        return "least squares, per sample"
    return treatment(config) + rate_suffix(config, reference)


def treatment(config: InverseConfig) -> str:
    """What is done to the loss, without the rate."""
    if config.curvature == "none":
        steps = "" if config.factor == 1 else f", {config.factor}× steps"
        return "plain" + steps + ("" if config.clip is None else f", clipped at {config.clip:g}")
    eigenvalues = "" if config.eigenvalues is None else f", {config.eigenvalues}"
    scope = "sample, shared λ" if config.scope == "shared" else config.scope
    name = f"NL ({curvature_name(config.curvature)}, {scope}){eigenvalues}"
    if (config.inner_steps or 1) > 1:
        name += f", {config.inner_steps} inner steps"
    name += "" if config.damping is None else f", λ={config.damping:g}"
    return name + ("" if config.clip is None else f", steps up to {config.clip:g}")
