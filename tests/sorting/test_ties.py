"""Equal scores: the derivatives are those of the side where they have the order of their labels."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from newton_optim import NewtonLossOptimizer
from newton_optim.sorting import NeuralSort, RankingLoss, SoftSort
from tests.asserts import assert_normwise, hessian_of
from tests.sorting.softmax_strategies import (
    Case,
    all_derivatives,
    both,
    cases,
    losses,
    transformed,
)


def wanted_ranks(labels: Tensor) -> Tensor:
    """The rank that each label wants, as numbers."""
    return labels.argsort(dim=-1, stable=True).argsort(dim=-1).to(labels.dtype)


@given(cases(ties=True, spreads=(0.1, 1.0), min_n=2), st.sampled_from([1e-6, 1e-9]))
def test_derivatives_are_the_limits_from_the_side_of_the_labels(case: Case, gap: float) -> None:
    tau, n = case.operator.temperature, case.scores.shape[-1]
    moved = case._replace(scores=case.scores + gap * tau * wanted_ranks(case.labels))
    for actual, limit, unit in zip(
        all_derivatives(case), all_derivatives(moved), (1.0, n / tau, (n / tau) ** 2), strict=True
    ):
        assert_normwise(actual, limit.numpy(force=True), 1e2 * n * gap, 1e2 * gap * unit)


@given(cases(ties=True, spreads=(0.1, 1.0), min_n=2))
def test_autograd_takes_the_same_side(case: Case) -> None:
    tau, n = case.operator.temperature, case.scores.shape[-1]
    for event, (a, b) in enumerate(zip(transformed(case), all_derivatives(case), strict=True)):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12 * (n / tau) ** event)


@given(cases(ties=True, min_n=2))
def test_the_value_has_no_jump(case: Case) -> None:
    against = case.scores - 1e-12 * case.operator.temperature * wanted_ranks(case.labels)
    torch.testing.assert_close(
        losses(case.operator, against, case.labels),
        losses(case.operator, case.scores, case.labels),
        rtol=1e-9,
        atol=1e-9,
    )


@both
@pytest.mark.parametrize("n", [2, 3, 5, 10, 20])
def test_the_gradient_at_equal_scores_has_the_order_of_the_labels(kind: Any, n: int) -> None:
    labels = torch.randn(7, n)
    gradient = RankingLoss(kind()).derivatives(torch.zeros(7, n), labels).gradient
    assert torch.equal((-gradient).argsort(dim=-1), labels.argsort(dim=-1))
    assert gradient.gather(-1, labels.argsort(dim=-1)).diff(dim=-1).max() < 0


@both
def test_equal_labels_have_the_order_given(kind: Any) -> None:
    loss, scores = RankingLoss(kind()), torch.zeros(1, 4)
    equal, given_order = (
        loss.derivatives(scores, labels) for labels in (torch.ones(1, 4), torch.arange(4.0)[None])
    )
    assert torch.equal(equal.gradient, given_order.gradient)
    assert torch.equal(hessian_of(equal), hessian_of(given_order))


@both
@pytest.mark.parametrize("newton", [False, True])
def test_a_network_that_starts_with_equal_scores_learns_to_sort(kind: Any, newton: bool) -> None:
    x = torch.rand(64, 5, 3)
    labels = x @ torch.tensor([1.0, -2.0, 0.5])
    model = nn.Linear(3, 1)
    nn.init.zeros_(model.weight)
    loss = RankingLoss(kind())
    base = torch.optim.Adam(model.parameters(), lr=0.1)
    optimizer = NewtonLossOptimizer(base) if newton else base
    for _ in range(100):
        scores = model(x).squeeze(-1)
        if newton:
            optimizer.step(lambda scores=scores: (scores, loss, labels))
        else:
            optimizer.zero_grad()
            loss(scores, labels).backward()
            optimizer.step()
    ranks = model(x).squeeze(-1).argsort(dim=-1)
    assert (ranks == labels.argsort(dim=-1)).float().mean() > 0.9


def test_two_equal_scores_by_hand() -> None:
    # l = -log σ((s_1 - s_0) / τ) for both rows and entries alike: its slope at 0 is 1 / (2τ).
    for operator in (SoftSort(temperature=0.1), NeuralSort(temperature=0.1)):
        found = RankingLoss(operator).derivatives(torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]))
        torch.testing.assert_close(found.value, torch.tensor([2.0]).log())
        torch.testing.assert_close(found.gradient, torch.tensor([[5.0, -5.0]]))
        torch.testing.assert_close(
            hessian_of(found), torch.tensor([[[25.0, -25.0], [-25.0, 25.0]]])
        )
