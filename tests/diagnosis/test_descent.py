"""Ten steps on the outputs: who gets lowest, and what it means."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from newton_optim import EmpiricalFisher, Hessian, Identity, LossDerivatives
from newton_optim._diagnosis._descent import STEPS, Descent, choices_for, descent
from newton_optim.curvature._damping import Damping
from newton_optim.curvature._solve import Solution
from tests.diagnosis.losses import normal, plateau, probe_of, squared_distance, stiff, waves

CHOICES = choices_for(hessian=True, residuals=False, fisher_damping=1.0)


def test_the_hessian_gets_lowest_on_a_stiff_quadratic() -> None:
    y, t = (normal(i, 16, 5, dtype=torch.float64) for i in range(2))
    found = descent(probe_of(stiff, y, t), y, CHOICES).descent
    assert list(found) == list(CHOICES)
    assert min(found["hessian"], found["hessian per sample"]) == 0.0
    assert found["hessian"] < 0.1 * found["gradient"] < 1.0


def test_the_share_is_of_the_way_to_the_lowest() -> None:
    """One step from 8 to 0 with the Hessian; none at all where there is no step."""

    class Still(Identity):
        def solve(self, derivatives: LossDerivatives, damping: Damping) -> Solution:
            return Solution(0.0 * derivatives.gradient)

    y = torch.full((3, 1), 4.0)
    loss = probe_of(lambda y: y.square().sum(dim=1) / 2, y)
    found = descent(loss, y, {"still": (Still(), None), "hessian": (Hessian(), 0.0)})
    left = {"still": 1.0, "hessian": 0.0}
    assert found == Descent(descent=left, first_step=left)
    assert descent(loss, y, {"still": (Still(), None)}) == Descent()


def test_the_loss_never_rises() -> None:
    for loss in (waves, plateau):
        y = normal(0, 16, 5, dtype=torch.float64)
        found = descent(probe_of(loss, y), y, CHOICES).descent
        assert min(found.values()) == 0.0
        assert max(found.values()) <= 1.0


def test_each_choice_takes_ten_steps() -> None:
    asked = 0

    def counting(y: Tensor) -> Tensor:
        nonlocal asked
        asked += y.requires_grad
        return (y - 1.0).abs().pow(1.5).sum(dim=1)

    y = normal(0, 4, 3)
    descent(probe_of(counting, y), y, {"gradient": (Identity(), None)})
    assert asked == STEPS


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_no_matter_how_the_loss_and_the_outputs_are_scaled(scale: float) -> None:
    y, t = (normal(i, 16, 5, dtype=torch.float64) for i in range(2))
    choices = {name: CHOICES[name] for name in ("gradient", "hessian")}
    expected = descent(probe_of(stiff, y, t), y, choices).descent
    scaled = probe_of(lambda y: scale * stiff(y / scale, t), scale * y)
    found = descent(scaled, scale * y, choices).descent
    assert found == pytest.approx(expected, rel=1e-6)


def test_lengths_that_leave_the_domain_are_passed_over() -> None:
    """The step's own length is the first that is tried, and gives NaN."""

    def within(y: Tensor) -> Tensor:
        return torch.where(y.abs() > 1.0, torch.nan, 50.0 * (y - 0.3).square()).sum(dim=1)

    y = torch.zeros(3, 2)
    found = descent(probe_of(within, y), y, {"gradient": CHOICES["gradient"]})
    assert found.descent == {"gradient": 0.0}


def test_losses_that_are_no_numbers() -> None:
    def within(y: Tensor) -> Tensor:
        if y.abs().max() > 3.0:
            raise RuntimeError("outside")
        return (y + 1.0).log().neg().sum(dim=1)

    y = torch.zeros(4, 2)
    found = descent(probe_of(within, y), y, CHOICES).descent
    assert min(found.values()) == 0.0
    nowhere = probe_of(lambda y: y.square().sum(dim=1) * torch.nan, y)
    assert descent(nowhere, y, CHOICES) == Descent()


@pytest.mark.parametrize(("slowest_ms", "too_slow"), [(187.4, False), (187.6, True)])
def test_what_would_take_more_than_a_minute_is_left_out(slowest_ms: float, too_slow: bool) -> None:
    """Ten steps of four choices, with eight evaluations each: 60 s / 320 = 187.5 ms."""
    y, t = normal(0, 4, 3), normal(1, 4, 3)
    found = descent(probe_of(squared_distance, y, t), y, CHOICES, slowest_ms=slowest_ms)
    assert (found.descent == {}) == too_slow
    assert any("too slow" in note for note in found.notes) == too_slow


def test_choices() -> None:
    names = ["gradient", "fisher", "hessian", "hessian per sample"]
    assert list(CHOICES) == names
    fewest = choices_for(hessian=False, residuals=False, fisher_damping=3.0)
    assert list(fewest) == names[:2]
    most = choices_for(hessian=True, residuals=True, fisher_damping=3.0)
    assert list(most) == [*names, "gauss-newton"]
    curvature, damping = fewest["fisher"]
    assert (type(curvature), damping) == (EmpiricalFisher, 3.0)
