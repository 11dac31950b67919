"""Both sides of a comparison compute the same."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from benchmarks.speed import sorting_sides as sides


def as_tensors(result: object) -> list[Tensor]:
    assert isinstance(result, tuple)
    return list(result)


@pytest.mark.parametrize("name", ["SoftSort", "NeuralSort"])
def test_both_sides_compute_the_same_derivatives(name: str) -> None:
    pair = sides.softmax_sides(name, 5, torch.device("cpu"), True)
    (gradient, _), (theirs, _) = as_tensors(pair.ours()), as_tensors(pair.peer())
    # F.binary_cross_entropy is a mean over the batch; in float32 it is right for most samples.
    close = torch.isclose(gradient, sides.SAMPLES * theirs, rtol=1e-2, atol=1e-3)
    assert close.float().mean() > 0.5


def test_networks_compute_the_same_gradient() -> None:
    pair = sides.network_sides(5, "cauchy", torch.device("cpu"))
    gradient, theirs = as_tensors(pair.ours())[0], pair.peer()
    torch.testing.assert_close(gradient, sides.SAMPLES * theirs, rtol=1e-3, atol=1e-4)


def test_fisher_steps_agree() -> None:
    pair = sides.fisher_sides(200, torch.device("cpu"))
    torch.testing.assert_close(pair.ours(), pair.peer(), rtol=1e-3, atol=1e-4)
