"""Two computations of a quantity agree up to rounding: that of the problem, or the loss's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from newton_optim.testing._agreement import assert_quantity_matches
from newton_optim.testing._case import Case
from newton_optim.testing._quantities import value
from newton_optim.testing._rounding import EPS, ROUNDINGS, Surroundings

EPS32 = EPS[torch.float32]


def compare(loss: Callable[[Tensor], Tensor], y: Tensor) -> None:
    """The values in float32 against those in float64."""
    single = Case.checked(loss, y, (), "mean", dtype=torch.float32)
    around = Surroundings.of(single.to(torch.float64), torch.float32)
    assert_quantity_matches("the value", (single, value), (around, value))


@pytest.mark.parametrize(("roundings", "passes"), [(0.5, True), (4.0, False)])
def test_a_thousand_roundings_pass(roundings: float, passes: bool) -> None:
    def off(y: Tensor) -> Tensor:
        factor = 1 + roundings * ROUNDINGS * EPS32 if y.dtype == torch.float32 else 1.0
        return y.exp().sum(-1) * factor

    y = torch.zeros(2, 3)
    if passes:
        compare(off, y)
    else:
        with pytest.raises(AssertionError, match=r"the value: sample \d differs by"):
            compare(off, y)


@pytest.mark.parametrize(("offset", "passes"), [(1e4, True), (1e6, False)])
def test_cancellation_passes_while_it_is_small(offset: float, passes: bool) -> None:
    """The offset costs 3e-4, or 3e-2, of a value of one."""

    def cancels(y: Tensor) -> Tensor:
        there = y.square().sum(-1) + offset
        return there - offset

    y = torch.tensor([[0.6, 0.8185]])
    if passes:
        compare(cancels, y)
    else:
        with pytest.raises(AssertionError, match="the value"):
            compare(cancels, y)


def test_what_agrees_needs_no_surroundings() -> None:
    calls = []

    def counted(y: Tensor) -> Tensor:
        calls.append(y)
        return y.square().sum(-1)

    compare(counted, torch.ones(2, 3))
    assert len(calls) == 2
