"""Which elements are present, and their ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor

from newton_optim.sorting._mask import (
    check_mask,
    existing_ranks,
    hide_absent,
    order_by_score,
    reverse_rows,
    reversed_ranks,
    softmax_of_present,
    sorted_scores,
    sorting_order,
    without_padding,
)

masks = arrays.arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 6))).map(torch.tensor)


def integers(mask: Tensor) -> Tensor:
    """Values with ties, and NaN where absent."""
    drawn = torch.randint(0, 3, mask.shape).float()
    return torch.where(mask, drawn, torch.nan)


@given(masks, st.booleans())
def test_absent_elements_come_last_and_equal_ones_keep_their_order(
    mask: Tensor, descending: bool
) -> None:
    values = integers(mask)
    order = sorting_order(values, mask, descending=descending)
    ordered, same = sorted_scores(values, mask, descending=descending)
    assert torch.equal(order, same)
    for row, v, own, picked in zip(
        order.tolist(), values.tolist(), mask.tolist(), ordered, strict=True
    ):
        present = [j for j in range(len(v)) if own[j]]
        sign = -1 if descending else 1
        expected = sorted(present, key=lambda j, v=v, sign=sign: sign * v[j])
        assert row[: len(present)] == expected
        assert sorted(row) == list(range(len(v)))
        assert picked[: len(present)].tolist() == [v[j] for j in expected]


@given(masks)
def test_equal_scores_have_the_order_of_the_labels(mask: Tensor) -> None:
    scores, labels = integers(mask), integers(mask)
    order = sorting_order(labels, mask)
    by_score = order_by_score(scores, order, mask)
    for row, s, t, own in zip(
        by_score, scores.tolist(), labels.tolist(), mask.tolist(), strict=True
    ):
        present = [j for j in range(len(s)) if own[j]]
        expected = sorted(present, key=lambda j, s=s, t=t: (s[j], t[j], j))
        assert row[: len(present)].tolist() == expected


def test_a_score_that_is_not_finite_comes_before_absent_ones() -> None:
    for bad in (float("nan"), float("inf")):
        scores = torch.tensor([0.0, bad, 0.0])
        mask = torch.tensor([False, True, False])
        assert order_by_score(scores, sorting_order(scores, mask), mask)[0] == 1


@given(masks)
def test_ranks_from_the_other_end(mask: Tensor) -> None:
    n = mask.shape[-1]
    for m, ranks, exist in zip(
        mask.sum(-1).tolist(), reversed_ranks(mask).tolist(), existing_ranks(mask), strict=True
    ):
        assert ranks[:m] == list(range(m))[::-1]
        assert sorted(ranks) == list(range(n))
        assert exist.tolist() == [r < m for r in range(n)]
    matrix = torch.arange(n * n).reshape(n, n).expand(len(mask), n, n)
    full = torch.ones_like(mask)
    assert torch.equal(reverse_rows(matrix, full), reverse_rows(matrix, None))


@given(masks)
def test_softmax_over_those_that_are_present(mask: Tensor) -> None:
    n = mask.shape[-1]
    logits = torch.randn(len(mask), n, n, dtype=torch.float64)
    P = softmax_of_present(hide_absent(logits, mask), mask)
    for row, z, own in zip(P, logits, mask, strict=True):
        m = int(own.sum())
        expected = np.zeros((n, n))
        expected[:m, own.numpy(force=True)] = z[:m, own].softmax(-1).numpy(force=True)
        np.testing.assert_allclose(row.numpy(force=True), expected)


def test_padding_has_no_value_and_no_gradient() -> None:
    values = torch.tensor([1.0, float("nan"), float("inf")], requires_grad=True)
    mask = torch.tensor([True, False, False])
    kept = without_padding(values, mask)
    (gradient,) = torch.autograd.grad((kept * kept).sum(), values)
    assert kept.tolist() == [1.0, 0.0, 0.0]
    assert gradient.tolist() == [2.0, 0.0, 0.0]
    assert without_padding(values, None) is values


@pytest.mark.parametrize(
    ("mask", "error", "match"),
    [
        ([True, False], TypeError, "mask must be a bool tensor, got list"),
        (torch.ones(2, 3), TypeError, "mask must be a bool tensor, got a tensor of shape"),
        (torch.ones(2, 3).long(), TypeError, "mask must be a bool tensor, got a tensor of shape"),
        (torch.ones(3).bool(), ValueError, r"mask must have the shape of scores, \(2, 3\), got"),
        (torch.ones(2, 4).bool(), ValueError, r"got shape \(2, 4\)"),
    ],
)
def test_other_masks_are_refused(mask: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        check_mask(mask, torch.zeros(2, 3))


def test_no_mask_and_a_right_one_pass() -> None:
    mask = torch.ones(2, 3, dtype=torch.bool)
    assert check_mask(None, torch.zeros(2, 3)) is None
    assert check_mask(mask, torch.zeros(2, 3)) is mask
