"""One gradient step, judged by NumPy on quadratics and by losses known on paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim._diagnosis._gradient_step import GradientStep, gradient_step
from tests.diagnosis.losses import STIFFNESS, normal, probe_of, squared_distance, stiff
from tests.strategies import seeds


def step(loss: Any, y: Tensor, *args: Any) -> GradientStep:
    probe = probe_of(loss, y, *args)
    return gradient_step(probe, y, probe.derivatives(y))


@settings(max_examples=20)
@given(seeds, st.floats(1e-3, 1e3))
def test_a_step_solves_what_is_round_and_leaves_what_is_not(seed: int, scale: float) -> None:
    y, t = (normal(seed + i, 6, 5, dtype=torch.float64) for i in range(2))
    round_ = step(lambda y, t: scale * squared_distance(y, t), y, t)
    assert round_.solved_by_one_gradient_step is True
    assert round_.gradient_step_leaves is not None
    assert round_.gradient_step_leaves < 1e-9
    found = step(lambda y, t: scale * stiff(y, t), y, t)
    a = np.array(STIFFNESS)
    d = (y - t).cpu().numpy()
    g = a * d
    rest = g - (g**2).sum() / (a * g**2).sum() * a * g
    expected = np.linalg.norm(rest) / np.linalg.norm(g)
    assert found.gradient_step_leaves == pytest.approx(expected, rel=1e-6)
    assert found.solved_by_one_gradient_step is bool(expected < 0.01)


@pytest.mark.parametrize(("stretch", "solved"), [(1.018, True), (1.022, False)])
def test_the_threshold_is_one_percent(stretch: float, solved: bool) -> None:
    """Of `½(a u² + b v²)` at `u = b, v = a`, a step leaves `(b - a) / (a + b)` of the gradient."""
    a = torch.tensor([1.0, stretch], dtype=torch.float64)
    found = step(lambda y: 0.5 * (a.to(y) * y.square()).sum(dim=1), 1.0 / a[None])
    assert found.gradient_step_leaves == pytest.approx((stretch - 1) / (stretch + 1), rel=1e-3)
    assert found.solved_by_one_gradient_step is solved


@pytest.mark.parametrize(
    "loss", [lambda y: -y.square().sum(dim=1), lambda y: y.sum(dim=1)], ids=["concave", "linear"]
)
def test_no_parabola(loss: Any) -> None:
    found = step(loss, normal(0, 6, 3, dtype=torch.float64))
    assert found == GradientStep(solved_by_one_gradient_step=False, gradient_step_leaves=None)


def test_a_flight_to_a_plateau_solves_nothing() -> None:
    """The gradient is gone there, and the loss is not."""
    y = torch.tensor([[0.9]], dtype=torch.float64)
    found = step(lambda y: 1.0 - torch.exp(-y.square() / 2).sum(dim=1), y)
    assert found.gradient_step_leaves is not None
    assert found.gradient_step_leaves > 0.5
    assert found.solved_by_one_gradient_step is False


def test_a_step_out_of_the_domain_solves_nothing() -> None:
    def within(y: Tensor) -> Tensor:
        if y.min() < 0.5:
            raise RuntimeError("outside")
        return y.square().sum(dim=1)

    assert step(within, torch.ones(2, 2)).solved_by_one_gradient_step is False
