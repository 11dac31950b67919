"""The ranking loss of any operator, from P alone."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.sorting import NeuralSort, RankingLoss, SortingNetwork, neural_sort, soft_sort
from tests.asserts import TINY
from tests.settings import DEVICE
from tests.sorting.softmax_strategies import Case, cases, losses


@given(cases(spreads=(0.1, 1.0), min_n=2), st.booleans())
def test_the_probability_path_agrees(case: Case, functional: bool) -> None:
    def operator(y: Tensor) -> Tensor:
        return case.operator(y)

    operator.descending = case.operator.descending
    exact = losses(case.operator, case.scores, case.labels)
    torch.testing.assert_close(losses(operator, case.scores, case.labels), exact)
    assert not hasattr(RankingLoss(operator), "derivatives")
    if functional:
        function = neural_sort if isinstance(case.operator, NeuralSort) else soft_sort
        same = partial(function, temperature=case.operator.temperature)
        assert torch.equal(losses(same, case.scores, case.labels), exact)
        assert hasattr(RankingLoss(same), "derivatives")


def test_trap_subtraction_from_one_on_the_probability_path() -> None:
    # All wrong by 30 temperatures: 1 - P is e^-30, which a subtraction makes 0.
    scores, labels = torch.tensor([0.0, 3.0, 6.0]), torch.tensor([1, 2, 0])
    exact = torch.func.grad_and_value(RankingLoss(soft_sort))(scores, labels)
    actual = torch.func.grad_and_value(RankingLoss(lambda y: soft_sort(y)))(scores, labels)
    torch.testing.assert_close(actual, exact, rtol=1e-5, atol=1e-5)


def test_trap_squares_of_small_probabilities() -> None:
    # All wrong by 60 temperatures: P is e^-60, whose square float32 does not hold.
    scores, labels = torch.tensor([0.0, 6.0, 12.0]), torch.tensor([1, 2, 0])
    loss = RankingLoss(lambda y: soft_sort(y))
    actual = torch.func.jacrev(torch.func.grad(loss))(scores, labels)
    exact = RankingLoss(soft_sort).derivatives(scores.double(), labels).hessian
    torch.testing.assert_close(actual.double(), exact, rtol=1e-5, atol=1e-5)


def test_trap_clamped_probabilities_have_zero_derivative() -> None:
    # The probability path below the smallest normal number: finite, flat, as documented.
    scores = torch.tensor([[0.0, 1e3]], requires_grad=True)
    loss = RankingLoss(lambda y: soft_sort(y, temperature=1.0))(scores, torch.tensor([[1, 0]]))
    (gradient,) = torch.autograd.grad(loss, scores, create_graph=True)
    (second,) = torch.autograd.grad(gradient[0, 0], scores)
    torch.testing.assert_close(loss.detach(), -torch.tensor(TINY).log())
    assert not gradient.any()
    assert not second.any()


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_diffsort_as_it_is(shape: tuple[int, ...]) -> None:
    diffsort = pytest.importorskip("diffsort")
    peer = diffsort.DiffSortNet("odd_even", 4, steepness=5.0, distribution="cauchy", device=DEVICE)
    own = SortingNetwork(4, steepness=5.0, distribution="cauchy")
    scores, labels = torch.randn(shape), torch.randn(shape)
    loss = RankingLoss(peer, reduction="none")
    expected = RankingLoss(own).derivatives(scores, labels)
    torch.testing.assert_close(loss(scores, labels), expected.value, rtol=1e-4, atol=1e-5)
    assert not hasattr(loss, "derivatives")
    gradient = torch.func.grad(lambda y: loss(y, labels).sum())(scores)
    torch.testing.assert_close(gradient, expected.gradient, rtol=1e-3, atol=1e-4)
