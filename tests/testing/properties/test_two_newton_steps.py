"""Lemma 3: what it sees, and where it has nothing to compare."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim.testing import assert_two_newton_steps_are_one
from tests.testing.broken_wrappers import fixed_target, scaled_newton_loss
from tests.testing.losses import T, Y, smooth


def test_an_error_of_a_millionth_is_seen() -> None:
    wrong = partial(scaled_newton_loss, factor=1 + 1e-6)
    with pytest.raises(AssertionError, match="by θ, times l''"):
        assert_two_newton_steps_are_one(smooth, Y, T, newton_loss=wrong)


def test_a_wrong_second_derivative_is_seen() -> None:
    with pytest.raises(AssertionError, match="the Hessian of the Newton loss by θ"):
        assert_two_newton_steps_are_one(smooth, Y, T, newton_loss=fixed_target)


def test_a_newton_loss_without_a_graph_fails() -> None:
    def detached(loss: Tensor, outputs: Tensor, **options: Any) -> Tensor:
        return loss.detach()

    with pytest.raises(AssertionError, match="the Newton loss cannot be differentiated"):
        assert_two_newton_steps_are_one(smooth, Y, T, newton_loss=detached)


def test_a_line_without_curvature_has_nothing_to_compare() -> None:
    wrong = partial(scaled_newton_loss, factor=2.0)
    assert_two_newton_steps_are_one(
        lambda y: y.sum(-1) + 0.0 * y.square().sum(-1), Y, newton_loss=wrong
    )


def test_outputs_of_zero_have_a_line_as_well() -> None:
    assert_two_newton_steps_are_one(smooth, torch.zeros(2, 3), T[:2])
