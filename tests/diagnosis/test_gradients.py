"""Lengths of gradients, judged by losses and gradients made up for it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from newton_optim._diagnosis._gradients import Gradients, fisher_damping, gradients
from newton_optim._diagnosis._probe import Derivatives


def derivatives(value: Tensor, gradient: Tensor) -> Derivatives:
    """Derivatives whose samples that are not finite are left out."""
    kept = gradient.isfinite().all(dim=1)
    return Derivatives(value, torch.where(kept[:, None], gradient, 0.0), kept)


def test_lengths() -> None:
    lengths = torch.tensor([4.0, 1.0, 2.0, 3.0, 1000.0, 1e-3, torch.nan])
    g = lengths[:, None] * torch.tensor([[0.6, 0.8]])
    found = gradients(derivatives(torch.ones(7), g), loss_per_sample=True)
    assert found.nonfinite == pytest.approx(1 / 7)
    assert found.median_gradient == pytest.approx(2.0)
    assert found.longest_over_median == pytest.approx(500.0)
    assert found.vanishing == pytest.approx(1 / 6)


def test_solved_samples_have_not_vanished() -> None:
    g = torch.tensor([[10.0], [20.0], [1e-6], [1e-6], [1e-6]])
    value = torch.tensor([5.0, 9.0, 1.0, 1.0, 8.0])  # Two at the lowest loss, one on a plateau.
    found = gradients(derivatives(value, g), loss_per_sample=True)
    assert found.vanishing == pytest.approx(1 / 5)
    assert found.longest_over_median == pytest.approx(2.0)  # Of 10, 20 and 1e-6.
    assert found.notes == ()


def test_a_0_dim_loss_does_not_show_which_samples_are_solved() -> None:
    g = torch.tensor([[10.0], [20.0], [1e-6], [1e-6], [1e-6]])
    found = gradients(derivatives(torch.ones(5), g), loss_per_sample=False)
    assert found.vanishing is None
    assert found.longest_over_median == pytest.approx(2e7)
    assert len(found.notes) == 1
    assert "a loss of shape (N,)" in found.notes[0]


def test_losses_that_are_no_numbers() -> None:
    value = torch.tensor([1.0, torch.nan, 1.0])
    found = gradients(derivatives(value, torch.ones(3, 2)), loss_per_sample=True)
    assert found.nonfinite == pytest.approx(1 / 3)
    assert found.longest_over_median == 1.0
    assert found.vanishing is None


def test_no_finite_gradient() -> None:
    found = gradients(
        derivatives(torch.ones(3), torch.full((3, 2), torch.nan)), loss_per_sample=True
    )
    assert found == Gradients(nonfinite=1.0)


@pytest.mark.parametrize(
    ("median", "damping"),
    [(2.0, 4.0), (0.123, 0.02), (31.0, 1000.0), (0.0, 1.0), (None, 1.0), (1e200, 1.0)],
)
def test_fisher_damping(median: float | None, damping: float) -> None:
    assert fisher_damping(median) == damping
