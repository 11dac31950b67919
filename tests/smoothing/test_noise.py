from __future__ import annotations

import mpmath
import numpy as np
import pytest
import scipy.stats
import torch
from torch import Tensor

from newton_optim.smoothing._noise import NOISES, noise_named, standard_noise
from tests.asserts import as_float64, assert_close
from tests.settings import DEVICE

DISTRIBUTIONS = {
    "gaussian": scipy.stats.norm,
    "logistic": scipy.stats.logistic,
    "gumbel": scipy.stats.gumbel_r,
    "cauchy": scipy.stats.cauchy,
}
LOG_DENSITIES = {
    "gaussian": lambda e: -(e**2) / 2,
    "logistic": lambda e: -e - 2 * mpmath.log(1 + mpmath.exp(-e)),
    "gumbel": lambda e: -e - mpmath.exp(-e),
    "cauchy": lambda e: -mpmath.log(1 + e**2),
}
every = pytest.mark.parametrize("name", NOISES)
POINTS = [-30.0, -4.0, -0.7, 0.0, 1e-3, 0.4, 3.0, 30.0]


def drawn(name: str, y: Tensor, num_samples: int = 1, *, antithetic: bool = False) -> Tensor:
    generator = torch.Generator(y.device).manual_seed(0)
    return standard_noise(
        noise_named(name), y, num_samples, generator=generator, antithetic=antithetic
    )


def test_there_is_a_distribution_for_every_noise() -> None:
    assert set(DISTRIBUTIONS) == set(LOG_DENSITIES) == set(NOISES)


@every
def test_derivatives_of_the_potential_in_many_digits(name: str) -> None:
    noise = noise_named(name)
    points = torch.tensor(POINTS, dtype=torch.float64, device=DEVICE)
    first = torch.func.vmap(torch.func.grad(noise.potential))
    second = torch.func.vmap(torch.func.grad(torch.func.grad(noise.potential)))
    with mpmath.workdps(40):
        slopes, curvatures = (
            np.array([float(-mpmath.diff(LOG_DENSITIES[name], e, n)) for e in POINTS])
            for n in (1, 2)
        )
    for found, by_autograd, expected in (
        (noise.slope(points), first(points), slopes),
        (noise.curvature(points), second(points), curvatures),
    ):
        np.testing.assert_allclose(as_float64(found), expected, rtol=1e-13)
        scale = np.maximum(1.0, np.abs(expected))
        assert_close(as_float64(by_autograd) / scale, expected / scale)


@every
def test_is_symmetric_or_not(name: str) -> None:
    noise = noise_named(name)
    e = torch.linspace(-3.0, 3.0, 7, dtype=torch.float64)
    is_even = torch.allclose(noise.potential(e), noise.potential(-e))
    assert is_even == noise.is_symmetric


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_samples_have_the_distribution(name: str, dtype: torch.dtype) -> None:
    samples = drawn(name, torch.empty(4000, 2, dtype=dtype), 3)
    assert (samples.shape, samples.dtype) == ((3, 4000, 2), dtype)
    assert samples.isfinite().all()
    for column in as_float64(samples).reshape(3, 4000, 2).transpose(0, 2, 1).reshape(6, 4000):
        assert scipy.stats.kstest(column, DISTRIBUTIONS[name].cdf).pvalue > 1e-4


@pytest.mark.parametrize("name", [n for n in NOISES if noise_named(n).is_symmetric])
def test_antithetic_samples_are_mirrored(name: str) -> None:
    samples = drawn(name, torch.empty(5, 2), 6, antithetic=True)
    assert samples.shape == (6, 5, 2)
    assert torch.equal(samples[:3], -samples[3:])
    assert len(samples[:3].unique()) == 30


def test_the_noise_of_one_device_moves_to_the_other() -> None:
    y = torch.empty(3, 2)
    generator = torch.Generator("cpu").manual_seed(0)
    samples = standard_noise(noise_named("gaussian"), y, 4, generator=generator)
    assert samples.device == y.device
    again = torch.Generator("cpu").manual_seed(0)
    expected = torch.empty(4, 3, 2, device="cpu").normal_(generator=again)
    assert torch.equal(samples.cpu(), expected)


def test_other_errors_of_torch_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(*args: object, **options: object) -> None:
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(Tensor, "new_empty", out_of_memory)
    with pytest.raises(torch.OutOfMemoryError):
        standard_noise(noise_named("gaussian"), torch.zeros(2, 2), 1, generator=None)
