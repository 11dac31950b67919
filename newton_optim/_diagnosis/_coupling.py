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


@dataclass(frozen=True, kw_only=True)
class Coupling(Section):
    """Whether samples are independent."""

    is_coupled: bool | None = None


def coupling(probe: Probe, y: Tensor) -> Coupling:
    """Move every other sample: do the gradients of those that stay change?

    It is not known for a single sample, for a loss that fails at the moved outputs, and for one
    that draws from a generator of its own.
    """
    if len(y) < 2:
        return Coupling()
    try:
        before, again, after = (
            probe.derivatives(x).gradient[::2] for x in (y, y, _every_other_moved(probe, y))
        )
    except LossFailedError:
        return Coupling()
    return Coupling() if differ(before, again) else Coupling(is_coupled=differ(before, after))


def _every_other_moved(probe: Probe, y: Tensor) -> Tensor:
    generator = torch.Generator("cpu").manual_seed(probe.seed)
    shift = torch.rand(y[1::2].shape, generator=generator, device="cpu").to(y)
    moved = y.clone()
    moved[1::2] += 0.1 * typical_size(y) * shift
    return moved


def can_be_joint(is_coupled: bool | None, times_differentiable: int | None, size: int) -> bool:
    """Whether a loss needs the joint Hessian, of this many rows, and may have it."""
    return is_coupled is True and times_differentiable == 2 and size <= MAX_JOINT
