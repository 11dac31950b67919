"""The field's operators: the library's matrices where scores are close, in float64 throughout."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from benchmarks.sorting.field_operators import FieldNetwork, FieldNeuralSort, FieldSoftSort
from newton_optim.sorting import NeuralSort, SoftSort, SortingNetwork
from tests.settings import DEVICE

PAIRS: dict[str, tuple[nn.Module, nn.Module]] = {
    "softsort": (FieldSoftSort(0.3), SoftSort(temperature=0.3)),
    "neuralsort": (FieldNeuralSort(0.7), NeuralSort(temperature=0.7)),
} | {
    name: (
        FieldNetwork("odd_even", 5, name, 3.0, DEVICE),
        SortingNetwork(5, network="odd_even", distribution=name, steepness=3.0).to(DEVICE),
    )
    for name in ("logistic", "cauchy", "gaussian", "reciprocal", "optimal", "logistic_phi")
}


@pytest.mark.parametrize("name", PAIRS)
def test_in_float64_they_are_the_librarys(name: str) -> None:
    field, ours = PAIRS[name]
    scores = torch.randn(20, 5, dtype=torch.float64)
    found, expected = (derivatives(one, scores) for one in (field, ours))
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-6)


def derivatives(operator: nn.Module, scores: Tensor) -> tuple[Tensor, Tensor]:
    leaf = scores.clone().requires_grad_()
    P = operator(leaf)
    weights = torch.linspace(-1, 2, 25, dtype=scores.dtype).view(5, 5)
    (gradient,) = torch.autograd.grad((P * weights).sum(), leaf)
    return P.detach(), gradient


@pytest.mark.parametrize("name", PAIRS)
def test_rows_are_ranks_in_ascending_order(name: str) -> None:
    order = torch.tensor([[3, 0, 4, 1, 2]])
    scores = 1e3 * order.argsort(-1).float()
    assert torch.equal(PAIRS[name][0](scores).argmax(-1), order)


def published_soft_sort(scores: Tensor) -> Tensor:
    """Eq. 4 of its paper with τ = 0.1, in descending order as printed there."""
    ordered = scores.sort(-1, descending=True).values
    return (-(ordered.unsqueeze(-1) - scores.unsqueeze(-2)).abs() / 0.1).softmax(-1)


def published_neural_sort(scores: Tensor) -> Tensor:
    """Eq. 5 of its paper with τ = 1, in descending order as printed there."""
    ones = torch.ones(5, 1)
    distances = (scores.unsqueeze(-1) - scores.unsqueeze(-2)).abs()
    scaled = scores.unsqueeze(-1) @ (5 + 1 - 2 * torch.arange(1.0, 6.0)).unsqueeze(0)
    return (scaled - distances @ (ones @ ones.T)).mT.softmax(-1)


@pytest.mark.parametrize(
    ("operator", "published"),
    [
        (FieldSoftSort(0.1), published_soft_sort),
        (FieldNeuralSort(1.0), published_neural_sort),
    ],
)
def test_they_are_the_published_forms(
    operator: nn.Module, published: Callable[[Tensor], Tensor]
) -> None:
    """Also in float32, far from where rounding is small: the operations are the same."""
    for spread in (1.0, 10.0, 100.0):
        scores = spread * torch.randn(50, 5)
        found, expected = operator(scores), published(scores).flip(-2)
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-30)


def test_float32_is_the_fields_where_scores_spread() -> None:
    """What the rows of the paper train differs from what the library computes."""
    scores = 10 * torch.randn(100, 5)
    field = FieldNetwork("odd_even", 5, "logistic", 10.0, DEVICE)(scores)
    assert (field == 0).any()
    assert (field > 1).any() or (field == 1).any()
