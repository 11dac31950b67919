"""λ, absolute and relative."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from newton_optim import RelativeDamping
from newton_optim.curvature import check_damping
from newton_optim.curvature._damping import resolve_damping


def test_relative_damping_is_a_value() -> None:
    assert RelativeDamping(torch.tensor(0.5)) == RelativeDamping(0.5)
    assert {RelativeDamping(0.5): 1}[RelativeDamping(0.5)] == 1
    with pytest.raises(AttributeError):
        RelativeDamping(0.5).c = 1.0


@pytest.mark.parametrize(
    ("c", "error"),
    [(-1.0, ValueError), (float("nan"), ValueError), ("0.1", TypeError), (None, TypeError)],
)
def test_bad_factors(c: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="c must be"):
        RelativeDamping(c)


def test_none_is_the_default_and_zero_is_not() -> None:
    assert check_damping(None, 1.0) == 1.0
    assert check_damping(0, 1.0) == 0.0
    assert check_damping(RelativeDamping(0.0), 1.0) == RelativeDamping(0.0)


def test_relative_to_what() -> None:
    assert resolve_damping(RelativeDamping(0.5), torch.tensor(4.0)) == 2.0
    assert resolve_damping(0.5, torch.tensor(4.0)) == 0.5
