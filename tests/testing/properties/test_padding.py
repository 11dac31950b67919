"""Padding that is ignored, and masks that cannot be one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from newton_optim.testing import assert_padding_ignored
from tests.testing.losses import T, Y

MASK = T > 0


def masked(y: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask, y, 0.0).square().flatten(1).sum(1)


def test_events_of_any_shape() -> None:
    y = torch.randn(2, 3, 4)
    mask = torch.rand(2, 3, 4) > 0.5
    assert_padding_ignored(masked, y, mask, mask=mask)
    with pytest.raises(AssertionError, match="the gradient of the padding"):
        assert_padding_ignored(masked, y, torch.ones_like(mask), mask=mask)


def test_without_padding_there_is_nothing_to_ignore() -> None:
    everything = torch.ones_like(MASK)
    assert_padding_ignored(masked, Y, everything, mask=everything)


@pytest.mark.parametrize(
    ("outputs", "mask", "error", "message"),
    [
        (Y, T, TypeError, "mask must be a boolean tensor, got a tensor"),
        (Y, None, TypeError, "mask must be a boolean tensor, got NoneType"),
        (Y, MASK[:1], ValueError, r"mask must have shape \(4, 3\), got \(1, 3\)"),
        ([Y], MASK, TypeError, "outputs must be one tensor here, got list"),
    ],
)
def test_bad_masks(outputs: object, mask: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        assert_padding_ignored(masked, outputs, MASK, mask=mask)
