"""The absolute value of a matrix by products, against the eigenvalues it was made of."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from newton_optim.curvature._polar import absolute_value, has_polar_factor

SPECTRA: dict[str, Callable[[Tensor], Tensor]] = {
    "indefinite": lambda w: w,
    "positive": Tensor.abs,
    "nearly singular": lambda w: torch.where(torch.arange(len(w)) % 2 == 0, 1e-9 * w, w),
    "singular": lambda w: torch.where(torch.arange(len(w)) == 0, 0.0, w),
    "clustered": lambda w: w.sign() * (1 + 1e-9 * w),
    "over 16 powers of ten": lambda w: w.sign() * 10 ** (-16 * torch.linspace(0, 1, len(w))),
    "tiny": lambda w: 1e-30 * w,
    "huge": lambda w: 1e30 * w,
    "zero": torch.zeros_like,
}


def matrix_of(name: str, m: int) -> tuple[Tensor, Tensor]:
    """A matrix with these eigenvalues, and its absolute value, in float64."""
    Q, _ = torch.linalg.qr(torch.randn(m, m, dtype=torch.float64))
    w = SPECTRA[name](torch.randn(m, dtype=torch.float64))
    C, size = (Q * w) @ Q.mT, (Q * w.abs()) @ Q.mT
    return (C + C.mT) / 2, size


@pytest.mark.parametrize("m", [1, 2, 5, 15, 144])
@pytest.mark.parametrize("name", SPECTRA)
def test_it_is_right_to_the_rounding_of_float32(name: str, m: int) -> None:
    C = matrix_of(name, m)[0].float()
    w, Q = torch.linalg.eigh(C.double())
    expected = (Q * w.abs()) @ Q.mT
    error = (absolute_value(C) - expected).norm() / expected.norm().clamp(min=1e-300)
    assert error < 0.1 * torch.finfo(torch.float32).eps


@pytest.mark.parametrize("m", [1, 2, 5, 15, 144])
@pytest.mark.parametrize("name", SPECTRA)
def test_it_is_as_right_as_eigenvalues_in_float64(name: str, m: int) -> None:
    C, expected = matrix_of(name, m)
    error = (absolute_value(C) - expected).norm() / expected.norm().clamp(min=1e-300)
    assert error < 3 * (m + 4) ** 0.5 * torch.finfo(torch.float64).eps


def test_matrices_of_a_batch_do_not_touch_each_other() -> None:
    stack = torch.stack([matrix_of(name, 4)[0] for name in ("huge", "zero", "tiny", "indefinite")])
    found = absolute_value(stack)
    for C, size in zip(stack, found, strict=True):
        torch.testing.assert_close(size, absolute_value(C), rtol=1e-13, atol=0.0)
        assert torch.equal(size, size.mT)


def test_it_is_for_devices_that_have_float64() -> None:
    found = {name: has_polar_factor(torch.device(name)) for name in ("cpu", "cuda", "mps")}
    assert found == {"cpu": False, "cuda": True, "mps": False}
