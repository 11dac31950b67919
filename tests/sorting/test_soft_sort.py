from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor

from newton_optim.sorting import SoftSort, soft_sort
from tests.asserts import as_float64
from tests.sorting.softmax_strategies import Case, cases


def dense(scores: Any, temperature: float, descending: bool) -> Any:
    """P of one sample by loops, as the paper prints it."""
    ordered = sorted(scores, reverse=descending)
    z = np.array([[-abs(a - b) / temperature for b in scores] for a in ordered])
    weight = np.exp(z - z.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True)


@given(cases())
def test_value_is_the_dense_one(case: Case) -> None:
    op = SoftSort(temperature=case.operator.temperature, descending=case.operator.descending)
    P = op(case.scores)
    expected = [dense(s, op.temperature, op.descending) for s in as_float64(case.scores)]
    np.testing.assert_allclose(as_float64(P), np.stack(expected), rtol=1e-11, atol=1e-300)
    function = soft_sort(case.scores, temperature=op.temperature, descending=op.descending)
    assert torch.equal(function, P)
    torch.testing.assert_close(op.logits(case.scores).softmax(-1), P, rtol=0, atol=0)


def test_defaults_and_repr() -> None:
    scores = torch.randn(4)
    assert torch.equal(SoftSort()(scores), soft_sort(scores, temperature=0.1, descending=False))
    assert repr(SoftSort()) == "SoftSort(temperature=0.1, descending=False)"


def test_bad_arguments_name_themselves() -> None:
    with pytest.raises(ValueError, match=r"temperature must be above 0, got 0\.0"):
        SoftSort(temperature=0)
    with pytest.raises(ValueError, match="temperature must be finite, got nan"):
        soft_sort(torch.zeros(2), temperature=float("nan"))
    with pytest.raises(TypeError, match="temperature must be a real number, got str '1'"):
        SoftSort(temperature="1")
    with pytest.raises(TypeError, match="descending must be a bool, got int 1"):
        SoftSort(descending=1)
    with pytest.raises(TypeError, match="scores must be a floating-point tensor"):
        soft_sort(torch.arange(3))
    with pytest.raises(TypeError, match="scores must be a tensor, got list"):
        soft_sort([1.0, 2.0])


def test_scores_without_an_entry_are_refused() -> None:
    for scores in (torch.zeros(()), torch.zeros(2, 0)):
        with pytest.raises(ValueError, match=r"scores must have shape \(\.\.\., n\)"):
            soft_sort(scores)


def test_float32_logits_of_close_scores_on_a_far_offset() -> None:
    scores: Tensor = torch.tensor([1e6, 1e6 + 0.5])
    torch.testing.assert_close(SoftSort(temperature=1.0).logits(scores)[0, 1], torch.tensor(-0.5))
