"""The logits of the softmax operators' ranking loss, entry by entry."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from newton_optim.sorting import NeuralSort, SoftSort
from newton_optim.sorting._aligned_logits import AlignedLogits
from newton_optim.sorting._mask import sorting_order
from tests.sorting.softmax_strategies import Case, both, cases


def aligned_logits(case: Case) -> AlignedLogits:
    """What the loss of a case is computed from."""
    return case.operator.aligned_logits(case.scores, case.labels.argsort(dim=-1, stable=True))


def in_order(aligned: AlignedLogits, sample: int) -> list[int]:
    """The elements of a sample in the order of the logits' rows."""
    rank = aligned.rank[:, sample].tolist()
    return (
        sorted(range(len(rank)), key=rank.__getitem__) if aligned.by_rank else [*range(len(rank))]
    )


@given(cases())
def test_it_is_the_permutation_with_rows_and_columns_in_one_order(case: Case) -> None:
    aligned = aligned_logits(case)
    P = type(case.operator)(temperature=case.operator.temperature)(case.scores)
    relaxed = aligned.logits.softmax(dim=1)
    for s, (y, labels) in enumerate(zip(case.scores.tolist(), case.labels.tolist(), strict=True)):
        elements, n = in_order(aligned, s), len(y)
        wanted = sorted(range(n), key=labels.__getitem__)
        ascending = sorted(range(n), key=lambda j, y=y, wanted=wanted: (y[j], wanted.index(j)))
        ranks = [ascending.index(element) for element in elements]
        assert aligned.rank[:, s].tolist() == [ascending.index(j) for j in range(n)]
        torch.testing.assert_close(relaxed[..., s], P[s][ranks][:, elements])
        assert [elements[t] for t in aligned.target[:, s].tolist()] == [wanted[r] for r in ranks]
        signs = aligned.sign.broadcast_to(aligned.logits.shape)[..., s]
        assert signs.tolist() == [[float(np.sign(a - b)) for b in ranks] for a in ranks]


@given(cases(), st.sampled_from([torch.float16, torch.float32, torch.float64]))
def test_the_largest_logit_of_a_row_is_on_the_diagonal_and_zero(
    case: Case, dtype: torch.dtype
) -> None:
    scores = (case.scores / case.operator.temperature).to(dtype)
    aligned = aligned_logits(case._replace(scores=scores))
    assert not aligned.logits.diagonal(dim1=0, dim2=1).any()
    assert (aligned.logits <= 0).all()
    assert aligned.logits.dtype == torch.float64
    assert aligned.sign.dtype == aligned.dtype == torch.promote_types(dtype, torch.float32)


@both
def test_the_diagonal_is_constant_where_scores_are_equal(kind: Any) -> None:
    def diagonal(y: torch.Tensor) -> torch.Tensor:
        aligned = kind().aligned_logits(y, y.detach().argsort(stable=True))
        return aligned.logits.diagonal(dim1=0, dim2=1)

    scores = torch.tensor([1.0, 0.0, 1.0, 1.0, -2.0])
    assert not torch.func.jacrev(diagonal)(scores).any()


@both
def test_weights_of_ranks_reach_their_rows(kind: Any) -> None:
    scores = torch.tensor([[0.3, 0.1, 0.2], [1.0, 2.0, 3.0]])
    aligned = kind().aligned_logits(scores, scores.argsort(dim=-1))
    own = torch.tensor([[5.0, 6.0, 7.0], [5.0, 6.0, 8.0]])
    for weights, wanted in ((torch.tensor([5.0, 6.0, 7.0]), 7.0), (own, 8.0)):
        rows = aligned.of_rows(weights).expand(3, 1, 2)
        for sample, last in ((0, 7.0), (1, wanted)):
            by_element = [7.0, 5.0, 6.0] if sample == 0 else [5.0, 6.0, last]
            elements = in_order(aligned, sample)
            assert rows[:, 0, sample].tolist() == [by_element[j] for j in elements]


@both
def test_rows_of_absent_elements_are_finite_and_their_columns_have_no_weight(kind: Any) -> None:
    mask = torch.tensor([[True, False, True], [False, True, False], [False, False, False]])
    scores = torch.tensor([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
    order = sorting_order(scores, mask)
    logits = kind().aligned_logits(scores, order, mask).logits
    inf = torch.inf
    lone = torch.zeros(3, 3, dtype=torch.float64)
    assert torch.equal(logits[..., 1], lone)
    assert torch.equal(logits[..., 2], lone)
    d = -1.0 / kind().temperature
    wanted = {
        SoftSort: [[0.0, -inf, d], [0.0, 0.0, 0.0], [d, -inf, 0.0]],
        NeuralSort: [[0.0, d, -inf], [d, 0.0, -inf], [0.0, 0.0, 0.0]],
    }
    torch.testing.assert_close(logits[..., 0], torch.tensor(wanted[kind], dtype=torch.float64))
