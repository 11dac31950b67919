"""Copies, seeds and errors of one evaluation."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from newton_optim._diagnosis._sandbox import (
    LossFailedError,
    copy_arguments,
    copy_loss,
    evaluating,
)
from tests.settings import DEVICE


def test_the_global_generators_are_restored() -> None:
    torch.manual_seed(7)
    expected = torch.rand(2)
    torch.manual_seed(7)
    with evaluating(3, DEVICE):
        first = torch.rand(2)
    assert torch.equal(torch.rand(2), expected)
    with evaluating(3, DEVICE):
        assert torch.equal(torch.rand(2), first)


def test_autograd_is_on_and_autocast_off() -> None:
    with (
        torch.no_grad(),
        torch.autocast(DEVICE.type, dtype=torch.bfloat16),
        evaluating(0, DEVICE),
    ):
        product = torch.ones(2, 2, requires_grad=True) @ torch.ones(2, 2)
    assert (product.requires_grad, product.dtype) == (True, torch.float32)


def test_whatever_goes_wrong_is_one_kind_of_error() -> None:
    with (
        pytest.raises(LossFailedError, match="KeyError: 'nobody'") as caught,
        evaluating(0, DEVICE),
    ):
        raise KeyError("nobody")
    assert isinstance(caught.value.__cause__, KeyError)


def test_copies_of_arguments() -> None:
    numbers, flags, other = torch.ones(2), torch.tensor([True]), object()
    value: Any = {"a": [numbers, (flags, other)]}
    made = copy_arguments(value, torch.float64)
    assert (made["a"][0].dtype, made["a"][1][0].dtype) == (torch.float64, torch.bool)
    assert made["a"][1][1] is other
    made["a"][0] += 1.0
    made["a"][1][0].logical_not_()
    made["a"].append(None)
    assert torch.equal(numbers, torch.ones(2))
    assert bool(flags)
    assert len(value["a"]) == 2
    same = copy_arguments(numbers, torch.float32)
    assert same.data_ptr() != numbers.data_ptr()


def test_copies_of_losses() -> None:
    module = nn.BatchNorm1d(3)
    made: Any = copy_loss(module, torch.float64)
    assert made is not module
    assert (made.weight.dtype, module.weight.dtype) == (torch.float64, torch.float32)
    stateless = nn.MSELoss()
    assert copy_loss(stateless, torch.float64) is stateless

    def function(y: Tensor) -> Tensor:
        return y

    assert copy_loss(function, torch.float64) is function
