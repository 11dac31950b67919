"""The closed form of the softmax operators' ranking loss against everything independent of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from newton_optim.sorting import RankingLoss, SoftSort
from newton_optim.sorting._softmax_jacobians import SMALL
from tests.asserts import EPS, TINY, assert_normwise, hessian_of
from tests.settings import DEVICE
from tests.sorting.mp_ranking import reference
from tests.sorting.softmax_strategies import (
    Case,
    all_derivatives,
    both,
    cases,
    condition,
    transformed,
)


@both
@pytest.mark.parametrize("spread", [1e3, 1e6])
def test_far_logits_that_are_close_are_told_apart_in_float32(kind: Any, spread: float) -> None:
    # Rows whose other logits are far below the largest and a few units from each other.
    scores = spread * torch.randn(100, 5) + torch.randn(100, 5)
    scores[:, 1], scores[:, 2] = scores[:, 0] + torch.randn(100), scores[:, 0] - torch.rand(100)
    case = Case(kind(temperature=1.0), scores.double(), torch.rand(100, 5))
    narrow, wide = all_derivatives(case, torch.float32), all_derivatives(case)
    for actual, expected in zip(narrow, wide, strict=True):
        assert_normwise(actual, expected, 1e-5, 1e-30)


@settings(max_examples=60)
@given(cases(max_n=5, max_samples=2), st.sampled_from([torch.float32, torch.float64]))
def test_derivatives_are_the_dense_ones_in_many_digits(case: Case, dtype: torch.dtype) -> None:
    # Normwise per sample and relative, however small the loss: the bar is the rounding of logits.
    unit = condition(case) / case.operator.temperature**2
    for actual, expected in zip(all_derivatives(case, dtype), reference(case), strict=True):
        assert_normwise(actual, expected, EPS[dtype] * condition(case), 1e2 * TINY * unit)


@given(cases(ties=False, spreads=(0.3, 1.0), max_n=5))
def test_derivatives_are_finite_differences(case: Case) -> None:
    operator, scores, labels = case
    step = 1e-5 * operator.temperature
    eye = step * torch.eye(scores.shape[-1], dtype=scores.dtype)
    twice = labels.unsqueeze(1).expand(-1, len(eye), -1)
    loss = RankingLoss(operator)
    ahead, behind = (loss.derivatives(scores.unsqueeze(1) + s * eye, twice) for s in (1, -1))
    _, gradient, hessian = all_derivatives(case)
    tau = operator.temperature
    differences = (ahead.value - behind.value) / (2 * step)
    torch.testing.assert_close(gradient, differences, rtol=1e-7, atol=1e-8 / tau)
    differences = (ahead.gradient - behind.gradient) / (2 * step)
    torch.testing.assert_close(hessian, differences, rtol=1e-6, atol=1e-7 / tau**2)


@given(cases(spreads=(1.0,), max_n=8), st.sampled_from([1e2, 1e3, 1e6, 1e12, 1e30]))
def test_float32_is_float64_where_scores_spread_wide(case: Case, factor: float) -> None:
    # Gaps that grow keep the logits of a row apart: what is close there is lost in any float32.
    ranks = case.scores.argsort(-1).argsort(-1)
    scores = factor * case.operator.temperature * (3.0**ranks + 0.1 * torch.sin(case.scores))
    case = case._replace(scores=scores.float().double())
    n = scores.shape[-1]
    unit = 1.0 / case.operator.temperature**2
    for narrow, wide in zip(
        all_derivatives(case, torch.float32), all_derivatives(case), strict=True
    ):
        assert_normwise(narrow, wide, EPS[torch.float32] * 50 * n, 1e3 * TINY * unit)
    for part in transformed(case, torch.float32):
        assert part.isfinite().all()


@given(cases(spreads=(0.1, 3.0, 1e3)), st.randoms())
def test_permuting_the_elements_permutes_the_derivatives(case: Case, random: Any) -> None:
    # Equal scores have the order of their labels; equal labels keep the order given.
    n = case.scores.shape[-1]
    order = random.sample(range(n), n)
    case = case._replace(labels=case.labels.argsort(-1).double())
    value, gradient, hessian = all_derivatives(case)
    moved = case._replace(scores=case.scores[:, order], labels=case.labels[:, order])
    expected = (value, gradient[:, order], hessian[:, order][:, :, order])
    for actual, want in zip(all_derivatives(moved), expected, strict=True):
        torch.testing.assert_close(actual, want, rtol=1e-10, atol=1e-11 * n**2 * 400)


@given(cases(spreads=(0.1, 3.0, 1e3)))
def test_hessians_are_symmetric_and_rows_sum_to_zero(case: Case) -> None:
    # Only differences of the scores matter: the trap of translation invariance.
    _, gradient, hessian = all_derivatives(case)
    torch.testing.assert_close(hessian, hessian.mT, rtol=1e-12, atol=1e-13)
    size = 1.0 + float(hessian.abs().max()) + float(gradient.abs().max())
    assert float(hessian.sum(-1).abs().max()) <= 1e-13 * size
    assert float(gradient.sum(-1).abs().max()) <= 1e-13 * size


@given(cases())
def test_the_direction_of_the_operator_plays_no_part(case: Case) -> None:
    turned = type(case.operator)(
        temperature=case.operator.temperature, descending=not case.operator.descending
    )
    for a, b in zip(
        all_derivatives(case), all_derivatives(case._replace(operator=turned)), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


@both
def test_one_score_has_no_loss(kind: Any) -> None:
    scores = torch.randn(3, 1, requires_grad=True)
    loss = RankingLoss(kind())
    value = loss(scores, scores.detach())
    value.backward()
    assert value == 0
    assert not scores.grad.any()
    derivatives = loss.derivatives(scores, scores.detach())
    assert derivatives.gradient.shape == (3, 1)
    for part in (derivatives.value, derivatives.gradient, hessian_of(derivatives)):
        assert not part.any()
    assert not transformed(Case(kind(), scores.detach(), scores.detach()))[2].any()


@both
@pytest.mark.parametrize("n", [SMALL, SMALL + 1, 2 * SMALL])
def test_more_scores_take_matrix_products(kind: Any, n: int) -> None:
    scores = torch.randn(2, n, dtype=torch.float64).mul(2.0).round().div(2.0)  # Some are tied.
    case = Case(kind(), scores, torch.randn(2, n))
    for actual, expected in zip(all_derivatives(case), transformed(case), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-9)


@both
@pytest.mark.parametrize("n", [6, SMALL + 1])
def test_autocast_does_not_lower_the_precision(kind: Any, n: int) -> None:
    scores, labels = torch.randn(8, n), torch.randn(8, n)
    loss = RankingLoss(kind())
    expected = loss.derivatives(scores, labels)
    with torch.autocast(DEVICE.type, dtype=torch.bfloat16):
        value, actual = loss(scores, labels), loss.derivatives(scores, labels)
        hessian = hessian_of(actual)
    torch.testing.assert_close(value, expected.value.mean())
    assert torch.equal(hessian, hessian_of(expected))


def test_trap_subtraction_from_one() -> None:
    # All right by 60 temperatures: 1 - P is e^-60, which a subtraction makes 0.
    scores = torch.tensor([[0.0, 6.0, 12.0]])
    case = Case(SoftSort(temperature=0.1), scores.double(), scores.double())
    for actual, want in zip(all_derivatives(case, torch.float32), reference(case), strict=True):
        assert np.abs(want).max() > 0
        assert_normwise(actual, want, 2e-5)
