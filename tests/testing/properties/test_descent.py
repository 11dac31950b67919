"""Steps are judged where the matrix is positive definite, and there they go downhill."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from newton_optim import Hessian
from newton_optim.testing import assert_descent_direction
from tests.testing.broken_wrappers import scaled_newton_loss
from tests.testing.losses import INDEFINITE, Y, saddle


@pytest.mark.parametrize("scope", ["batch", "sample"])
def test_raw_steps_are_judged_only_where_the_matrix_is_definite(scope: str) -> None:
    raw = Hessian(scope=scope, eigenvalues="raw")
    assert_descent_direction(saddle, INDEFINITE, curvature=raw, damping=0.1)
    assert_descent_direction(saddle, INDEFINITE, curvature=raw)
    backwards = partial(scaled_newton_loss, factor=-1.0)
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


def test_a_joint_matrix_has_one_damping() -> None:
    """By its own norm, the first sample would be damped enough to be definite."""
    weights = torch.zeros(10, 3)
    weights[0] = torch.tensor([100.0, 100.0, -5.0])
    outputs = torch.tensor([[0.0, 0.0, 1.0]]).expand(10, 3)
    raw = Hessian(scope="joint", eigenvalues="raw")
    loss = lambda y, w: (w * y.square()).sum(-1) / 2  # noqa: E731
    assert_descent_direction(loss, outputs, weights, curvature=raw)


def test_a_curvature_that_needs_more_than_the_loss_has_is_refused() -> None:
    with pytest.raises(ValueError, match="is linear in the outputs"):
        assert_descent_direction(lambda y: y.sum(-1), Y)
