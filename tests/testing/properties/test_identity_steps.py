"""Lemma 2 for other base optimisers and more steps."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from newton_optim import NewtonLossOptimizer
from newton_optim.testing import assert_identity_steps_like_base
from tests.testing.losses import T, Y, smooth


@pytest.mark.parametrize("base", [torch.optim.Adam, torch.optim.RMSprop, torch.optim.Adagrad])
def test_another_base(base: Any) -> None:
    assert_identity_steps_like_base(smooth, Y, T, base=partial(base, lr=0.01), steps=5)


def test_a_damping_that_a_wrapper_adds_is_seen() -> None:
    def damped(base: Any, *, damping: float, **options: Any) -> NewtonLossOptimizer:
        return NewtonLossOptimizer(base, damping=damping + 1e-6, **options)

    with pytest.raises(AssertionError, match="the point after 1 steps"):
        assert_identity_steps_like_base(smooth, Y, T, wrapper=damped, steps=1)
