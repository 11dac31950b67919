"""The factor between a mean, a sum and a sample's own loss."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from newton_optim._reduction import (
    check_reduction,
    per_sample_factor,
    per_sample_values,
    reduce_loss,
    to_batch_scale,
)

LOSSES = torch.tensor([1.0, 2.0, 6.0])


@pytest.mark.parametrize(("reduction", "factor"), [("mean", 3), ("sum", 1)])
def test_only_a_reduced_mean_needs_a_factor(reduction: str, factor: int) -> None:
    assert per_sample_factor(reduce_loss(LOSSES, reduction), 3, reduction) == factor
    assert per_sample_factor(LOSSES, 3, reduction) == 1


@pytest.mark.parametrize(("reduction", "total"), [("mean", 3.0), ("sum", 9.0)])
def test_a_loss_is_reduced_once(reduction: str, total: float) -> None:
    reduced = reduce_loss(LOSSES, reduction)
    assert reduced == total
    assert reduce_loss(reduced, reduction) is reduced


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_shares_of_a_reduced_loss_reduce_to_it(reduction: str) -> None:
    reduced = reduce_loss(LOSSES, reduction)
    shares = per_sample_values(reduced, 3, reduction)
    assert shares.tolist() == [3.0, 3.0, 3.0]
    assert reduce_loss(shares, reduction) == reduced
    assert per_sample_values(LOSSES, 3, reduction) is LOSSES


@pytest.mark.parametrize(("reduction", "there"), [("mean", 2.0), ("sum", 6.0)])
def test_to_batch_scale(reduction: str, there: float) -> None:
    assert to_batch_scale(6.0, 3, reduction) == there
    assert to_batch_scale(torch.tensor(6.0), 3, reduction) == there


@pytest.mark.parametrize(("bad", "error"), [("none", ValueError), (None, TypeError)])
def test_bad_reductions(bad: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="reduction must be one of 'mean', 'sum'"):
        check_reduction(bad)
