"""A loss in two parts is a loss like others."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from newton_optim import ComposedLoss, newton_loss, newton_target
from tests.asserts import assert_close
from tests.settings import DEVICE
from tests.strategies import seeds


def inner(y: Tensor) -> Tensor:
    return y.sin() * y.square().sum(-1, keepdim=True)


def outer(u: Tensor, t: Tensor, power: int = 2) -> Tensor:
    return (u - t).pow(power).sum(-1).mean()


def outputs_and_truth(seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    y, t = torch.randn(2, 4, 3, generator=generator, dtype=torch.float64, device="cpu")
    return y.to(DEVICE), t.to(DEVICE)


@given(seeds, st.sampled_from(["hessian", "fisher", "identity"]))
def test_it_is_the_same_as_a_loss_in_one_piece(seed: int, curvature: str) -> None:
    y, t = outputs_and_truth(seed)
    options: Any = {"curvature": curvature, "damping": 0.7}
    expected = newton_target(lambda y, t: outer(inner(y), t), y, t, **options)
    assert_close(newton_target(ComposedLoss(inner, outer), y, t, **options), expected)
    y.requires_grad_()
    whole = ComposedLoss(inner, outer)(y, t)
    assert_close(newton_target(whole, y, **options), expected)


def test_further_arguments_reach_the_outer_part() -> None:
    y, t = outputs_and_truth(0)
    loss = ComposedLoss(inner, outer)
    assert torch.equal(loss(y, t, power=4), outer(inner(y), t, 4))
    expected = newton_target(lambda y: outer(inner(y), t, 4), y, curvature="fisher")
    for whole in (partial(loss, power=4), ComposedLoss(inner, partial(outer, power=4))):
        assert_close(newton_target(whole, y, t, curvature="fisher"), expected)


def test_the_value_is_the_loss() -> None:
    y, t = outputs_and_truth(1)
    y.requires_grad_()
    for curvature in ("hessian", "fisher"):
        value = newton_loss(ComposedLoss(inner, outer), y, t, curvature=curvature)
        assert_close(value, outer(inner(y), t))


def test_modules_among_the_parts_are_registered_and_copied() -> None:
    loss = ComposedLoss(nn.Linear(3, 2), nn.MSELoss())
    assert {name for name, _ in loss.named_parameters()} == {"inner.weight", "inner.bias"}
    assert copy.deepcopy(loss).inner is not loss.inner


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((1, outer), "inner must be a callable, got int 1"),
        ((inner, None), "outer must be a callable, got NoneType None"),
    ],
)
def test_parts_that_cannot_be_called(parts: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        ComposedLoss(*parts)
