"""Promises about coordinates: their order and a common shift."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from newton_optim.testing import assert_coordinate_equivariant, assert_shift_invariant
from tests.testing.losses import T, Y, half_squared_error


def spread(y: Tensor) -> Tensor:
    return (y - y.mean(-1, keepdim=True)).square().flatten(1).sum(1)


def test_arguments_in_the_shape_of_the_outputs_are_reordered_with_them() -> None:
    weights = torch.tensor([1.0, 2.0, 3.0])
    assert_coordinate_equivariant(half_squared_error, Y, T)
    with pytest.raises(AssertionError, match="with the coordinates in another order"):
        assert_coordinate_equivariant(lambda y, w: (w * y.square()).sum(-1), Y, weights)


def test_events_are_reordered_along_their_last_dimension() -> None:
    assert_coordinate_equivariant(spread, torch.randn(2, 3, 4))


@pytest.mark.parametrize("shift", [1.0, -30.0])
def test_any_shift(shift: float) -> None:
    assert_shift_invariant(spread, Y, shift=shift)
    with pytest.raises(AssertionError, match="shifted"):
        assert_shift_invariant(half_squared_error, Y, T, shift=shift)


@pytest.mark.parametrize(
    ("outputs", "error", "message"),
    [
        ((Y, Y), TypeError, "outputs must be one tensor here, got tuple"),
        (Y[:, 0], ValueError, r"outputs must have shape \(N, m\) or more, got a tensor"),
    ],
)
def test_coordinates_need_one_tensor(outputs: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        assert_coordinate_equivariant(spread, outputs)


def test_a_bad_shift() -> None:
    with pytest.raises(TypeError, match="shift must be a real number"):
        assert_shift_invariant(spread, Y, shift="1")
