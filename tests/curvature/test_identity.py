"""The plain gradient."""

from __future__ import annotations

import pytest
import torch

from newton_optim import Identity, LossDerivatives, RelativeDamping


@pytest.mark.parametrize(
    ("damping", "factor"), [(None, 1), (0, 1), (1.0, 2), (RelativeDamping(3), 4)]
)
def test_the_gradient_over_one_plus_damping(
    damping: float | RelativeDamping | None, factor: float
) -> None:
    g = torch.randn(4, 3)
    step = Identity().newton_step(LossDerivatives(torch.zeros(4), g), damping)
    torch.testing.assert_close(step, g / factor)
