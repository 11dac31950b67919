"""The ranking loss of lists of different lengths: each as if it were alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.sorting import RankingLoss
from tests.asserts import EPS, TINY, assert_normwise, hessian_of
from tests.settings import DEVICE
from tests.sorting.mask_strategies import (
    Lists,
    differentiated,
    masked_derivatives,
    padded_lists,
    placed,
)
from tests.sorting.mp_ranking import mp_ranking
from tests.sorting.softmax_strategies import Case, both, condition

dtypes = st.sampled_from([torch.float32, torch.float64])


def oracle(lists: Lists) -> list[Tensor]:
    """Value, gradient and Hessian of every list alone, in many digits."""
    parts = []
    for scores, labels in lists.alone:
        if len(scores) < 2:
            parts.append([torch.zeros((len(scores),) * event) for event in range(3)])
        else:
            found = mp_ranking(lists.operator, scores.cpu().numpy(), labels.cpu().numpy())
            parts.append([torch.as_tensor(part, dtype=torch.float64) for part in found])
    return [placed(lists, list(part), event) for event, part in enumerate(zip(*parts, strict=True))]


def worst_condition(lists: Lists) -> float:
    """The condition of the worst of the lists."""
    given_lists = [(s, t) for s, t in lists.alone if len(s)]
    cases = [Case(lists.operator, s.unsqueeze(0), t.unsqueeze(0)) for s, t in given_lists]
    return max((condition(case) for case in cases), default=1.0)


@settings(max_examples=60)
@given(padded_lists(), dtypes)
def test_closed_form_is_that_of_the_lists_alone_in_many_digits(
    lists: Lists, dtype: torch.dtype
) -> None:
    c = worst_condition(lists)
    floor = 1e2 * TINY * c / lists.operator.temperature**2
    for actual, expected in zip(masked_derivatives(lists, dtype), oracle(lists), strict=True):
        assert_normwise(actual, expected, EPS[dtype] * c, floor)


@settings(max_examples=60)
@given(padded_lists(), dtypes)
def test_double_backward_is_that_of_the_lists_alone(lists: Lists, dtype: torch.dtype) -> None:
    # Autograd adds up what cancels: right against the size of its parts, 1/τ and 1/τ².
    actual = differentiated(RankingLoss(lists.operator, reduction="none"), lists, dtype)
    c, unit = (
        EPS[dtype] * worst_condition(lists),
        lists.scores.shape[-1] / lists.operator.temperature,
    )
    expected = masked_derivatives(lists)
    for event, (part, want) in enumerate(zip(actual, expected, strict=True)):
        assert_normwise(part, want, c, EPS[dtype] * unit**event + 1e2 * TINY)


@given(padded_lists(), dtypes)
def test_absent_elements_have_exact_zeros(lists: Lists, dtype: torch.dtype) -> None:
    present = lists.mask.unsqueeze(-1) & lists.mask.unsqueeze(-2)
    total = RankingLoss(lists.operator, reduction="none")
    for _, gradient, hessian in (
        masked_derivatives(lists, dtype),
        differentiated(total, lists, dtype),
    ):
        assert not gradient[~lists.mask].any()
        assert not hessian[~present].any()


@given(padded_lists())
def test_any_callable_with_a_mask_is_asked_with_it(lists: Lists) -> None:
    def operator(y: Tensor, mask: Tensor | None = None) -> Tensor:
        assert y.isfinite().all()
        return lists.operator(y, mask=mask)

    operator.descending = lists.operator.descending
    loss = RankingLoss(operator, reduction="none")
    assert not hasattr(loss, "derivatives")
    scale = lists.scores.shape[-1] / lists.operator.temperature
    value, gradient, _ = differentiated(loss, lists)
    wanted = differentiated(RankingLoss(lists.operator, reduction="none"), lists)
    torch.testing.assert_close(value, wanted[0])
    if not has_ties(lists):  # Its own P has the mean of both sides there.
        torch.testing.assert_close(gradient, wanted[1], rtol=1e-7, atol=1e-9 * scale)


def has_ties(lists: Lists) -> bool:
    return any(len(scores.unique()) < len(scores) for scores, _ in lists.alone)


@given(padded_lists())
def test_a_full_mask_is_no_mask(lists: Lists) -> None:
    scores = torch.where(lists.mask, lists.scores, 0.5)
    labels = torch.where(lists.mask, lists.labels, 0.5)
    loss = RankingLoss(lists.operator, reduction="none")
    full = torch.ones_like(lists.mask)
    torch.testing.assert_close(loss(scores, labels, mask=full), loss(scores, labels))
    a, b = loss.derivatives(scores, labels, mask=full), loss.derivatives(scores, labels)
    scale = scores.shape[-1] / lists.operator.temperature
    torch.testing.assert_close(a.gradient, b.gradient, rtol=1e-9, atol=1e-12 * scale)
    torch.testing.assert_close(hessian_of(a), hessian_of(b), rtol=1e-9, atol=1e-12 * scale**2)


@both
@pytest.mark.parametrize("n", [1, 2, 5])
def test_all_absent_is_legal(kind: Any, n: int) -> None:
    scores = torch.full((2, n), float("nan"), requires_grad=True)
    mask = torch.zeros(2, n, dtype=torch.bool)
    loss = RankingLoss(kind())
    value = loss(scores, scores.detach(), mask=mask)
    (gradient,) = torch.autograd.grad(value, scores)
    found = loss.derivatives(scores, scores.detach(), mask=mask)
    for zero in (value, gradient, found.value, found.gradient, hessian_of(found)):
        assert not zero.any()


@both
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("length", [1, 3])
def test_a_present_score_that_is_not_finite_spoils_its_own_list(
    kind: Any, bad: float, length: int
) -> None:
    mask = torch.arange(5).expand(3, 5) < length
    scores, labels = torch.randn(3, 5), torch.randn(3, 5)
    scores[1, 0] = bad
    loss = RankingLoss(kind(), reduction="none")
    expected = [True, False, True]
    assert loss(scores, labels, mask=mask).isfinite().tolist() == expected
    assert loss.derivatives(scores, labels, mask=mask).value.isfinite().tolist() == expected


@both
def test_the_mask_is_in_the_derivatives(kind: Any) -> None:
    scores, mask = torch.randn(2, 3), torch.tensor([[True, True, False]] * 2)
    loss = RankingLoss(kind())
    present = loss.derivatives(scores, scores, mask=mask).present
    assert present is not None
    assert torch.equal(present, mask)
    assert loss.derivatives(scores, scores).present is None


@both
@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float16])
def test_labels_of_any_real_dtype(kind: Any, dtype: torch.dtype) -> None:
    scores = torch.randn(3, 6)
    mask = torch.tensor([[True, False, True, True, True, False]]).expand(3, -1)
    labels = torch.tensor([0, 1, 1, 0, 1, 0]).expand(3, -1)
    loss = RankingLoss(kind())
    alone = loss(scores[:, [0, 2, 3, 4]], labels[:, [0, 2, 3, 4]])
    torch.testing.assert_close(loss(scores, labels.to(dtype), mask=mask), alone)


@both
def test_compiles_in_one_graph_and_under_vmap(kind: Any) -> None:
    loss = RankingLoss(kind(), reduction="none", k=2)

    def everything(y: Tensor, t: Tensor, mask: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
        d = loss.derivatives(y, t, mask=mask, weight=weight)
        return loss(y, t, mask=mask, weight=weight), d.value, d.gradient, hessian_of(d)

    mask = torch.arange(5).expand(3, 5) < torch.tensor([[5], [2], [0]])
    inputs = torch.randn(3, 5), torch.randn(3, 5), mask, torch.rand(3)
    expected = everything(*inputs)
    compiled = torch.compile(everything, fullgraph=True, backend="eager")
    for function in (compiled, torch.func.vmap(everything)):
        for a, b in zip(function(*inputs), expected, strict=True):
            torch.testing.assert_close(a, b)


@both
def test_leading_dimensions_are_batch(kind: Any) -> None:
    scores, labels = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    mask = torch.rand(2, 3, 4) < 0.6
    loss = RankingLoss(kind(), reduction="none", rank_weight=[3.0, 2.0, 1.0, 0.5])
    flat = loss(scores.flatten(0, 1), labels.flatten(0, 1), mask=mask.flatten(0, 1))
    torch.testing.assert_close(loss(scores, labels, mask=mask).flatten(), flat)
    one = loss.derivatives(scores[0, 0], labels[0, 0], mask=mask[0, 0])
    all_of_them = loss.derivatives(scores, labels, mask=mask)
    torch.testing.assert_close(hessian_of(all_of_them)[0, 0], hessian_of(one))


@pytest.mark.skipif(DEVICE.type != "cpu", reason="values on a device are not looked at")
@both
def test_only_labels_that_are_present_must_be_numbers(kind: Any) -> None:
    labels = torch.tensor([[1.0, float("nan"), 0.0]])
    loss, scores = RankingLoss(kind()), torch.randn(1, 3)
    mask = torch.tensor([[True, False, True]])
    assert loss(scores, labels, mask=mask).isfinite()
    with pytest.raises(ValueError, match="labels must not be NaN"):
        loss(scores, labels, mask=~mask)
