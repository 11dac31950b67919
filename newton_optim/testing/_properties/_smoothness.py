"""Derivatives of autograd against finite differences, and where the loss has kinks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_positive
from newton_optim.testing._case import Case
from newton_optim.testing._evaluation import UnusableLossError
from newton_optim.testing._finite_difference import OFFSETS, Difference
from newton_optim.testing._own_rounding import OWN_ROUNDINGS, own_rounding
from newton_optim.testing._quantities import Quantity, gradient, total
from newton_optim.testing._randomness import fixed_generator, random_signs
from newton_optim.testing._rounding import ROUNDINGS, Surroundings

_DIRECTIONS = 4


def assert_twice_differentiable(
    loss_fn: Any,
    outputs: Any,
    *args: Any,
    reduction: str = "mean",
    step: float = 2.0**-13,
    order: int = 2,
) -> list[tuple[int, int]]:
    r"""Gradient and Hessian of autograd equal finite differences, away from kinks.

    .. math:: \frac{g(y + h v) - g(y - h v)}{2h} = H v, \qquad \frac{l(y+hv) - l(y-hv)}{2h} = g^T v

    in float64, for a few directions `v` of random signs. Three errors are allowed: by how much a
    difference changes over three times the distance, by how much autograd's own derivatives jump
    within reach of `h`, and rounding. Where they are large, the loss has a kink (or bends sharply)
    and the comparison says nothing: such places are returned and do not fail. A Hessian that
    autograd refuses, or that is zero where finite differences are not, fails.

    It sees a gradient or a Hessian that is not that of the value: a detached part, a wrong
    backward, a Hessian that is silently zero. It does not see a value that is wrong itself, an
    error at a kink, or numbers that are not finite.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``; a ``derivatives`` method is not
            used.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".
        step: `h`, in units of the outputs; far below the length over which the loss bends.
        order: 1 to leave out the Hessian.

    Returns:
        Pairs (sample, coordinate) where the loss has a kink; the coordinate is one of the `m` of
        the sample.

    Raises:
        AssertionError: with the sample, the coordinate, autograd's number and the difference.
    """
    h = check_positive("step", step)
    case = Case.checked(loss_fn, outputs, args, reduction)
    twice = order > 1
    _ = case.twice_evaluated if twice else case.evaluation  # Raises if it cannot be used at all.
    around = Surroundings.of(case)
    lines = [_Line.through(case, v, h, second_order=twice) for v in _directions(case)]
    try:
        return _compare(around, lines, around.rounding, second_order=twice)
    except AssertionError:  # The loss's own rounding may explain it.
        return _compare(around, lines, functools.partial(_measured, around), second_order=twice)


def describe_kinks(kinks: list[tuple[int, int]]) -> str:
    """The remark of a report on what :func:`assert_twice_differentiable` returned."""
    if not kinks:
        return ""
    places = ", ".join(map(str, kinks[:3])) + (", …" if len(kinks) > 3 else "")
    return f"kinks at (sample, coordinate) {places}"


@dataclass(frozen=True)
class _Line:
    """The loss at the offsets from its outputs along a direction `v`, in steps of `h`."""

    v: Tensor
    h: float
    points: tuple[Case, ...]

    @classmethod
    def through(cls, case: Case, v: Tensor, h: float, *, second_order: bool) -> _Line:
        """Evaluate the points: a power of two times a sign is added exactly."""
        points = tuple(case.at(case.y + k * h * v) if k else case for k in OFFSETS)
        try:
            for point in points:
                _ = point.twice_evaluated if second_order else point.evaluation
        except UnusableLossError as error:
            raise UnusableLossError(f"with outputs moved by step={h:.2g}: {error}") from error
        return cls(v, h, points)

    def rows(self, quantity: Quantity) -> list[Tensor]:
        """A quantity at each offset."""
        return [quantity(point) for point in self.points]

    def products(self) -> list[Tensor]:
        """The Hessian along the direction at the three inner offsets, `(N, m)`."""
        try:
            return [p.twice_evaluated.products(self.v[None])[0] for p in self.points[1:4]]
        except UnusableLossError as error:
            raise AssertionError(f"the loss has no second derivative: {error}") from error


def _directions(case: Case) -> list[Tensor]:
    generator = fixed_generator()
    return [random_signs(tuple(case.y.shape), case.y, generator) for _ in range(_DIRECTIONS)]


def _measured(around: Surroundings, quantity: Quantity) -> Tensor:
    """The bound of a row, and what the rounding of the loss's operators adds to it, `(N,)`."""
    own = OWN_ROUNDINGS * own_rounding(around.case, quantity, around.eps)
    return torch.maximum(around.rounding(quantity), own)


def _compare(
    around: Surroundings,
    lines: Sequence[_Line],
    rounding: Callable[[Quantity], Tensor],
    *,
    second_order: bool,
) -> list[tuple[int, int]]:
    """Compare along all lines, and return where the loss has kinks."""
    noise, total_noise = rounding(gradient), rounding(total)
    floor = ROUNDINGS**2 * around.eps * around.size(gradient)
    kinks: set[tuple[int, int]] = set()
    for line in lines:
        _compare_gradient(line, total_noise)
        if second_order:
            kinks |= _compare_hessian(line, noise, floor)
    return sorted(kinks)


def _compare_gradient(line: _Line, noise: Tensor) -> None:
    y = line.points[2].y
    gradients = line.rows(gradient)
    slope = Difference.of(line.rows(total), line.h)
    expected = (gradients[2] * line.v).sum().reshape(1, 1)
    allowed = noise[:, None] / line.h + _jump(gradients[1:4]).sum()
    slope.compare("the gradient along a direction", expected, allowed, y.reshape(1, -1))


def _compare_hessian(line: _Line, noise: Tensor, floor: Tensor) -> set[tuple[int, int]]:
    """Compare the Hessian along a line, and return where the loss has kinks."""
    products = line.products()
    jump = _jump(products)
    bend = Difference.of(line.rows(gradient), line.h)
    allowed = noise[:, None] / line.h + jump
    bend.compare("the Hessian times a direction", products[1], allowed, line.points[2].y)
    size = bend.value.abs().amax(1, keepdim=True)
    found = bend.uncertainty + jump > 0.01 * size + floor[:, None] / line.h
    return {(int(i), int(j)) for i, j in found.nonzero()}


def _jump(rows: Sequence[Tensor]) -> Tensor:
    """By how much rows jump at the middle one: autograd takes one side of a kink, or a mean."""
    minus, center, plus = rows
    return 4 * (plus - 2 * center + minus).abs()
