"""Whether the loss of a sample depends on other samples."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from newton_optim._diagnosis._comparison import differ, typical_size
from newton_optim._diagnosis._probe import Probe
from newton_optim._diagnosis._sandbox import LossFailedError
from newton_optim._diagnosis._section import Section

MAX_JOINT = 2048
"""The largest side of a joint Hessian."""


_FACTORS = (0.0, 8.0, -8.0)
"""Factors on the outputs that other samples get, beside a small move."""


@dataclass(frozen=True, kw_only=True)
class Coupling(Section):
    """Whether samples are independent, and calls."""

    is_coupled: bool | None = None
    is_stateful: bool | None = None


def coupling(probe: Probe, y: Tensor) -> Coupling:
    """Move every other sample, a little and far: do the gradients of those that stay change?

    If the same outputs give another gradient afterwards, the loss keeps a state or draws from a
    generator of its own, and nothing is known about coupling. Nor is it for a single sample, and
    for a loss that fails at the outputs moved a little.
    """
    try:
        before = probe.derivatives(y).gradient
        changes = [_stays_changed(probe, x, before) for x in _others_moved(probe, y)]
        is_stateful = differ(before, probe.derivatives(y).gradient)
    except LossFailedError:
        return Coupling()
    if is_stateful:
        return Coupling(is_stateful=True)
    is_known = len(y) > 1 and changes[0] is not None
    return Coupling(is_coupled=any(changes) if is_known else None, is_stateful=False)


def _stays_changed(probe: Probe, moved: Tensor, before: Tensor) -> bool | None:
    """Whether a gradient of a sample that stays has changed; ``None`` if the loss fails there."""
    try:
        return differ(before[::2], probe.derivatives(moved).gradient[::2])
    except LossFailedError:
        return None


def _others_moved(probe: Probe, y: Tensor) -> list[Tensor]:
    """The outputs with every other sample moved, first by little."""
    generator = torch.Generator("cpu").manual_seed(probe.seed)
    shift = torch.rand(y[1::2].shape, generator=generator, device="cpu").to(y)
    moves = [0.1 * typical_size(y) * shift, *((factor - 1) * y[1::2] for factor in _FACTORS)]
    found = [y.clone() for _ in moves]
    for moved, move in zip(found, moves, strict=True):
        moved[1::2] += move
    return found


def can_be_joint(is_coupled: bool | None, times_differentiable: int | None, size: int) -> bool:
    """Whether a loss needs the joint Hessian, of this many rows, and may have it."""
    return is_coupled is True and times_differentiable == 2 and size <= MAX_JOINT
