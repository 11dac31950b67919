"""Descent and the doors: what is left aside, and what is refused."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim import Hessian, newton_loss
from newton_optim.testing import (
    assert_descent_direction,
    assert_doors_agree,
    assert_fixpoint,
    assert_lemma_2,
    assert_lemma_3,
    assert_mse_collapse,
)
from tests.testing.broken import INDEFINITE, T, Y, saddle, smooth


@pytest.mark.parametrize("scope", ["batch", "sample"])
def test_raw_steps_are_judged_where_the_matrix_is_definite_alone(scope: str) -> None:
    raw = Hessian(scope=scope, eigenvalues="raw")
    assert_descent_direction(saddle, INDEFINITE, curvature=raw, damping=0.1)
    assert_descent_direction(saddle, INDEFINITE, curvature=raw)
    backwards = partial(turned, factor=-1.0)
    assert_descent_direction(saddle, INDEFINITE, curvature=raw, damping=0.1, newton_loss=backwards)
    with pytest.raises(AssertionError, match="does not go downhill"):
        assert_descent_direction(
            saddle, INDEFINITE, curvature=raw, damping=100.0, newton_loss=backwards
        )


def test_one_mean_matrix_is_judged_as_one() -> None:
    """The first sample's own matrix is positive, the mean is not: its raw step goes uphill."""
    weights = torch.tensor([1.0, -3.0])
    raw = Hessian(eigenvalues="raw")
    loss = lambda y, w: w * y.square().sum(-1)  # noqa: E731
    assert_descent_direction(loss, INDEFINITE, weights, curvature=raw, damping=0.1)


def turned(loss: Any, outputs: Any, *args: Any, factor: float, **options: Any) -> Tensor:
    return factor * newton_loss(loss, outputs, *args, **options)


def test_a_curvature_that_needs_more_than_the_loss_has_is_refused() -> None:
    with pytest.raises(ValueError, match="is linear in the outputs"):
        assert_descent_direction(lambda y: y.sum(-1), Y)
    with pytest.raises(AssertionError, match="every door refuses this loss: loss is linear"):
        assert_doors_agree(lambda y: y.sum(-1), Y)


def test_no_door_refuses_an_ordinary_loss() -> None:
    assert assert_doors_agree(smooth, Y, T) == {}
    assert assert_doors_agree(smooth, Y, T, curvature="fisher", damping=None) == {}


def test_an_error_of_a_millionth_in_a_door_is_seen() -> None:
    with pytest.raises(AssertionError, match="the step of the given newton_loss"):
        assert_doors_agree(smooth, Y, T, newton_loss=partial(turned, factor=1 + 1e-6))
    with pytest.raises(AssertionError, match="half the squared error"):
        assert_mse_collapse(Y, T, newton_loss=partial(turned, factor=1 + 1e-6))
    with pytest.raises(AssertionError, match="damped by 1"):
        assert_fixpoint(smooth, Y, T, newton_loss=partial(turned, factor=1 + 1e-6))
    with pytest.raises(AssertionError, match="by θ, times l''"):
        assert_lemma_3(smooth, Y, T, newton_loss=partial(turned, factor=1 + 1e-6))


@pytest.mark.parametrize("base", [torch.optim.Adam, torch.optim.RMSprop, torch.optim.Adagrad])
def test_lemma_2_with_another_optimizer(base: Any) -> None:
    assert_lemma_2(smooth, Y, T, base=partial(base, lr=0.01), steps=5)


def test_lemma_3_has_nothing_to_say_of_a_loss_without_curvature_there() -> None:
    assert_lemma_3(lambda y: y.sum(-1) + 0.0 * y.square().sum(-1), Y, newton_loss=turned)


@pytest.mark.parametrize("option", [{"damping": -1.0}, {"damping": float("nan")}])
def test_bad_damping(option: Any) -> None:
    with pytest.raises(ValueError, match="damping must be"):
        assert_mse_collapse(Y, T, **option)
    with pytest.raises(ValueError, match="outer_damping must be"):
        assert_fixpoint(smooth, Y, T, outer_damping=option["damping"])
