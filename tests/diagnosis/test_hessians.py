"""Signs, sizes and directions of Hessians, judged by NumPy and by losses known on paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from newton_optim import LossDerivatives
from newton_optim._diagnosis import _hessians
from newton_optim._diagnosis._hessians import (
    Hessians,
    hessian_agreement,
    hessian_error,
    hessians,
    signs_and_sizes,
)
from newton_optim._diagnosis._probe import SecondDerivatives
from tests.asserts import reference_step
from tests.diagnosis.losses import normal, probe_of, squared_distance
from tests.strategies import matrices, seeds


def derivatives(gradient: Tensor, hessian: Tensor) -> SecondDerivatives:
    """Derivatives whose samples that are not finite are left out."""
    kept = gradient.isfinite().all(dim=1)
    return SecondDerivatives(torch.zeros(len(gradient)), gradient, kept, hessian)


@settings(max_examples=30)
@given(matrices(kind="indefinite", n=6), seeds)
def test_signs_sizes_and_directions(H: Any, seed: int) -> None:
    g = np.random.default_rng(seed).normal(size=H.shape[:2])
    found = signs_and_sizes(derivatives(torch.tensor(g), torch.tensor(H)))
    assert found.negative_curvature == np.mean(np.linalg.eigvalsh(H).min(axis=1) < 0)
    sizes = np.abs(np.linalg.eigvalsh(H.mean(axis=0)))
    assert found.condition == pytest.approx(sizes.max() / sizes.min(), rel=1e-6)
    assert found.rank == H.shape[1]
    step = reference_step(g, H, eigenvalues="absolute", damping=0.1, relative=True)
    expected = (step * g).sum() / np.linalg.norm(step) / np.linalg.norm(g)
    assert found.newton_cosine == pytest.approx(expected, abs=1e-9)


def test_samples_without_a_finite_gradient_do_not_count() -> None:
    H = torch.diag_embed(torch.tensor([[1.0, 2.0], [-1.0, -1.0], [3.0, 2.0]]))
    g = torch.tensor([[1.0, 1.0], [torch.nan, 1.0], [1.0, 1.0]])
    found = signs_and_sizes(derivatives(g, H))
    assert found.negative_curvature == 0.0
    assert found.condition == pytest.approx(1.0)


def test_rounding_is_no_negative_curvature_and_no_rank() -> None:
    """The softmax cross-entropy of saturated samples: rank m - 1, not indefinite."""
    y = 10.0 * normal(0, 64, 5, dtype=torch.float64)
    probe = probe_of(lambda y: torch.logsumexp(y, dim=1) - y[:, 0], y)
    found = signs_and_sizes(probe.second_derivatives(y))
    assert (found.negative_curvature, found.rank) == (0.0, 4)
    flat = signs_and_sizes(derivatives(torch.ones(3, 2), torch.zeros(3, 2, 2)))
    assert (flat.rank, flat.condition, flat.negative_curvature) == (0, None, 0.0)


class TwiceInFloat32:
    """`‖y‖²` with float32 Hessians that are 1.5 times those of float64."""

    def __call__(self, y: Tensor) -> Tensor:
        return y.square().sum(dim=1)

    def derivatives(self, y: Tensor) -> LossDerivatives:
        factor = 2.0 if y.dtype == torch.float64 else 3.0
        H = factor * torch.eye(2, dtype=y.dtype).expand(len(y), 2, 2)
        return LossDerivatives(self(y), 2 * y, H)


def test_hessian_error() -> None:
    y = normal(0, 4, 2)
    assert hessian_error(probe_of(TwiceInFloat32(), y)) == pytest.approx(0.5)
    assert hessian_error(probe_of(lambda y: y.square().sum(dim=1), y)) == 0.0
    assert hessian_error(probe_of(lambda y: y.abs().sum(dim=1), y)) == 0.0  # 0 against 0
    assert hessian_error(probe_of(lambda y: (y @ torch.ones(2, 2)).sin().sum(dim=1), y)) is None


def noisy(y: Tensor, signal: float) -> Tensor:
    """`yᵀ A y` with another random A per sample, around ``signal`` times the identity."""
    noise = torch.randn(*y.shape, y.shape[1], device="cpu", dtype=torch.float64).to(y)
    A = (noise + noise.mT) / 2 + signal * torch.eye(y.shape[1], dtype=y.dtype)
    return torch.einsum("ni,nij,nj->n", y, A, y)


@pytest.mark.parametrize("signal", [0.0, 1.0, 10.0])
def test_hessian_agreement(signal: float) -> None:
    """`E tr(A A') / E tr(A²)`: 4 s² over 4 s² + 16/2 + 4/2."""
    y = normal(0, 200, 4, dtype=torch.float64)
    probe = probe_of(noisy, y, signal)
    found = hessian_agreement(probe, y, probe.second_derivatives(y).hessian)
    assert found == pytest.approx(4 * signal**2 / (4 * signal**2 + 10), abs=0.1)


def test_only_what_is_asked_for_is_compared() -> None:
    y, t = normal(0, 4, 2), normal(1, 4, 2)
    probe = probe_of(squared_distance, y, t)
    known: dict[str, Any] = {"is_coupled": False, "is_random": False}
    plain = hessians(probe, y, **known, judged=False)
    assert (plain.hessian_error, plain.hessian_agreement) == (None, None)
    assert (plain.rank, plain.notes) == (2, ())
    judged = hessians(probe, y, **known, judged=True)
    assert judged == Hessians(**vars(plain) | {"hessian_error": 0.0})
    random = hessians(probe, y, **known | {"is_random": True}, judged=False)
    assert random.hessian_agreement == pytest.approx(1.0)


def test_what_is_not_computed_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    y, t = normal(0, 8, 3), normal(1, 8, 3)
    probe = probe_of(squared_distance, y, t)
    coupled = hessians(probe, y, is_coupled=True, is_random=False, judged=True)
    assert coupled == Hessians(notes=("curvature per sample: the samples are coupled.",))
    for entries, computed in ((8 * 9, True), (8 * 9 - 1, False)):
        monkeypatch.setattr(_hessians, "MAX_ENTRIES", entries)
        found = hessians(probe, y, is_coupled=False, is_random=False, judged=True)
        assert (found.rank is not None) == computed
        assert any("8 Hessians of shape (3, 3) are too large" in n for n in found.notes) != computed
