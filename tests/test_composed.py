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

from newton_optim import ComposedLoss, GaussNewton, newton_loss, newton_target
from tests.asserts import assert_close
from tests.functions import TracedOnceSquare
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


class Scaled(ComposedLoss):
    """A subclass that names its parts, with options of its own."""

    def __init__(self, factor: float) -> None:
        super().__init__(inner, lambda u, t: outer(factor * u, factor * t))


class Penalised(ComposedLoss):
    """A subclass that is more than its parts."""

    def forward(self, outputs: Any, *args: Any, **kwargs: Any) -> Tensor:
        return super().forward(outputs, *args, **kwargs) + outputs.square().mean()


def test_gauss_newton_sees_the_parts_of_a_subclass() -> None:
    y, t = outputs_and_truth(0)
    composed = ComposedLoss(inner, lambda u, t: outer(3 * u, 3 * t))
    expected = newton_target(composed, y, t, curvature=GaussNewton())
    assert_close(newton_target(Scaled(3.0), y, t, curvature=GaussNewton()), expected)


def test_a_forward_of_its_own_hides_the_parts() -> None:
    y, t = outputs_and_truth(0)
    penalised = Penalised(inner, outer)
    with pytest.raises(ValueError, match="loss must be a ComposedLoss"):
        newton_target(penalised, y, t, curvature=GaussNewton())
    expected = newton_target(lambda y: penalised(y, t), y, curvature="fisher")
    assert_close(newton_target(penalised, y, t, curvature="fisher"), expected)


@pytest.mark.parametrize("curvature", [GaussNewton(), GaussNewton(scope="sample")], ids=repr)
def test_gauss_newton_takes_a_partial(curvature: Any) -> None:
    y, t = outputs_and_truth(0)
    loss = ComposedLoss(inner, outer)
    expected = newton_target(
        ComposedLoss(inner, partial(outer, power=4)), y, t, curvature=curvature
    )
    assert_close(newton_target(partial(loss, power=4), y, t, curvature=curvature), expected)
    assert_close(newton_target(partial(loss, t=t, power=4), y, curvature=curvature), expected)
    assert_close(
        newton_target(partial(partial(loss, t=t), power=4), y, curvature=curvature), expected
    )


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


@pytest.mark.parametrize(
    ("part", "error", "message"),
    [
        (lambda y: y[:2], ValueError, r"inner\(outputs\) must have the 4 samples .* got 2"),
        (lambda y: torch.cat((y, y)), ValueError, r"inner\(outputs\) must have the 4 .* got 8"),
        (lambda y: torch.zeros(4, 3), ValueError, "inner must be computed from the outputs"),
        (lambda y: y.sum(), ValueError, r"inner\(outputs\) must have shape \(N, \*event\)"),
        (lambda y: "path", TypeError, r"inner\(outputs\) must be a tensor .* got str 'path'"),
        (lambda y: (y, y[:2]), ValueError, r"inner\(outputs\) must share the batch size N"),
        (lambda y: y > 0, TypeError, r"inner\(outputs\) must be a floating-point tensor"),
    ],
)
def test_inner_parts_that_cannot_be_used(part: Any, error: type[Exception], message: str) -> None:
    y, _ = outputs_and_truth(2)
    with pytest.raises(error, match=message):
        newton_target(ComposedLoss(part, lambda u: u.sum()), y, curvature="fisher")


def test_first_derivatives_are_enough_for_the_fisher() -> None:
    y, t = outputs_and_truth(0)

    def once(u: Tensor, t: Tensor) -> Tensor:
        square: Tensor = TracedOnceSquare.apply(u - t)
        return square.sum(-1)

    twice = ComposedLoss(inner, lambda u, t: (u - t).square().sum(-1))
    expected = newton_target(twice, y, t, curvature="fisher")
    assert_close(newton_target(ComposedLoss(inner, once), y, t, curvature="fisher"), expected)
