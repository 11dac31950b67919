"""Derivatives of autograd against finite differences, and where the loss has kinks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_positive
from newton_optim.testing._case import Case
from newton_optim.testing._evaluation import Evaluation, UnusableLossError
from newton_optim.testing._finite_difference import OFFSETS, Difference
from newton_optim.testing._quantities import gradient, total
from newton_optim.testing._randomness import fixed_generator, random_signs
from newton_optim.testing._rounding import EPS, ROUNDINGS, rounding, size_of

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

    It sees a gradient or a Hessian that is not that of the value in float64. It does not see a
    value that is wrong itself, and does not judge numbers that are not finite.

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
    case.evaluate(second_order=twice)
    noise, total_noise = (rounding(case, f)[:, None] / h for f in (gradient, total))
    floor = ROUNDINGS**2 * EPS[torch.float64] / h * size_of(case, gradient)[:, None]
    kinks: set[tuple[int, int]] = set()
    generator = fixed_generator()
    for _ in range(_DIRECTIONS):
        v = random_signs(tuple(case.y.shape), case.y, generator)
        points = _points(case, v, h, second_order=twice)
        _compare_gradient(case, v, h, points, total_noise)
        if twice:
            kinks |= _compare_hessian(case, v, h, points, noise, floor)
    return sorted(kinks)


def describe_kinks(kinks: list[tuple[int, int]]) -> str:
    """The remark of a report on what :func:`assert_twice_differentiable` returned."""
    if not kinks:
        return ""
    places = ", ".join(map(str, kinks[:3])) + (", …" if len(kinks) > 3 else "")
    return f"kinks at (sample, coordinate) {places}"


def _points(case: Case, v: Tensor, h: float, *, second_order: bool) -> list[Evaluation]:
    """The loss at the offsets along v: a power of two times a sign is added exactly."""
    try:
        return [case.at(case.y + k * h * v).evaluate(second_order=second_order) for k in OFFSETS]
    except UnusableLossError as error:
        raise UnusableLossError(f"with outputs moved by step={h:.2g}: {error}") from error


def _compare_gradient(
    case: Case, v: Tensor, h: float, points: Sequence[Evaluation], noise: Tensor
) -> None:
    slope = Difference.of([point.total.reshape(1, 1) for point in points], h)
    jump = _jump([point.gradient for point in points[1:4]])
    expected = (points[2].gradient * v).sum().reshape(1, 1)
    what = "the gradient along a direction"
    slope.compare(what, expected, noise + jump.sum(), case.y.reshape(1, -1))


def _compare_hessian(
    case: Case, v: Tensor, h: float, points: Sequence[Evaluation], noise: Tensor, floor: Tensor
) -> set[tuple[int, int]]:
    """Compare the Hessian along v, and return where the loss has kinks."""
    products = [_product(point, v) for point in points[1:4]]
    jump = _jump(products)
    bend = Difference.of([point.gradient for point in points], h)
    bend.compare("the Hessian times a direction", products[1], noise + jump, case.y)
    found = bend.uncertainty + jump > 0.01 * bend.value.abs().amax(1, keepdim=True) + floor
    return {(int(i), int(j)) for i, j in found.nonzero()}


def _product(point: Evaluation, v: Tensor) -> Tensor:
    try:
        return point.products(v[None])[0]
    except UnusableLossError as error:
        raise AssertionError(f"the loss has no second derivative: {error}") from error


def _jump(rows: Sequence[Tensor]) -> Tensor:
    """By how much rows jump at the middle one: autograd takes one side of a kink, or a mean."""
    minus, center, plus = rows
    return 4 * (plus - 2 * center + minus).abs()
