"""The paper's strength of each operator."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.sorting.config import SortingConfig


def with_operator(
    config: SortingConfig, operator: str, distribution: str | None, n: int
) -> SortingConfig:
    """``config`` with another operator, at the temperature or steepness of the paper.

    τ = 1 for NeuralSort, 0.1 for SoftSort; β = 10 for networks, but 100 for Cauchy's at n = 10 and
    above (of n = 15 the paper gives no β).
    """
    temperature = {"neuralsort": 1.0, "softsort": 0.1}.get(operator)
    steepness = None
    if temperature is None:
        distribution = distribution or "cauchy"
        steepness = 100.0 if distribution == "cauchy" and n >= 10 else 10.0
    return replace(
        config,
        operator=operator,
        temperature=temperature,
        distribution=distribution,
        steepness=steepness,
        n=n,
    )
