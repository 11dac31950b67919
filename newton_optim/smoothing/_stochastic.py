"""Stochastic smoothing: the expectation of a black box under noise, and its derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn

from newton_optim._checks import check_bool, check_integer, check_positive, describe
from newton_optim._derivatives import LossDerivatives
from newton_optim.smoothing._black_box import checked_rows, evaluate
from newton_optim.smoothing._control_variate import check_control_variate, leave_one_out
from newton_optim.smoothing._noise import (
    check_generator,
    check_noise,
    noise_named,
    standard_noise,
)


class StochasticSmoothing(nn.Module):
    r"""A function smoothed by noise, `arXiv 2410.19055 <https://arxiv.org/abs/2410.19055>`_.

    .. math::
        f_\sigma(y) &= \mathbb{E}\, f(y + \sigma\varepsilon), \qquad
            \varepsilon \sim \exp(-\nu(\varepsilon)) \\
        \nabla f_\sigma(y) &= \mathbb{E}\, \big(f(y + \sigma\varepsilon) - b\big)\,
            \nabla\nu(\varepsilon) / \sigma \qquad \text{(Eq. 13, 15)} \\
        \nabla^2 f_\sigma(y) &= \mathbb{E}\, \big(f(y + \sigma\varepsilon) - b\big)\,
            \big(\nabla\nu(\varepsilon) \nabla\nu(\varepsilon)^\top
            - \nabla^2\nu(\varepsilon)\big) / \sigma^2 \qquad \text{(Eq. 14, 16)}

    The function is only evaluated: it may be a step function or an algorithm, and may leave
    PyTorch. The expectation is the mean over samples of noise, drawn anew at every call and for
    every row. The value is the mean of `f(y + σε)`. With the noise fixed, its derivatives under
    ``torch.autograd`` and ``torch.func`` are the estimators above, and so on to any order.

    The function is called once, with `B = num_samples · N` rows (and N more if the control variate
    is `f(y)`) and with autograd off. It maps rows `(B, *event)`, and any further arguments, to
    `(B,)`, a loss ("smoothing of the loss"), or to `(B, *out)` ("smoothing of the algorithm", to
    which a loss is then applied). It is never called without rows: an empty batch is refused. A row
    on which it is not finite makes the values and derivatives of its own sample not finite, and
    those of no other. Half precision is computed in float32.

    A Newton loss that gets the smoothing as a callable uses its ``derivatives``. Gradient and
    Hessian are per sample. Unless there are very many samples of noise, the estimated Hessian of a
    loss is mostly noise, and about half of its eigenvalues are negative.

    Args:
        function: f, as above; it may return any real dtype.
        sigma: σ > 0, in units of y. Towards 0 the smoothed function becomes f, while the noise of
            the gradient grows as 1/σ and that of the Hessian as 1/σ².
        num_samples: the number of samples of noise for each row, at least 1.
        noise: the distribution of each coordinate: ``"gaussian"``, ``"logistic"``, ``"gumbel"``
            (not centred: its mean is 0.577) or ``"cauchy"`` (for functions that are bounded).
        control_variate: b. ``True`` is `f(y)` (as in the paper), ``False`` is 0, and
            ``"leave_one_out"`` is the mean over the other samples of the row, which needs no
            further evaluation.
        antithetic: whether the second half of the samples mirrors the first: `ε` and `-ε`.
        generator: draws the noise; by default PyTorch's own.

    Raises:
        TypeError: if an argument is of the wrong kind or dtype.
        ValueError: if a value, name or shape is wrong, ``num_samples`` does not suit
            ``antithetic`` or ``"leave_one_out"``, or ``noise`` does not suit ``antithetic``.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        sigma: float,
        num_samples: int,
        noise: str = "gaussian",
        control_variate: bool | str = True,
        antithetic: bool = False,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        if not callable(function):
            raise TypeError(f"function must be a callable, got {describe(function)}")
        self.function = function
        self.sigma = check_positive("sigma", sigma)
        self.num_samples = check_integer("num_samples", num_samples)
        self.noise = check_noise("noise", noise)
        self.control_variate = check_control_variate(control_variate)
        self.antithetic = check_bool("antithetic", antithetic)
        self.generator = check_generator(generator)
        self._check_combination()

    def _check_combination(self) -> None:
        S = self.num_samples
        if self.antithetic and S % 2:
            raise ValueError(f"num_samples must be even with antithetic=True, got {S}")
        if self.antithetic and not noise_named(self.noise).is_symmetric:
            raise ValueError(f"noise must be symmetric with antithetic=True, got {self.noise!r}")
        least = 4 if self.antithetic else 2
        if self.control_variate == "leave_one_out" and least > S:
            raise ValueError(
                f'num_samples must be at least {least} with control_variate="leave_one_out" and '
                f"antithetic={self.antithetic}, got {S}"
            )

    def forward(self, y: Tensor, *args: Any, noise_samples: Tensor | None = None) -> Tensor:
        """The smoothed function at ``y``.

        Args:
            y: the points, floating-point, shape `(N, *event)`.
            *args: further arguments of the function: tensors have one row for each sample and are
                repeated to match; anything else is passed to the function as it is.
            noise_samples: standard noise, shape `(num_samples, N, *event)`, instead of drawing it;
                needed under ``torch.func.vmap`` (or its ``randomness="different"``).

        Returns:
            The mean of `f(y + σε)`, shape `(N,)` or `(N, *out)`, at least float32.
        """
        noise, mean, centred = self._sample(y, args, noise_samples)
        S, N = noise.shape[:2]
        potential = noise_named(self.noise).potential
        # The points stay where they are while y moves away from them: what changes are their
        # densities, relative to those they were drawn with. The move is 0, its derivative is not.
        y = checked_rows("y", y).reshape(N, -1)
        move = (y.detach() - y) / self.sigma
        log_ratio = (potential(noise) - potential(noise + move)).sum(-1)
        weight = log_ratio.expm1().reshape(S, N, *[1] * (centred.dim() - 2))
        return mean + (weight * centred).mean(0)

    def derivatives(
        self, y: Tensor, *args: Any, noise_samples: Tensor | None = None
    ) -> LossDerivatives:
        """Value, gradient and Hessian of each sample, for a function that returns `(B,)`.

        They equal those of ``forward`` on the same noise. The noise is drawn with the generator:
        for a Newton loss that can be repeated, set it or bind ``noise_samples`` with
        ``functools.partial``.

        Args:
            y: the points, floating-point, shape `(N, *event)`.
            *args: further arguments of the function; tensors have one row for each sample.
            noise_samples: standard noise, shape `(num_samples, N, *event)`.

        Returns:
            Shapes `(N,)`, `(N, m)` and `(N, m, m)`; the Hessian is computed when it is asked for.

        Raises:
            ValueError: if the function does not return one number per row.
        """
        with torch.no_grad():
            noise, mean, centred = self._sample(y, args, noise_samples)
            if mean.dim() != 1:
                raise ValueError(
                    "function must return shape (B,) to have derivatives as a loss, got shape "
                    f"(B, {', '.join(map(str, mean.shape[1:]))}): apply a loss to the smoothing"
                )
            slope = noise_named(self.noise).slope(noise)
            weighted = centred[..., None] * slope / (self.num_samples * self.sigma)
            gradient = weighted.sum(0)

        def hessian() -> Tensor:
            with torch.no_grad(), torch.autocast(noise.device.type, enabled=False):
                curvature = noise_named(self.noise).curvature(noise)
                diagonal = (centred[..., None] * curvature).mean(0) / self.sigma**2
                outer = torch.einsum("sni,snj->nij", weighted, slope / self.sigma)
                return outer - torch.diag_embed(diagonal)

        return LossDerivatives(mean, gradient, hessian)

    def _sample(self, y: Tensor, args: tuple[Any, ...], given: Tensor | None) -> _Samples:
        y = checked_rows("y", y).detach()
        noise = standard_noise(
            noise_named(self.noise),
            y,
            self.num_samples,
            generator=self.generator,
            antithetic=self.antithetic,
            given=given,
        )
        points = y + self.sigma * noise
        if self.control_variate is True:
            points = torch.cat([points, y.unsqueeze(0)])
        values = evaluate("function", self.function, points, args)
        mean, centred = self._centre(values)
        return _Samples(noise.reshape(*noise.shape[:2], -1), mean, centred)

    def _centre(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """The mean over the samples, and the values less the control variate."""
        values, at_y = values[: self.num_samples], values[self.num_samples :]
        mean = values.mean(0)
        if self.control_variate is True:
            return mean, values - at_y
        if self.control_variate is False:
            return mean, values
        return mean, leave_one_out(values, antithetic=self.antithetic)

    def extra_repr(self) -> str:
        """The options, for ``repr``."""
        return (
            f"sigma={self.sigma}, num_samples={self.num_samples}, noise={self.noise!r}, "
            f"control_variate={self.control_variate!r}, antithetic={self.antithetic}"
        )


class _Samples(NamedTuple):
    noise: Tensor  # (S, N, m)
    mean: Tensor  # (N, *out)
    centred: Tensor  # (S, N, *out)
