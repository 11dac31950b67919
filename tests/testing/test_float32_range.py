"""Which results float32 can hold."""

from __future__ import annotations

import pytest
import torch

from newton_optim.testing._float32_range import beyond_float32, describe_beyond


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([1.0, -1e20], False),
        ([1.0, -1e39], True),
        ([1.0, 1e37], True),
        ([torch.inf, 1e39], False),
        ([torch.nan, 1.0], False),
    ],
)
def test_large_and_finite(row: list[float], expected: bool) -> None:
    assert beyond_float32(torch.tensor([row], dtype=torch.float64)).tolist() == [expected]


def test_the_remark_names_the_way_out() -> None:
    assert describe_beyond([]) == ""
    assert "where the gradient exceeds" in describe_beyond(["gradient", "Hessian"])
    assert "spreads=" in describe_beyond(["value"])
