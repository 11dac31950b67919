"""Gradients that are exactly zero where the loss is not at its least."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._comparison import show
from newton_optim.testing._evaluation import UnusableLossError
from newton_optim.testing._quantities import gradient, total

_SAMPLES = 4
"""How many samples with a zero gradient are looked at."""

_TOWARDS_ZERO = (0.5, 0.25, 0.0625, 0.015625)
_PATH = 16
_BISECTIONS = 40
_LOWER = 2.0**-20
"""By which share another loss must be lower."""

_FADED = 2.0**-20
"""A gradient fades to zero if it ends below this share of its largest."""


def assert_no_dead_zone(loss_fn: Any, outputs: Any, *args: Any, reduction: str = "mean") -> None:
    """No sample has a gradient of exactly zero that is cut off while a lower loss is known.

    A clamp does this: the loss is constant behind it, and a sample that is there never returns. A
    gradient that fades to zero by rounding, as that of a sigmoid far out, is not a dead zone.

    Lower losses are looked for on the way from the outputs to zero, at the outputs of the other
    samples, and at arguments of the same shape.

    It sees a sample without any gradient behind a clamp, as that of the logarithm of a clamped
    probability. It does not see one with a few such coordinates, or a dead zone where these outputs
    do not lie.

    Args:
        loss_fn: the loss, called as ``loss_fn(outputs, *args)``.
        outputs: the network's outputs, `(N, *event)`, or a tuple, list or dict of them.
        *args: further arguments of the loss.
        reduction: how a 0-dim loss was reduced: "mean" or "sum".

    Raises:
        AssertionError: with the outputs, and others of a lower loss.
    """
    case = Case.checked(loss_fn, outputs, args, reduction)
    dead = (gradient(case) == 0).all(1).nonzero().flatten().tolist()
    for i in dead[:_SAMPLES]:
        lower = _lower(case, i)
        if lower is not None and _is_cut_off(case, i, lower):
            raise AssertionError(
                f"the gradient of sample {i} is exactly zero at outputs {show(case.y[i])}, but the "
                f"loss is lower at {show(lower)} (samples without a gradient: {len(dead)})"
            )


def _lower(case: Case, i: int) -> Tensor | None:
    """Outputs of sample i at which the loss is lower."""
    here = float(total(case))
    for row in _candidates(case, i):
        try:
            there = float(total(_moved(case, i, row)))
        except UnusableLossError:
            continue
        if here - there > _LOWER * max(abs(here), abs(there)):
            return row
    return None


def _candidates(case: Case, i: int) -> Iterator[Tensor]:
    y = case.y
    yield from (t * y[i] for t in _TOWARDS_ZERO)
    yield from (target[i] for target in case.targets)
    yield from (y[j] for j in range(min(len(y), 2 * _SAMPLES)) if j != i)


def _moved(case: Case, i: int, row: Tensor) -> Case:
    moved = case.y.clone()
    moved[i] = row
    return case.at(moved)


def _is_cut_off(case: Case, i: int, lower: Tensor) -> bool:
    """Whether the gradient jumps to zero on the way from the lower loss to the outputs."""
    y = case.y[i]

    def length(t: float) -> float:
        try:
            return float(gradient(_moved(case, i, y + t * (lower - y)))[i].norm())
        except UnusableLossError:
            return 0.0

    lengths = [length(k / _PATH) for k in range(_PATH + 1)]
    if not any(lengths):
        return True
    first = next(k for k, norm in enumerate(lengths) if norm != 0)
    low, high = (first - 1) / _PATH, first / _PATH
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if length(middle) == 0 else (low, middle)
    return length(high) > _FADED * max(lengths)
