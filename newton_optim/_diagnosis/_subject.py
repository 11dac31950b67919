"""Which loss, on how many outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from newton_optim._diagnosis._probe import Probe
from newton_optim._diagnosis._section import Section


@dataclass(frozen=True, kw_only=True)
class Subject(Section):
    """What the measurements are of."""

    name: str
    num_samples: int
    num_outputs: int


def subject(probe: Probe) -> Subject:
    """The name of the loss and the shape of the outputs."""
    N, m = probe.matrix.shape
    return Subject(name=_name_of(probe.loss_fn), num_samples=N, num_outputs=m)


def _name_of(loss_fn: Callable[..., Any]) -> str:
    if isinstance(loss_fn, partial):
        return _name_of(loss_fn.func)
    return getattr(loss_fn, "__name__", type(loss_fn).__name__)
