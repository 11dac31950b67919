"""Adam whose state is there before its first step."""

from __future__ import annotations

import pytest
import torch

from benchmarks.runs.adam import moments, ready_adam


@pytest.mark.parametrize("fused", [False, True])
def test_its_steps_are_torchs(fused: bool) -> None:
    start = torch.randn(4, 3)
    ready, plain = (start.clone().requires_grad_() for _ in range(2))
    optimizers = ready_adam([ready], 0.1, fused=fused), torch.optim.Adam([plain], lr=0.1)
    for _ in range(3):
        gradient = torch.randn(4, 3)
        for parameter, optimizer in zip((ready, plain), optimizers, strict=True):
            parameter.grad = gradient.clone()
            optimizer.step()
    torch.testing.assert_close(ready, plain)


def test_its_tensors_stay_where_they_are() -> None:
    parameter = torch.randn(4, 3, requires_grad=True)
    optimizer = ready_adam([parameter], 0.1, fused=True)
    before = [value.data_ptr() for value in moments(optimizer)]
    assert len(before) == 3
    parameter.grad = torch.ones(4, 3)
    optimizer.step()
    assert [value.data_ptr() for value in moments(optimizer)] == before
