"""Outputs and arguments share their number of samples."""

from __future__ import annotations

from hypothesis import given
from torch import Tensor

from newton_optim.testing import strategies


@given(
    strategies.batches(
        strategies.outputs(m=3),
        lambda N: strategies.rankings(n=3, samples=N),
        lambda N: strategies.class_labels(classes=2, samples=N),
    )
)
def test_batches_share_their_number_of_samples(batch: tuple[Tensor, Tensor, Tensor]) -> None:
    y, ranks, classes = batch
    assert len(y) == len(ranks) == len(classes)
    assert classes.max() < 2
    assert classes.min() >= 0
