"""The distributions of noise: densities `exp(-ν(ε))` with twice differentiable ν."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from newton_optim._checks import check_choice, describe


@dataclass(frozen=True)
class Noise:
    """A standard distribution of independent coordinates, by its potential ν up to a constant.

    All functions are elementwise.

    Attributes:
        fill: fills an empty tensor with independent samples.
        potential: ν, differentiable to any order.
        slope: ν'.
        curvature: ν''.
        is_symmetric: whether ν(-ε) = ν(ε).
    """

    fill: Callable[[Tensor, Generator | None], Tensor]
    potential: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]
    curvature: Callable[[Tensor], Tensor]
    is_symmetric: bool = True


def _fill_gumbel(empty: Tensor, generator: Generator | None) -> Tensor:
    return -empty.exponential_(generator=generator).log()  # It never draws 0.


def _fill_logistic(empty: Tensor, generator: Generator | None) -> Tensor:
    # The difference of two Gumbel variables.
    return _fill_gumbel(torch.empty_like(empty), generator) - _fill_gumbel(empty, generator)


_NOISES = {
    "gaussian": Noise(
        fill=lambda empty, generator: empty.normal_(generator=generator),
        potential=lambda e: 0.5 * e.square(),
        slope=lambda e: e,
        curvature=torch.ones_like,
    ),
    "logistic": Noise(
        fill=_fill_logistic,
        potential=lambda e: e - 2.0 * F.logsigmoid(e),
        slope=lambda e: torch.tanh(0.5 * e),
        curvature=lambda e: 2.0 * torch.sigmoid(e) * torch.sigmoid(-e),
    ),
    "gumbel": Noise(
        fill=_fill_gumbel,
        potential=lambda e: e + torch.exp(-e),
        slope=lambda e: -torch.expm1(-e),
        curvature=lambda e: torch.exp(-e),
        is_symmetric=False,
    ),
    "cauchy": Noise(
        fill=lambda empty, generator: empty.cauchy_(generator=generator),
        potential=lambda e: torch.log1p(e.square()),
        slope=lambda e: 2.0 * e / (1.0 + e.square()),
        curvature=lambda e: 2.0 * (1.0 - e.square()) / (1.0 + e.square()).square(),
    ),
}

NOISES = tuple(_NOISES)


def check_noise(name: str, value: object) -> str:
    """``value`` if it names a noise."""
    if isinstance(value, str) and value in {"laplace", "triangular", "uniform"}:
        raise ValueError(
            f"{name} must have a twice differentiable log-density, which {value!r} does not have: "
            f"the estimator of the Hessian would miss the kinks; choose one of "
            f"{', '.join(map(repr, NOISES))}, got {value!r}"
        )
    return check_choice(name, value, NOISES)


def noise_named(name: str) -> Noise:
    """The noise of that name."""
    return _NOISES[name]


def check_generator(value: object) -> Generator | None:
    """``value`` if it is a generator or ``None``."""
    if value is not None and not isinstance(value, Generator):
        raise TypeError(f"generator must be a torch.Generator or None, got {describe(value)}")
    return value


def standard_noise(
    noise: Noise,
    y: Tensor,
    num_samples: int,
    *,
    generator: Generator | None,
    antithetic: bool = False,
    given: Tensor | None = None,
) -> Tensor:
    """Standard noise of shape `(num_samples, *y.shape)` in the dtype of ``y`` and on its device.

    Args:
        noise: the distribution.
        y: the tensor that the noise is for.
        num_samples: the number of samples for each row of ``y``; even with ``antithetic``.
        generator: draws the noise, on its own device; by default that of PyTorch.
        antithetic: whether the second half mirrors the first.
        given: the noise, if it is not to be drawn.

    Returns:
        The noise, detached.

    Raises:
        TypeError: if ``given`` is not a floating-point tensor.
        ValueError: if ``given`` has the wrong shape, or noise cannot be drawn under ``vmap``.
    """
    shape = (num_samples, *y.shape)
    if given is not None:
        return _checked(given, shape).detach().to(y)
    device = y.device if generator is None else generator.device
    drawn = (num_samples // 2, *y.shape) if antithetic else shape
    try:
        samples = noise.fill(y.new_empty(drawn, device=device), generator)
    except RuntimeError as error:
        if "vmap" not in str(error):
            raise
        raise ValueError(
            f"noise cannot be drawn here: {error}. Draw it before and pass it as noise_samples"
        ) from error
    samples = samples.to(y.device)
    return torch.cat([samples, -samples]) if antithetic else samples


def _checked(given: object, shape: tuple[int, ...]) -> Tensor:
    if not isinstance(given, Tensor) or not given.is_floating_point():
        raise TypeError(f"noise_samples must be a floating-point tensor, got {describe(given)}")
    if tuple(given.shape) != shape:
        raise ValueError(
            f"noise_samples must have shape (num_samples, *y.shape) = {shape}, "
            f"got shape {tuple(given.shape)}"
        )
    return given
