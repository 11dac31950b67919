"""Arguments that go with their samples, and those that do not."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from newton_optim.testing import (
    assert_duplication_invariant,
    assert_sample_equivariant,
    assert_samples_independent,
)
from tests.testing.losses import Y


def mixed(y: Tensor, *, matrix: Tensor) -> Tensor:
    return (y @ matrix).square().sum(-1)


@pytest.mark.parametrize("check", [assert_sample_equivariant, assert_duplication_invariant])
def test_a_bound_tensor_of_size_n_stays_as_it_is(check: object) -> None:
    assert callable(check)
    y, matrix = torch.randn(3, 3), torch.randn(3, 3)
    check(partial(mixed, matrix=matrix), y)
    with pytest.raises(AssertionError):
        check(lambda y, matrix: mixed(y, matrix=matrix), y, matrix)


def test_one_sample_is_independent() -> None:
    assert_samples_independent(lambda y: y.square().sum() * y.mean(), Y[:1])
