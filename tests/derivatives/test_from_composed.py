"""Losses in two parts: the way through the inner part's result, and its Jacobians."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim import ComposedLoss, GaussNewton, newton_target
from tests.asserts import assert_close
from tests.composed.test_composed_loss import inner, outer, outputs_and_truth
from tests.functions import TracedOnceSquare


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
    expected = newton_target(composed, y, t, curvature=GaussNewton(max_step=None))
    assert_close(newton_target(Scaled(3.0), y, t, curvature=GaussNewton(max_step=None)), expected)


def test_a_forward_of_its_own_hides_the_parts() -> None:
    y, t = outputs_and_truth(0)
    penalised = Penalised(inner, outer)
    with pytest.raises(ValueError, match="loss must be a ComposedLoss"):
        newton_target(penalised, y, t, curvature=GaussNewton(max_step=None))
    expected = newton_target(lambda y: penalised(y, t), y, curvature="fisher")
    assert_close(newton_target(penalised, y, t, curvature="fisher"), expected)


@pytest.mark.parametrize(
    "curvature", [GaussNewton(max_step=None), GaussNewton(max_step=None, scope="sample")], ids=repr
)
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
