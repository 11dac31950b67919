"""`P` of lists of different lengths: each as if it were alone, and zeros."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from torch import Tensor

from newton_optim.sorting import NeuralSort, neural_sort, soft_sort
from tests.sorting.mask_strategies import Lists, padded_lists
from tests.sorting.softmax_strategies import both


@given(padded_lists())
def test_every_list_has_the_permutation_that_it_has_alone(lists: Lists) -> None:
    op = lists.operator
    P, logits = op(lists.scores, mask=lists.mask), op.logits(lists.scores, mask=lists.mask)
    for row, (scores, _) in enumerate(lists.alone):
        m, places = len(scores), lists.mask[row].nonzero()[:, 0]
        expected, z = torch.zeros_like(P[row]), torch.full_like(P[row], -torch.inf)
        if m:
            expected[:m, places] = op(scores)
            z[:m, places] = op.logits(scores)
        torch.testing.assert_close(P[row], expected, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(logits[row], z, rtol=1e-12, atol=1e-12)
    function = neural_sort if isinstance(op, NeuralSort) else soft_sort
    options = {"temperature": op.temperature, "descending": op.descending}
    assert torch.equal(function(lists.scores, mask=lists.mask, **options), P)


@given(padded_lists(min_length=1))
def test_gradients_are_those_of_the_lists_alone(lists: Lists) -> None:
    def weigh(y: Tensor, columns: Tensor, mask: Tensor | None) -> Tensor:
        """Some function of P whose weights follow rank and element."""
        P = lists.operator(y, mask=mask)
        ranks = torch.arange(P.shape[-2], dtype=P.dtype).unsqueeze(-1)
        return (P * (ranks + 1.0) * (columns + 2.0).sin()).sum()

    for row, (scores, _) in enumerate(lists.alone):
        mask, elements = lists.mask[row], torch.arange(lists.scores.shape[-1])
        grad = torch.func.grad(weigh)(lists.scores[row], elements, mask)
        expected = torch.func.grad(weigh)(scores, elements[mask], None)
        scale = len(mask) ** 2 / lists.operator.temperature
        torch.testing.assert_close(grad[mask], expected, rtol=1e-9, atol=1e-12 * scale)
        assert not grad[~mask].any()


@both
def test_second_derivatives_pass_through_the_padding(kind: Any) -> None:
    mask = torch.tensor([True, True, False, True])
    op, scores = kind(), torch.tensor([0.3, 0.1, float("nan"), -0.2], dtype=torch.float64)
    gradient = torch.func.grad(lambda y: op(y, mask=mask).square().sum())
    hessian = torch.func.jacrev(gradient)(scores)
    assert hessian.isfinite().all()
    assert hessian[mask][:, mask].any()
    assert not hessian[~mask].any()


@both
def test_half_precision_is_computed_in_float32(kind: Any) -> None:
    scores, mask = torch.randn(5, 6, dtype=torch.bfloat16), torch.rand(5, 6) < 0.5
    P = kind()(scores, mask=mask)
    assert torch.equal(P, kind()(scores.float(), mask=mask).bfloat16())


@both
def test_other_masks_are_refused(kind: Any) -> None:
    for method in (kind(), kind().logits):
        with pytest.raises(TypeError, match="mask must be a bool tensor, got list"):
            method(torch.zeros(2), mask=[True, False])
        with pytest.raises(ValueError, match="mask must have the shape of scores"):
            method(torch.zeros(2), mask=torch.ones(3, dtype=torch.bool))
