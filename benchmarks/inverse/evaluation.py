"""What is measured on held-out samples."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from benchmarks.inverse.problems import Problem, Samples

# An error of a sample counts as no more than this: NaN, and what has left the scale of signals.
CEILING: Final = 1e3
# A sample has failed if its reconstruction leaves more than this share of the signals' variance.
FAILED: Final = 0.1


@torch.no_grad()
def measure(problem: Problem, outputs: Tensor, samples: Samples) -> dict[str, float]:
    """The measures of outputs `(N, m)` for the held-out samples that they belong to.

    Returns:
        ``loss`` and ``median``: mean and median over the samples of the mean square residual, the
        targets being what was measured, with its noise. ``clean``: the mean of the same against
        the signals without noise. ``parameters``: the median error of the parameters.
        ``failed``: the share of samples whose error against the clean signals is above a tenth of
        the signals' variance, or not finite.
    """
    found = problem.simulate(outputs, samples.targets)
    residual = _bounded((found - samples.targets).square().mean(-1))
    clean = _bounded((found - samples.clean).square().mean(-1))
    centred = samples.clean - samples.clean.mean(0)
    variance = centred.square().mean()
    if not variance > 0.0:  # Signals that are all alike: then against their own size.
        variance = samples.clean.square().mean()
    parameters = _bounded(problem.parameter_error(outputs, samples.truth))
    return {
        "loss": residual.mean().item(),
        "median": residual.median().item(),
        "clean": clean.mean().item(),
        "parameters": parameters.median().item(),
        "failed": (clean > FAILED * variance).double().mean().item(),
    }


def _bounded(errors: Tensor) -> Tensor:
    return errors.double().nan_to_num(nan=CEILING, posinf=CEILING).clamp(max=CEILING)
