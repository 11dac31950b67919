"""Both sides of a comparison compute the same."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from benchmarks import _speed_works as works
from newton_optim.sorting import neural_sort, soft_sort


@pytest.mark.parametrize("name", ["soft", "neural"])
def test_peers_compute_the_same_permutation(name: str) -> None:
    scores = torch.randn(3, 5, dtype=torch.float64)
    ours = {"soft": soft_sort, "neural": neural_sort}[name](scores, temperature=0.5)
    theirs = {"soft": works.field_soft_sort, "neural": works.field_neural_sort}[name](scores, 0.5)
    torch.testing.assert_close(ours, theirs)


def as_tensors(result: object) -> list[Tensor]:
    assert isinstance(result, tuple)
    return list(result)


@pytest.mark.parametrize("name", ["SoftSort", "NeuralSort"])
def test_both_sides_compute_the_same_derivatives(name: str) -> None:
    pair = works.softmax_works(name, 5, torch.device("cpu"), True)
    (gradient, _), (theirs, _) = as_tensors(pair.ours()), as_tensors(pair.peer())
    # F.binary_cross_entropy is a mean over the batch; in float32 it is right for most samples.
    close = torch.isclose(gradient, works.SAMPLES * theirs, rtol=1e-2, atol=1e-3)
    assert close.float().mean() > 0.5


def test_networks_compute_the_same_gradient() -> None:
    pair = works.network_works(5, torch.device("cpu"))
    gradient, theirs = as_tensors(pair.ours())[0], pair.peer()
    torch.testing.assert_close(gradient, works.SAMPLES * theirs, rtol=1e-3, atol=1e-4)


def test_fisher_steps_agree() -> None:
    pair = works.fisher_works(200, torch.device("cpu"))
    torch.testing.assert_close(pair.ours(), pair.peer(), rtol=1e-3, atol=1e-4)
