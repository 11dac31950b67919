"""Smoothed black boxes with fixed noise, and Eq. 13 to 16 of the paper written out in loops."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from newton_optim import LossDerivatives
from newton_optim.smoothing import FenchelYoungLoss, StochasticSmoothing
from tests.asserts import as_float64
from tests.settings import DEVICE
from tests.strategies import Array, seeds

SYMMETRIC = ("gaussian", "logistic", "cauchy")
NOISES = (*SYMMETRIC, "gumbel")

CONTROL_VARIATES = (True, False, "leave_one_out")


def potential_derivatives(noise: str, e: Array) -> tuple[Array, Array]:
    """ν' and ν'' by hand."""
    if noise == "gaussian":
        return e, np.ones_like(e)
    if noise == "gumbel":
        return 1.0 - np.exp(-e), np.exp(-e)
    if noise == "cauchy":
        return 2.0 * e / (1.0 + e**2), 2.0 / (1.0 + e**2) - 4.0 * e**2 / (1.0 + e**2) ** 2
    small = np.exp(-e)
    return (1.0 - small) / (1.0 + small), 2.0 * small / (1.0 + small) ** 2


def rough(x: Array, t: Array) -> Array:
    """A function of rows `(B, *event)` with steps and kinks, and of one number `t` a row."""
    flat = x.reshape(len(x), -1)
    weights = np.arange(1.0, flat.shape[1] + 1.0)
    values: Array = np.floor(flat @ weights + t) + np.abs(flat).max(axis=1) * np.sign(flat[:, 0])
    return values


def rough_box(x: Tensor, t: Tensor) -> Tensor:
    """The same for tensors; it leaves PyTorch on the way."""
    return torch.from_numpy(rough(as_numpy(x), as_numpy(t)))


def as_numpy(x: Tensor) -> Array:
    """For which a tensor must be plain: neither wrapped nor with a graph."""
    array: Array = x.cpu().numpy()
    return array


def sign(x: Tensor) -> Tensor:
    """The sum of the signs of a row."""
    return x.sign().sum(-1)


def best(theta: Tensor) -> Tensor:
    """The one-hot argmax over the whole event; it leaves PyTorch and gives booleans."""
    flat = as_numpy(theta).reshape(len(theta), -1)
    hot = np.arange(flat.shape[1]) == flat.argmax(axis=1)[:, None]
    return torch.from_numpy(hot.reshape(theta.shape))


def worst(theta: Tensor) -> Tensor:
    """The one-hot argmin."""
    return best(-theta)


def smoothed(function: Any = sign, **options: Any) -> StochasticSmoothing:
    """A smoothing with options that are good."""
    return StochasticSmoothing(function, **{"sigma": 0.5, "num_samples": 4, **options})


def loss(solver: Any = best, **options: Any) -> FenchelYoungLoss:
    """A Fenchel-Young loss with options that are good."""
    return FenchelYoungLoss(solver, **{"sigma": 0.5, "num_samples": 4, **options})


class Case(NamedTuple):
    """A smoothing of `rough_box` (unless replaced), where, its argument, and the noise."""

    options: dict[str, Any]
    y: Tensor
    t: Tensor
    noise: Tensor

    @property
    def smoothed(self) -> StochasticSmoothing:
        return StochasticSmoothing(rough_box, **self.options)


@st.composite
def cases(
    draw: st.DrawFn, *, noises: tuple[str, ...] = NOISES, dtype: torch.dtype = torch.float64
) -> Case:
    """All options that go together; up to 3 samples of up to 4 numbers, up to 6 noise samples."""
    rng = np.random.default_rng(draw(seeds))
    noise = draw(st.sampled_from(noises))
    antithetic = noise in SYMMETRIC and draw(st.booleans())
    control_variate = draw(st.sampled_from(CONTROL_VARIATES))
    step = 2 if antithetic else 1
    least = 2 * step if control_variate == "leave_one_out" else step
    options = {
        "sigma": draw(st.sampled_from([0.05, 0.5, 3.0])),
        "num_samples": draw(st.integers(least // step, 6 // step)) * step,
        "noise": noise,
        "control_variate": control_variate,
        "antithetic": antithetic,
    }
    shape = (draw(st.integers(1, 3)), *draw(st.sampled_from([(), (1,), (3,), (2, 2)])))
    y, t = rng.normal(size=shape), rng.normal(size=shape[0])
    samples = rng.normal(size=(options["num_samples"], *shape))
    if antithetic:
        half = options["num_samples"] // 2
        samples[half:] = -samples[:half]
    tensors = (torch.tensor(x, dtype=dtype, device=DEVICE) for x in (y, t, samples))
    return Case(options, *tensors)


def excesses(case: Case, i: int) -> list[float]:
    """`f(y + σ ε_s) - b_s` of sample i: b is nothing, `f(y)`, or the mean of the others."""
    options, S = case.options, case.options["num_samples"]
    y, t = as_float64(case.y[i : i + 1]), as_float64(case.t[i : i + 1])
    f = [rough(y + options["sigma"] * as_float64(e[i : i + 1]), t)[0] for e in case.noise]
    if options["control_variate"] is not True:
        if not options["control_variate"]:
            return f
        mirror = S // 2 if options["antithetic"] else S
        return [
            f[s] - np.mean([f[k] for k in range(S) if k not in {s, (s + mirror) % S}])
            for s in range(S)
        ]
    return [value - rough(y, t)[0] for value in f]


def estimators(case: Case) -> tuple[Array, Array, Array]:
    """The value, and Eq. 15 and 16, sample by sample: shapes `(N,)`, `(N, m)`, `(N, m, m)`."""
    options, sigma, S = case.options, case.options["sigma"], case.options["num_samples"]
    results = []
    for i in range(len(case.y)):
        y, t = as_float64(case.y[i : i + 1]), as_float64(case.t[i : i + 1])
        noise = [as_float64(case.noise[s, i]).ravel() for s in range(S)]
        value = np.mean([rough(y + sigma * e.reshape(y.shape), t)[0] for e in noise])
        g, H = np.zeros(y.size), np.zeros((y.size, y.size))
        for e, excess in zip(noise, excesses(case, i), strict=True):
            slope, curvature = potential_derivatives(options["noise"], e)
            g += excess * slope / sigma / S
            H += excess * (np.outer(slope, slope) - np.diag(curvature)) / sigma**2 / S
        results.append((value, g, H))
    value, gradient, hessian = (np.stack(part) for part in zip(*results, strict=True))
    return value, gradient, hessian


def parts(derivatives: LossDerivatives) -> tuple[Tensor, Tensor, Tensor]:
    """Value, gradient and Hessian."""
    assert derivatives.hessian is not None
    return derivatives.value, derivatives.gradient, derivatives.hessian


def diagonal_blocks(hessian: Tensor) -> Tensor:
    """`(N, *event, N, *event)` as `(N, m, m)`; between samples there is nothing."""
    N = len(hessian)
    m = round(hessian.numel() ** 0.5) // N
    blocks = hessian.reshape(N, m, N, m).movedim(2, 1)
    off = ~torch.eye(N, dtype=torch.bool, device=hessian.device)
    assert not blocks[off].any()
    return blocks[~off]


def assert_mean(estimates: Any, expected: Any) -> None:
    """The mean over the first dimension is what is expected, within 5 standard errors."""
    values = as_float64(estimates)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    assert (np.abs(values.mean(axis=0) - as_float64(expected)) <= 5.0 * error + 1e-12).all(), (
        values.mean(axis=0),
        expected,
        error,
    )
