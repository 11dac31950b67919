"""Parts of the names of rows: what is done to the loss, and at which rate."""

from __future__ import annotations

from benchmarks.runs.config import RunConfig


def curvature_name(curvature: str) -> str:
    """A curvature as a table writes it, such as ``Gauss-Newton``."""
    return curvature.title()


def treatment(config: RunConfig) -> str:
    """What is done to the loss: ``plain``, or a Newton loss such as ``NL (Fisher), λ=1``."""
    if config.curvature == "none":
        return "plain"
    name = f"NL ({curvature_name(config.curvature)})"
    name += "" if config.eigenvalues is None else f", {config.eigenvalues}"
    return name + ("" if config.damping is None else f", λ={config.damping:g}")


def rate_suffix(config: RunConfig, reference: RunConfig) -> str:
    """The rate, where it differs from that of the first row of the table."""
    return "" if config.lr == reference.lr else f", rate {config.lr:g}"


def precision_suffix(config: RunConfig) -> str:
    """The precision of the network, where it is not float32."""
    return "" if config.precision == "fp32" else f", {config.precision}"
