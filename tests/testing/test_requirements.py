"""Why a property does not apply to a loss, and that it does otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from newton_optim.testing import _requirements as requires
from newton_optim.testing._case import Case
from tests.testing.losses import T, WithDerivatives, Y, half_squared_error, smooth


def case(loss: Any, outputs: Any = Y, *args: Any) -> Case:
    return Case.checked(loss, outputs, args, "mean")


def linear(y: Tensor) -> Tensor:
    return y.sum(-1)


MASKED = replace(case(linear), mask=T > 0)


@pytest.mark.parametrize(
    ("requirement", "met", "unmet", "reason"),
    [
        (requires.second_derivative, case(smooth, Y, T), case(linear), "no second derivative"),
        (requires.derivatives_method, case(WithDerivatives()), case(linear), "no `derivatives`"),
        (requires.two_samples, case(linear), case(linear, Y[:1]), "only one sample"),
        (requires.single_tensor, case(linear), case(linear, (Y, Y)), "not one tensor"),
        (requires.single_tensor, case(linear), case(linear, Y[:, 0]), "not one tensor"),
        (requires.mask, MASKED, case(linear), "no mask= given"),
    ],
)
def test_requirements(requirement: Any, met: Case, unmet: Case, reason: str) -> None:
    assert requirement(met) is None
    assert reason in requirement(unmet)


@pytest.mark.parametrize(
    ("loss", "args", "is_met"),
    [
        (half_squared_error, (T,), True),
        (nn.MSELoss(), (T,), False),
        (smooth, (T,), False),
        (half_squared_error, (T[:1],), False),
        (lambda y: y.square().sum(-1) / 2, (), False),
    ],
)
def test_half_squared_error(loss: Any, args: tuple[Tensor, ...], is_met: bool) -> None:
    assert (requires.half_squared_error(case(loss, Y, *args)) is None) == is_met


def test_nothing_is_always_met() -> None:
    assert requires.nothing(case(torch.sum)) is None
