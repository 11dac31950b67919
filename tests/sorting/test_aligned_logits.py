"""The logits of the softmax operators' ranking loss, entry by entry."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st

from newton_optim.sorting._aligned_logits import AlignedLogits
from tests.sorting.softmax_strategies import Case, both, cases


def aligned_logits(case: Case) -> AlignedLogits:
    """What the loss of a case is computed from."""
    return case.operator.aligned_logits(case.scores, case.labels.argsort(dim=-1, stable=True))


def in_order(case: Case, sample: int) -> list[int]:
    """The elements of a sample in the order of the logits' rows."""
    position = aligned_logits(case).position
    places = list(range(case.scores.shape[1])) if position is None else position[:, sample].tolist()
    return sorted(range(len(places)), key=places.__getitem__)


@given(cases())
def test_it_is_the_permutation_with_rows_and_columns_in_one_order(case: Case) -> None:
    aligned = aligned_logits(case)
    P = type(case.operator)(temperature=case.operator.temperature)(case.scores)
    relaxed = aligned.logits.softmax(dim=1)
    for s, (y, labels) in enumerate(zip(case.scores.tolist(), case.labels.tolist(), strict=True)):
        elements = in_order(case, s)
        ascending, wanted = (sorted(range(len(v)), key=v.__getitem__) for v in (y, labels))
        ranks = [ascending.index(element) for element in elements]
        torch.testing.assert_close(relaxed[..., s], P[s][ranks][:, elements])
        assert [elements[t] for t in aligned.target[:, s].tolist()] == [wanted[r] for r in ranks]
        expected = [[y[a] - y[b] for b in elements] for a in elements]
        assert aligned.difference[..., s].tolist() == expected


@given(cases(), st.sampled_from([torch.float16, torch.float32, torch.float64]))
def test_the_largest_logit_of_a_row_is_on_the_diagonal_and_zero(
    case: Case, dtype: torch.dtype
) -> None:
    scores = (case.scores / case.operator.temperature).to(dtype)
    aligned = aligned_logits(case._replace(scores=scores))
    assert not aligned.logits.diagonal(dim1=0, dim2=1).any()
    assert (aligned.logits <= 0).all()
    assert aligned.logits.dtype == aligned.difference.dtype == torch.float64
    assert aligned.dtype == torch.promote_types(dtype, torch.float32)


@both
def test_the_diagonal_is_constant_where_scores_are_equal(kind: Any) -> None:
    def diagonal(y: torch.Tensor) -> torch.Tensor:
        aligned = kind().aligned_logits(y, y.detach().argsort(stable=True))
        return aligned.logits.diagonal(dim1=0, dim2=1)

    scores = torch.tensor([1.0, 0.0, 1.0, 1.0, -2.0])
    assert not torch.func.jacrev(diagonal)(scores).any()
