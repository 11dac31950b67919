"""Gradients, coupling, curvature and one step, judged by NumPy and by losses known on paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from newton_optim import LossDerivatives
from newton_optim._checks import finite_rows
from newton_optim._diagnosis._landscape import (
    curvature_facts,
    gradient_facts,
    gradient_step_leaves,
    hessian_agreement,
    hessian_error,
    is_coupled,
    typical_size,
)
from tests.asserts import reference_step
from tests.diagnosis.losses import STIFFNESS, normal, normalised, probe_of, squared_distance, stiff
from tests.strategies import matrices, seeds


def counted(value: Tensor, gradient: Tensor, hessian: Tensor | None = None) -> LossDerivatives:
    """Derivatives whose samples that are not finite are left out."""
    found = LossDerivatives(value, gradient, hessian)
    found.leave_out(~finite_rows(gradient))
    return found


# --- Gradients --------------------------------------------------------------------------------


def test_lengths_of_gradients() -> None:
    lengths = torch.tensor([4.0, 1.0, 2.0, 3.0, 1000.0, 1e-3, torch.nan])
    g = lengths[:, None] * torch.tensor([[0.6, 0.8]])
    value = torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    facts = gradient_facts(counted(value, g), one_loss_a_sample=True)
    assert facts["nonfinite"] == pytest.approx(1 / 7)
    assert facts["median_gradient"] == pytest.approx(2.0)
    assert facts["longest_over_median"] == pytest.approx(500.0)
    assert facts["vanishing"] == pytest.approx(1 / 6)


def test_solved_samples_have_not_vanished() -> None:
    g = torch.tensor([[10.0], [20.0], [1e-6], [1e-6], [1e-6]])
    value = torch.tensor([5.0, 9.0, 1.0, 1.0, 8.0])  # Two at the lowest loss, one on a plateau.
    facts = gradient_facts(counted(value, g), one_loss_a_sample=True)
    assert facts["vanishing"] == pytest.approx(1 / 5)
    assert facts["longest_over_median"] == pytest.approx(2.0)  # Of 10, 20 and 1e-6.
    unknown = gradient_facts(counted(value, g), one_loss_a_sample=False)
    assert "vanishing" not in unknown
    assert unknown["longest_over_median"] == pytest.approx(2e7)


def test_losses_that_are_no_numbers() -> None:
    value = torch.tensor([1.0, torch.nan, 1.0])
    facts = gradient_facts(counted(value, torch.ones(3, 2)), one_loss_a_sample=True)
    assert facts["nonfinite"] == pytest.approx(1 / 3)
    assert facts["longest_over_median"] == 1.0
    none = gradient_facts(counted(value, torch.full((3, 2), torch.nan)), one_loss_a_sample=True)
    assert none == {"nonfinite": 1.0}


# --- Coupling ---------------------------------------------------------------------------------


@settings(max_examples=20)
@given(seeds, st.integers(2, 7))
def test_coupling(seed: int, n: int) -> None:
    y, t = (normal(seed + i, n, 3, dtype=torch.float64) for i in range(2))
    independent: list[Any] = [
        squared_distance,
        lambda y, t: squared_distance(y, t).mean(),
        lambda y, t: (y.softmax(dim=1) * t).sum(),
    ]
    coupled: list[Any] = [
        lambda y, t: (y.mean(dim=0) - t).square().mean(),
        lambda y, t: (y @ y.mT).logsumexp(dim=1).mean(),
        lambda y, t: y.flatten().cumsum(0).square().sum(),
    ]
    for x in (y, y.float()):
        assert [is_coupled(probe_of(f, x, t), x) for f in independent] == [False] * 3
    assert [is_coupled(probe_of(f, y, t), y) for f in coupled] == [True] * 3


def test_coupling_that_cannot_be_known() -> None:
    own = torch.Generator().manual_seed(0)

    def restless(y: Tensor) -> Tensor:
        noise = torch.rand(y.shape, generator=own, device="cpu").to(y)
        return (noise * y.square()).sum(dim=1)

    y = normal(0, 4, 3)
    assert is_coupled(probe_of(restless, y), y) is None
    assert is_coupled(probe_of(lambda y: y.square().sum(dim=1), y[:1]), y[:1]) is None
    assert is_coupled(probe_of(lambda y: (torch.rand_like(y) * y.sin()).sum(dim=1), y), y) is False


def test_batch_normalisation_couples() -> None:
    y, t = normal(0, 6, 3), normal(1, 6, 3)
    assert is_coupled(probe_of(normalised, y, t), y) is True


# --- One gradient step --------------------------------------------------------------------------


def leaves(loss: Any, y: Tensor, *args: Any) -> float | None:
    probe = probe_of(loss, y, *args)
    return gradient_step_leaves(probe, y, probe.derivatives(y))


@settings(max_examples=20)
@given(seeds, st.floats(1e-3, 1e3))
def test_a_step_solves_what_is_round_and_leaves_what_is_not(seed: int, scale: float) -> None:
    y, t = (normal(seed + i, 6, 5, dtype=torch.float64) for i in range(2))
    round_ = leaves(lambda y, t: scale * squared_distance(y, t), y, t)
    assert round_ is not None
    assert round_ < 1e-9
    found = leaves(lambda y, t: scale * stiff(y, t), y, t)
    a = np.array(STIFFNESS)
    d = (y - t).cpu().numpy()
    g = a * d
    rest = g - (g**2).sum() / (a * g**2).sum() * a * g
    assert found == pytest.approx(np.linalg.norm(rest) / np.linalg.norm(g), rel=1e-6)


def test_no_parabola() -> None:
    y = normal(0, 6, 3, dtype=torch.float64)
    assert leaves(lambda y: -y.square().sum(dim=1), y) is None
    assert leaves(lambda y: y.sum(dim=1), y) is None


def test_a_flight_to_a_plateau_solves_nothing() -> None:
    """The gradient is gone there, and the loss is not."""
    y = torch.tensor([[0.9]], dtype=torch.float64)
    found = leaves(lambda y: 1.0 - torch.exp(-y.square() / 2).sum(dim=1), y)
    assert found is not None
    assert found > 0.5


@pytest.mark.parametrize(
    ("entries", "size"), [([3.0, -4.0], 12.5**0.5), ([0.0], 1.0), ([torch.nan, 2.0], 2.0)]
)
def test_typical_size(entries: list[float], size: float) -> None:
    assert typical_size(torch.tensor(entries)) == pytest.approx(size)


# --- Curvature ----------------------------------------------------------------------------------


@settings(max_examples=30)
@given(matrices(kind="indefinite", n=6), seeds)
def test_signs_sizes_and_directions(H: Any, seed: int) -> None:
    g = np.random.default_rng(seed).normal(size=H.shape[:2])
    found = counted(torch.zeros(6), torch.tensor(g), torch.tensor(H))
    facts = curvature_facts(found)
    assert facts["negative_curvature"] == np.mean(np.linalg.eigvalsh(H).min(axis=1) < 0)
    sizes = np.abs(np.linalg.eigvalsh(H.mean(axis=0)))
    assert facts["condition"] == pytest.approx(sizes.max() / sizes.min(), rel=1e-6)
    assert facts["rank"] == H.shape[1]
    step = reference_step(g, H, eigenvalues="absolute", damping=0.1, relative=True)
    expected = (step * g).sum() / np.linalg.norm(step) / np.linalg.norm(g)
    assert facts["newton_cosine"] == pytest.approx(expected, abs=1e-9)


def test_samples_without_a_finite_gradient_do_not_count() -> None:
    H = torch.diag_embed(torch.tensor([[1.0, 2.0], [-1.0, -1.0], [3.0, 2.0]]))
    g = torch.tensor([[1.0, 1.0], [torch.nan, 1.0], [1.0, 1.0]])
    facts = curvature_facts(counted(torch.zeros(3), g, H))
    assert facts["negative_curvature"] == 0.0
    assert facts["condition"] == pytest.approx(1.0)


def test_rounding_is_no_negative_curvature_and_no_rank() -> None:
    """The softmax cross-entropy of saturated samples: rank m - 1, not indefinite."""
    y = 10.0 * normal(0, 64, 5, dtype=torch.float64)
    probe = probe_of(lambda y: torch.logsumexp(y, dim=1) - y[:, 0], y)
    facts = curvature_facts(probe.hessian(y))
    assert (facts["negative_curvature"], facts["rank"]) == (0.0, 4)
    flat = curvature_facts(counted(torch.zeros(3), torch.ones(3, 2), torch.zeros(3, 2, 2)))
    assert (flat["rank"], flat["condition"], flat["negative_curvature"]) == (0, None, 0.0)


def test_hessian_error() -> None:
    class Wrong:
        def __call__(self, y: Tensor) -> Tensor:
            return y.square().sum(dim=1)

        def derivatives(self, y: Tensor) -> LossDerivatives:
            factor = 2.0 if y.dtype == torch.float64 else 3.0
            H = factor * torch.eye(2, dtype=y.dtype).expand(len(y), 2, 2)
            return LossDerivatives(self(y), 2 * y, H)

    y = normal(0, 4, 2)
    assert hessian_error(probe_of(Wrong(), y)) == pytest.approx(0.5)
    assert hessian_error(probe_of(lambda y: y.square().sum(dim=1), y)) == 0.0
    assert hessian_error(probe_of(lambda y: y.abs().sum(dim=1), y)) == 0.0  # 0 against 0


def test_hessian_agreement() -> None:
    def noisy(y: Tensor, signal: float) -> Tensor:
        noise = torch.randn(*y.shape, y.shape[1], device="cpu", dtype=torch.float64).to(y)
        A = (noise + noise.mT) / 2 + signal * torch.eye(y.shape[1], dtype=y.dtype)
        return torch.einsum("ni,nij,nj->n", y, A, y)

    y = normal(0, 200, 4, dtype=torch.float64)
    # E tr(A A') / E tr(A²): 4 s² against 4 s² + 16/2 + 4/2.
    for signal in (0.0, 1.0, 10.0):
        expected = 4 * signal**2 / (4 * signal**2 + 10)
        assert hessian_agreement(probe_of(noisy, y, signal), y) == pytest.approx(expected, abs=0.1)
