"""Arguments that go with their samples, and those that do not."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from newton_optim.testing import (
    assert_batch_invariant,
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


def test_a_single_sample_is_its_own_batch() -> None:
    assert_batch_invariant(lambda y: y.square().sum() * y.mean(), Y[:1])


def test_a_value_that_depends_on_the_batch() -> None:
    def centred(y: Tensor) -> Tensor:
        values = y.square().sum(-1)
        return values - values.detach().mean()

    with pytest.raises(AssertionError, match="a value after other samples changed"):
        assert_samples_independent(centred, Y)
    with pytest.raises(AssertionError, match="the value of a sample alone"):
        assert_batch_invariant(centred, Y)


def test_a_loss_that_refuses_a_batch_of_one_is_not_judged() -> None:
    def needs_two(y: Tensor) -> Tensor:
        if len(y) < 2:
            raise ValueError("one sample")
        return len(y) * y.square().sum(-1)

    assert_batch_invariant(needs_two, Y)
    with pytest.raises(AssertionError, match="a sample alone, against the batch"):
        assert_batch_invariant(lambda y: len(y) * y.square().sum(-1), Y)


def test_far_moves_of_the_others_are_left_out_where_the_loss_is_not_defined() -> None:
    def bounded(y: Tensor) -> Tensor:
        if bool((y.abs() > 3).any()):
            raise ValueError("too far")
        return y.square().sum(-1)

    assert_samples_independent(bounded, Y)
