"""Entry points that agree, that differ, and that refuse a loss."""

from __future__ import annotations

from functools import partial

import pytest

from newton_optim.testing import assert_entry_points_agree
from newton_optim.testing._properties._entry_points_agree import describe_refusals
from tests.testing.broken_wrappers import scaled_newton_loss
from tests.testing.losses import T, Y, smooth


def test_no_entry_point_refuses_an_ordinary_loss() -> None:
    assert assert_entry_points_agree(smooth, Y, T) == {}
    assert assert_entry_points_agree(smooth, Y, T, curvature="fisher", damping=None) == {}


def test_a_difference_of_a_millionth_is_seen() -> None:
    wrong = partial(scaled_newton_loss, factor=1 + 1e-6)
    with pytest.raises(AssertionError, match="the step of the given newton_loss"):
        assert_entry_points_agree(smooth, Y, T, newton_loss=wrong)


def test_a_loss_that_all_refuse_fails() -> None:
    message = "every entry point refuses this loss: loss is linear"
    with pytest.raises(AssertionError, match=message):
        assert_entry_points_agree(lambda y: y.sum(-1), Y)


def test_refusals_are_a_remark() -> None:
    assert describe_refusals({}) == ""
    found = describe_refusals({"NewtonLoss": "no", "newton_loss of a callable": "never"})
    assert found == "entry points that refuse the loss: 2; NewtonLoss: no"
