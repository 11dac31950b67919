"""The Newton loss of a Newton loss is that Newton loss."""

from __future__ import annotations

from functools import partial

import pytest

from newton_optim.testing import assert_fixpoint
from tests.testing.broken_wrappers import scaled_newton_loss
from tests.testing.losses import T, Y, smooth


@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
@pytest.mark.parametrize("outer_damping", [0.0, 2.0])
def test_it_holds_for_every_inner_curvature(curvature: str, outer_damping: float) -> None:
    assert_fixpoint(smooth, Y, T, curvature=curvature, outer_damping=outer_damping)


def test_an_error_of_a_millionth_is_seen() -> None:
    wrong = partial(scaled_newton_loss, factor=1 + 1e-6)
    with pytest.raises(AssertionError, match="damped by 1"):
        assert_fixpoint(smooth, Y, T, newton_loss=wrong)


@pytest.mark.parametrize("damping", [-1.0, float("nan")])
def test_bad_damping(damping: float) -> None:
    with pytest.raises(ValueError, match="outer_damping must be"):
        assert_fixpoint(smooth, Y, T, outer_damping=damping)
