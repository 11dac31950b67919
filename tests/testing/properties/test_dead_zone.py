"""A gradient that is cut off is seen; one that fades, and one at the minimum, are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from newton_optim.testing import assert_no_dead_zone

Y = torch.tensor([[50.0, -1.0], [0.3, 0.2]])


@pytest.mark.parametrize(
    "loss",
    [
        lambda y: y.sigmoid().sum(-1),  # Fades to zero by rounding.
        lambda y: (1 - y[:, 0]).clamp(min=0.0),  # Zero is its least.
        lambda y: -y.abs().amin(-1).clamp(max=0.0) + y.square().sum(-1),
        lambda y: y.square().amin(-1),
        lambda y: F.relu(y[:, 0] - 60.0).square(),
        lambda y: torch.ones_like(y[:, 0]) + 0.0 * y[:, 0],
    ],
)
def test_right_losses(loss: Callable[[Tensor], Tensor]) -> None:
    assert_no_dead_zone(loss, Y)


@pytest.mark.parametrize(
    ("loss", "samples"),
    [
        (lambda y: y[:, 0].clamp(max=10.0), 1),
        (lambda y: y.square().sum(-1).clamp(max=4.0), 1),
        (lambda y: y.round().sum(-1), 2),  # No gradient anywhere, and not constant.
    ],
)
@pytest.mark.parametrize("mean", [False, True])
def test_dead_zones(loss: Callable[[Tensor], Tensor], samples: int, mean: bool) -> None:
    with pytest.raises(AssertionError, match=rf"without a gradient: {samples}\)"):
        assert_no_dead_zone(lambda y: loss(y).mean() if mean else loss(y), Y)


def test_the_target_shows_that_there_is_a_lower_loss() -> None:
    """The well is neither on the way to zero nor at the other samples."""

    def well(y: Tensor, t: Tensor) -> Tensor:
        return (y - t).square().sum(-1).clamp(max=1.0)

    y, t = torch.tensor([[5.0, 5.0]]), torch.tensor([[50.0, 5.0]])
    with pytest.raises(AssertionError, match=r"the loss is lower at \[50, 5\]"):
        assert_no_dead_zone(well, y, t)


def test_outputs_at_which_the_loss_is_not_defined_are_left_out() -> None:
    def above_one(y: Tensor) -> Tensor:
        if bool((y < 1).any()):
            raise ValueError("below 1")
        return y[:, 0].clamp(max=3.0)

    y = torch.tensor([[2.0], [3.5]])
    with pytest.raises(AssertionError, match="lower"):
        assert_no_dead_zone(above_one, y)
