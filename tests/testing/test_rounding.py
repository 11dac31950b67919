"""The bound allows what the condition of a problem amplifies, and little more."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from newton_optim.testing import assert_float32_matches_float64, strategies
from newton_optim.testing._case import Case
from newton_optim.testing._quantities import gradient
from newton_optim.testing._rounding import EPS, ROUNDINGS, Surroundings


@settings(max_examples=20)
@given(strategies.outputs(m=3, samples=2))
def test_what_the_condition_amplifies_is_not_the_fault_of_the_loss(y: Tensor) -> None:
    """The phase of the wave is rounded: float32 is wrong by a thousandth, and cannot be better."""
    assert_float32_matches_float64(lambda y: (31415 * y).sin().sum(-1), y + 1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_quadratic_may_round_a_thousand_times(dtype: torch.dtype) -> None:
    y = torch.tensor([[3.0, 4.0], [30.0, 40.0]])
    case = Case.checked(lambda y: y.square().sum(-1) / 2, y, (), "mean")
    bound = Surroundings.of(case, dtype).rounding(gradient) / (ROUNDINGS * EPS[dtype])
    # Its size, plus how far the gradient y moves when both outputs move by themselves: twice that.
    assert torch.allclose(bound, 2 * case.y.norm(dim=1), rtol=0.1)


def test_the_size_is_the_largest_on_the_way_to_zero() -> None:
    """A sigmoid is flat far out and has a slope of 1/4 at zero."""
    case = Case.checked(lambda y: y.sigmoid().sum(-1), torch.tensor([[40.0]]), (), "mean")
    size = float(Surroundings.of(case).size(gradient))
    assert 0.2 < size < 0.25
    assert float(gradient(case)) < 1e-15


def test_outputs_at_which_the_loss_is_not_defined_do_not_count() -> None:
    def above_one(y: Tensor) -> Tensor:
        if bool((y < 1).any()):
            raise ValueError("below 1")
        return y.square().sum(-1)

    case = Case.checked(above_one, torch.tensor([[2.0]]), (), "mean")
    assert float(Surroundings.of(case).size(gradient)) == pytest.approx(4.0)
