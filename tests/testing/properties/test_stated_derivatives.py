"""Losses without a ``derivatives`` method, with one that raises, and without a Hessian."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from newton_optim import LossDerivatives
from newton_optim.testing import assert_derivatives_match
from tests.testing.losses import T, Y, smooth


class HalfSquare:
    """It states its first derivative, times a factor."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def __call__(self, y: Tensor) -> Tensor:
        return y.square().sum(-1) / 2

    def derivatives(self, y: Tensor) -> LossDerivatives:
        return LossDerivatives(self(y), self.factor * y)


class Raises(HalfSquare):
    def derivatives(self, y: Tensor) -> LossDerivatives:
        raise NotImplementedError("later")


class ReturnsTuple(HalfSquare):
    def derivatives(self, y: Tensor) -> LossDerivatives:
        return (self(y), y)


def test_a_loss_without_derivatives_cannot_match_them() -> None:
    with pytest.raises(TypeError, match="must have a `derivatives` method"):
        assert_derivatives_match(smooth, Y, T)


def test_derivatives_that_raise_fail_with_the_error() -> None:
    with pytest.raises(AssertionError, match="`derivatives` raised NotImplementedError: later"):
        assert_derivatives_match(Raises(), Y)
    with pytest.raises(AssertionError, match="must return LossDerivatives"):
        assert_derivatives_match(ReturnsTuple(), Y)


def test_a_hessian_may_be_left_out() -> None:
    assert_derivatives_match(HalfSquare(), Y)
    with pytest.raises(AssertionError, match="the gradient of `derivatives`"):
        assert_derivatives_match(HalfSquare(1 + 1e-9), Y)


def test_the_gradient_may_be_stated_in_any_event_shape_of_the_outputs() -> None:
    class Flat(HalfSquare):
        def derivatives(self, y: Tensor) -> LossDerivatives:
            rows = y.flatten(1)
            return LossDerivatives(y.square().sum((1, 2)) / 2, rows)

        def __call__(self, y: Tensor) -> Tensor:
            return y.square().sum((1, 2)) / 2

    assert_derivatives_match(Flat(), torch.randn(3, 2, 2))
