"""Where the outputs of a problem of bounded parameters are, before any signal is seen."""

from __future__ import annotations

from functools import cache
from typing import Final

import torch
from torch import Tensor

from benchmarks.inverse.problems import BoundedProblem, problem_of
from benchmarks.runs.errors import InputError

_DRAWS: Final = 100_000


@cache
def output_prior(name: str) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each output, over parameters as they are drawn.

    Args:
        name: of the problem.

    Raises:
        InputError: the outputs of this problem do not stand for bounded parameters.
    """
    problem = problem_of(name)
    if not isinstance(problem, BoundedProblem):
        raise InputError(f"--loss prior needs a problem of bounded parameters, got {name}")
    outputs = problem.encode(problem.draw(_DRAWS, torch.Generator().manual_seed(0)))
    return outputs.mean(0), outputs.std(0)


def prior_residuals(name: str, snr: float, outputs: Tensor) -> Tensor:
    """`(y - μ) / (τ · snr)` per output, `(N, m)`.

    Beside the residuals of the signals, whose noise has standard deviation `1/snr`, the least sum
    of squares is where the posterior of Gaussian outputs has its peak.
    """
    mean, deviation = output_prior(name)
    return (outputs - mean.to(outputs)) / (deviation.to(outputs) * snr)
