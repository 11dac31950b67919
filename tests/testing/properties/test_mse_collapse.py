"""The Newton step of half the squared error leads to the target."""

from __future__ import annotations

from functools import partial

import pytest

from newton_optim.testing import assert_mse_collapse
from newton_optim.testing._properties._mse_collapse import assert_loss_collapses
from tests.testing.broken_wrappers import scaled_newton_loss
from tests.testing.losses import T, Y, half_squared_error, smooth


def test_an_error_of_a_millionth_is_seen() -> None:
    wrong = partial(scaled_newton_loss, factor=1 + 1e-6)
    with pytest.raises(AssertionError, match="half the squared error"):
        assert_mse_collapse(Y, T, newton_loss=wrong)


def test_structures_with_a_target_of_the_same_structure() -> None:
    outputs, target = {"a": Y, "b": Y[:, :1]}, {"a": T, "b": T[:, :1]}
    assert_mse_collapse(outputs, target, damping=0.5, reduction="sum")


def test_with_the_arguments_of_all_other_properties() -> None:
    assert_loss_collapses(half_squared_error, Y, T, reduction="mean")
    with pytest.raises(AssertionError, match="half the squared error"):
        assert_loss_collapses(smooth, Y, T, reduction="mean")


@pytest.mark.parametrize("damping", [-1.0, float("nan")])
def test_bad_damping(damping: float) -> None:
    with pytest.raises(ValueError, match="damping must be"):
        assert_mse_collapse(Y, T, damping=damping)
