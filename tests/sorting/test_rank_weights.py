"""The weights of the ranks: which rows of P count, and how much."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.sorting import RankingLoss, SoftSort, SortingNetwork
from newton_optim.sorting._rank_weights import RankWeights, check_rank_weight
from tests.asserts import EPS, TINY, assert_normwise
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

# Quarters, which float32 holds.
tables = st.lists(st.integers(0, 12), min_size=8, max_size=8).filter(any)


@st.composite
def rank_options(draw: st.DrawFn, n: int) -> dict[str, Any]:
    """``k``, ``rank_weight`` or both."""
    options: dict[str, Any] = {}
    which = draw(st.sampled_from(["k", "rank_weight", "both"]))
    if which != "rank_weight":
        options["k"] = draw(st.integers(1, n))
    if which != "k":
        options["rank_weight"] = [quarter / 4 for quarter in draw(tables)]
    return options


def weights_alone(options: dict[str, Any], m: int) -> list[float]:
    """The weights of the ranks of a list of length `m`."""
    table = options.get("rank_weight", [1.0] * m)
    return [table[r] if r < options.get("k", m) else 0.0 for r in range(m)]


@settings(max_examples=60)
@given(padded_lists(), st.data(), st.sampled_from([torch.float32, torch.float64]))
def test_closed_form_and_autograd_are_the_dense_ones_in_many_digits(
    lists: Lists, data: st.DataObject, dtype: torch.dtype
) -> None:
    options = data.draw(rank_options(lists.scores.shape[-1]))
    parts, c = [], 1.0
    for scores, labels in lists.alone:
        weights = weights_alone(options, len(scores))
        if len(scores) < 2 or not any(weights):
            parts.append([torch.zeros((len(scores),) * event) for event in range(3)])
            continue
        c = max(c, condition(Case(lists.operator, scores.unsqueeze(0), labels)))
        found = mp_ranking(lists.operator, scores.cpu().numpy(), labels.cpu().numpy(), weights)
        parts.append([torch.as_tensor(part, dtype=torch.float64) for part in found])
    loss = RankingLoss(lists.operator, reduction="none", **options)
    closed, auto = masked_derivatives(lists, dtype, **options), differentiated(loss, lists, dtype)
    unit = lists.scores.shape[-1] / lists.operator.temperature
    for event, column in enumerate(zip(*parts, strict=True)):
        expected = placed(lists, list(column), event)
        floor = 1e2 * TINY * c / lists.operator.temperature**2
        assert_normwise(closed[event], expected, EPS[dtype] * c, floor)
        assert_normwise(auto[event], expected, EPS[dtype] * c, EPS[dtype] * unit**event + floor)


@both
@pytest.mark.parametrize("descending", [False, True])
def test_the_first_ranks_in_the_operators_own_direction(kind: Any, descending: bool) -> None:
    # By hand: the mean over the first k rows of P.
    op = kind(temperature=1.0, descending=descending)
    scores, labels = torch.randn(7, 5, dtype=torch.float64), torch.rand(7, 5)
    order = labels.argsort(dim=-1, descending=descending)
    Q = F.one_hot(order, 5).double()
    for k in (1, 3, 5):
        expected = F.binary_cross_entropy(op(scores)[:, :k], Q[:, :k])
        torch.testing.assert_close(RankingLoss(op, k=k)(scores, labels), expected)


def test_k_is_the_special_case_of_zeros_and_ones() -> None:
    scores, labels = torch.randn(4, 5), torch.rand(4, 5)
    mask = torch.arange(5) < torch.tensor([[5], [3], [2], [0]])
    for options in ({}, {"mask": mask}):
        a = RankingLoss(SoftSort(), k=3, reduction="none")(scores, labels, **options)
        b = RankingLoss(SoftSort(), rank_weight=[1, 1, 1, 0, 0], reduction="none")
        assert torch.equal(a, b(scores, labels, **options))


def test_constant_weights_are_none() -> None:
    scores, labels = torch.randn(4, 5), torch.rand(4, 5)
    plain = RankingLoss(SoftSort())(scores, labels)
    for options in ({"k": 5}, {"rank_weight": torch.full((9,), 7.0)}):
        torch.testing.assert_close(RankingLoss(SoftSort(), **options)(scores, labels), plain)


@pytest.mark.parametrize("descending", [False, True])
def test_networks_and_other_callables_agree_with_the_rows(descending: bool) -> None:
    scores, labels = torch.randn(6, 4, dtype=torch.float64), torch.rand(6, 4)
    rank_weight = torch.tensor([4.0, 2.0, 0.0, 1.0], dtype=torch.float64)
    op = SortingNetwork(4, descending=descending)
    Q = F.one_hot(labels.argsort(dim=-1, descending=descending), 4).double()
    entries = F.binary_cross_entropy(op(scores), Q, reduction="none")
    expected = (entries.mean(dim=-1) * rank_weight).sum(dim=-1) / rank_weight.sum()
    loss = RankingLoss(op, rank_weight=rank_weight, reduction="none")
    torch.testing.assert_close(loss(scores, labels), expected)
    assert not hasattr(loss, "derivatives")


def test_weights_of_rows_sum_to_one_over_the_length() -> None:
    mask = torch.arange(4) < torch.tensor([[4], [3], [2], [1], [0]])
    weights = RankWeights(k=2).of_rows(torch.zeros(5, 4), mask, reverse=False)
    assert weights is not None
    np.testing.assert_allclose(
        weights.numpy(force=True)[:3],
        [[1 / 8, 1 / 8, 0, 0], [1 / 6, 1 / 6, 0, 0], [1 / 4, 1 / 4, 0, 0]],
    )
    assert not weights[3:].any()
    other_end = RankWeights(k=2).of_rows(torch.zeros(5, 4), mask, reverse=True)
    assert other_end is not None
    assert other_end[1].nonzero()[:, 0].tolist() == [1, 2]
    assert RankWeights().of_rows(torch.zeros(5, 4), None, reverse=True) is None


def test_the_weights_are_a_buffer_that_is_not_saved() -> None:
    loss = RankingLoss(SoftSort(), rank_weight=[3, 2, 1])
    assert loss.rank_weight is not None
    assert loss.rank_weight.dtype == torch.float32
    assert loss.to(torch.float64).rank_weight.dtype == torch.float64
    assert not loss.state_dict()
    assert RankingLoss(SoftSort()).rank_weight is None


def test_weights_of_a_sequence_survive_the_default_device_meta() -> None:
    with torch.device("meta"):
        loss = RankingLoss(SoftSort(), rank_weight=[3.0, 2.0, 1.0])
    scores, labels = torch.randn(2, 3, device="cpu"), torch.rand(2, 3, device="cpu")
    expected = RankingLoss(SoftSort(), rank_weight=[3.0, 2.0, 1.0])(scores, labels)
    assert torch.equal(loss(scores, labels), expected)


def small() -> Tensor:
    return torch.zeros(2, 3, device=DEVICE)


BAD = [
    ({"k": 0}, ValueError, "k must be at least 1, got 0"),
    ({"k": 1.0}, TypeError, r"k must be an integer, got float 1\.0"),
    ({"k": True}, TypeError, "k must be an integer, got bool True"),
    ({"k": 4}, ValueError, "k must be at most n = 3, the scores per sample, got 4"),
    ({"rank_weight": [1.0, 2.0]}, ValueError, r"at least n = 3 weights, one per rank, got 2"),
    ({"rank_weight": 1.0}, ValueError, r"rank_weight must have shape \(n,\), got shape \(\)"),
    ({"rank_weight": [[1.0]]}, ValueError, r"rank_weight must have shape \(n,\)"),
    ({"rank_weight": []}, ValueError, r"got shape \(0,\)"),
    ({"rank_weight": ["a"]}, TypeError, "rank_weight must be a sequence or tensor of numbers"),
    ({"rank_weight": {1.0}}, TypeError, "rank_weight must be a sequence or tensor of numbers"),
    ({"rank_weight": [1j, 1, 1]}, TypeError, "rank_weight must be real numbers"),
    ({"rank_weight": [True, False, True]}, TypeError, "rank_weight must be real numbers"),
]


@pytest.mark.parametrize(("options", "error", "match"), BAD)
def test_bad_arguments(options: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        RankingLoss(SoftSort(), **options)(small(), small())


@pytest.mark.skipif(DEVICE.type != "cpu", reason="values on a device are not looked at")
@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_values_that_are_no_weights(bad: float) -> None:
    with pytest.raises(ValueError, match="rank_weight must be finite and at least 0"):
        check_rank_weight([1.0, bad])
    with pytest.raises(ValueError, match="rank_weight must have a weight above 0"):
        check_rank_weight([0.0, 0.0])
