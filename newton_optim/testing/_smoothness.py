"""Derivatives against finite differences, and where the loss kinks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_positive
from newton_optim.testing._case import Case, Evaluation, UnusableLossError
from newton_optim.testing._rounding import (
    EPS,
    ROUNDINGS,
    gradient,
    rounding,
    show,
    size_of,
    total,
)

_DIRECTIONS = 4


def assert_twice_differentiable(
    loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean", step: float = 2.0**-13
) -> list[tuple[int, int]]:
    r"""Gradient and Hessian of autograd are those of finite differences, away from kinks.

    .. math:: \frac{g(y + h v) - g(y - h v)}{2h} = H v, \qquad \frac{l(y+hv) - l(y-hv)}{2h} = g^T v

    in float64, for a few directions v of random signs. What a difference changes by over three
    times the distance is allowed, what autograd's own derivatives jump by within reach of h as
    well, and so is rounding. Where that is much, the loss kinks (or bends sharply) and nothing can
    be said: such places are returned, not failed. A Hessian that autograd refuses, or gives as zero
    where there is one, fails.

    Args:
        loss_fn: as for :func:`assert_usable`; a ``derivatives`` method is left aside here.
        outputs: as for :func:`assert_usable`.
        *args: as for :func:`assert_usable`.
        reduction: as for :func:`assert_usable`.
        step: h, in units of the outputs; it should be far below the length over which the loss
            bends.

    Returns:
        Pairs (sample, coordinate) where the loss kinks, the coordinate one of the m of a sample.

    Raises:
        AssertionError: with the sample, the coordinate, autograd's number and the difference.
    """
    h = check_positive("step", step)
    case = Case.checked(loss_fn, outputs, args, reduction)
    case.evaluate(second_order=True)
    noise, total_noise = (rounding(case, f)[:, None] / h for f in (gradient, total))
    floor = ROUNDINGS**2 * EPS[torch.float64] / h * size_of(case, gradient)[:, None]
    kinks: set[tuple[int, int]] = set()
    for v in _directions(case.y):
        points = _points(case, v, h)
        products = [_product(point, v) for point in points[1:4]]
        slope = _Difference.of([point.total.reshape(1, 1) for point in points], h)
        bend = _Difference.of([point.gradient for point in points], h)
        # At a kink autograd takes the derivative of one side, or one between: there they jump.
        g_jump = 4 * _jump([point.gradient for point in points[1:4]])
        H_jump = 4 * _jump(products)
        slope.compare(
            "the gradient along a direction",
            (points[2].gradient * v).sum().reshape(1, 1),
            total_noise + g_jump.sum(),
            case.y.reshape(1, -1),
        )
        bend.compare("the Hessian times a direction", products[1], noise + H_jump, case.y)
        found = bend.uncertainty + H_jump > 0.01 * bend.value.abs().amax(1, keepdim=True) + floor
        kinks |= {(int(i), int(j)) for i, j in found.nonzero()}
    return sorted(kinks)


@dataclass(frozen=True)
class _Difference:
    """A central difference of rows `(N, k)`, and how far it may be off."""

    value: Tensor
    uncertainty: Tensor

    @classmethod
    def of(cls, rows: Sequence[Tensor], h: float) -> _Difference:
        """From the rows at -3h, -h, 0, h and 3h.

        What a smooth function's difference changes by with three times the distance is eight times
        its error; what that of a function that jumps changes by is at least a third of it, also
        where the jump is at h itself.
        """
        far_minus, minus, _, plus, far_plus = rows
        value, far_value = (plus - minus) / (2 * h), (far_plus - far_minus) / (6 * h)
        return cls(value, 4 * (value - far_value).abs())

    def compare(self, what: str, expected: Tensor, noise: Tensor, outputs: Tensor) -> None:
        """Raise if ``expected`` is further from the difference than it may be."""
        allowed = self.uncertainty + noise
        error = (self.value - expected).abs()
        wrong = ~(error <= allowed) & self.value.isfinite()
        if wrong.any():
            ratio = torch.where(wrong, (error / allowed).nan_to_num(torch.inf, torch.inf), -1.0)
            i, j = divmod(int(ratio.argmax()), ratio.shape[1])
            raise AssertionError(
                f"{what}, sample {i}, coordinate {j}: autograd says "
                f"{float(expected[i, j]):.6g}, finite differences {float(self.value[i, j]):.6g} "
                f"(± {float(allowed[i, j]):.2g}), at outputs {show(outputs[i])}"
            )


def _points(case: Case, v: Tensor, h: float) -> list[Evaluation]:
    """The loss at -3h, -h, 0, h and 3h along v."""
    try:
        return [case.at(case.y + k * h * v).evaluate(second_order=True) for k in (-3, -1, 0, 1, 3)]
    except UnusableLossError as error:
        raise UnusableLossError(f"with outputs moved by step={h:.2g}: {error}") from error


def _product(point: Evaluation, v: Tensor) -> Tensor:
    try:
        return point.products(v[None])[0]
    except UnusableLossError as error:
        raise AssertionError(f"the loss has no second derivative: {error}") from error


def _jump(rows: Sequence[Tensor]) -> Tensor:
    minus, center, plus = rows
    return (plus - 2 * center + minus).abs()


def _directions(y: Tensor) -> list[Tensor]:
    """Directions of random signs: a power of two times one of them is added exactly."""
    generator = torch.Generator().manual_seed(0)
    shape = (_DIRECTIONS, *y.shape)
    return list((torch.randint(0, 2, shape, generator=generator) * 2 - 1).to(y))
