"""The frame of the softmax operators' ranking loss, entry by entry."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from newton_optim.sorting._frame import inverse
from tests.sorting.softmax_strategies import Case, both, cases


def in_order(case: Case, sample: int) -> list[int]:
    """The elements of a sample in the order of the frame."""
    position = case.operator.frame(case.scores, case.labels).position
    places = list(range(case.scores.shape[1])) if position is None else position[:, sample].tolist()
    return sorted(range(len(places)), key=places.__getitem__)


@given(cases())
def test_it_is_the_permutation_with_rows_and_columns_in_one_order(case: Case) -> None:
    frame = case.operator.frame(case.scores, case.labels)
    P = type(case.operator)(temperature=case.operator.temperature)(case.scores)
    relaxed = frame.logits.softmax(dim=1)
    for s, (y, labels) in enumerate(zip(case.scores.tolist(), case.labels.tolist(), strict=True)):
        elements = in_order(case, s)
        ascending, wanted = (sorted(range(len(v)), key=v.__getitem__) for v in (y, labels))
        ranks = [ascending.index(element) for element in elements]
        torch.testing.assert_close(relaxed[..., s], P[s][ranks][:, elements])
        assert [elements[t] for t in frame.target[:, s].tolist()] == [wanted[r] for r in ranks]
        expected = [[y[a] - y[b] for b in elements] for a in elements]
        assert frame.difference[..., s].tolist() == expected


@given(cases(), st.sampled_from([torch.float16, torch.float32, torch.float64]))
def test_the_largest_logit_of_a_row_is_on_the_diagonal_and_zero(
    case: Case, dtype: torch.dtype
) -> None:
    scores = (case.scores / case.operator.temperature).to(dtype)
    frame = case.operator.frame(scores, case.labels)
    assert not frame.logits.diagonal(dim1=0, dim2=1).any()
    assert (frame.logits <= 0).all()
    assert frame.logits.dtype == frame.difference.dtype == torch.float64
    assert frame.dtype == torch.promote_types(dtype, torch.float32)


@both
def test_the_diagonal_is_constant_where_scores_are_equal(kind: Any) -> None:
    def diagonal(y: torch.Tensor) -> torch.Tensor:
        return kind().frame(y, y.detach()).logits.diagonal(dim1=0, dim2=1)

    scores = torch.tensor([1.0, 0.0, 1.0, 1.0, -2.0])
    assert not torch.func.jacrev(diagonal)(scores).any()


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_inverse_undoes_a_permutation(batch: tuple[int, ...]) -> None:
    order = torch.rand(5, *batch).argsort(dim=0)
    identity = torch.arange(5).reshape(5, *(1 for _ in batch)).expand_as(order)
    assert torch.equal(order.gather(0, inverse(order)), identity)
    assert torch.equal(inverse(order).gather(0, order), identity)
