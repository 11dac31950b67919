"""A loss that has fewer digits than its outputs is seen, wherever it loses them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from newton_optim.testing import assert_dtype_kept
from tests.testing.losses import T, Y


def test_what_does_not_depend_on_the_outputs_may_be_float32() -> None:
    def loss(y: Tensor, t: Tensor) -> Tensor:
        weight = (t > 0).float()
        return (weight * (y - t).square()).sum(-1)

    assert_dtype_kept(loss, Y, T)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_digits_lost_on_the_way(dtype: torch.dtype) -> None:
    with pytest.raises(AssertionError, match=f"computes in {str(dtype)[6:]} for float64"):
        assert_dtype_kept(lambda y: y.to(dtype).square().sum(-1).double(), Y)


def test_a_loss_of_another_dtype() -> None:
    with pytest.raises(AssertionError, match="returns float32 for float64 outputs"):
        assert_dtype_kept(lambda y: y.square().sum().float(), Y)
