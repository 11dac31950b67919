"""A step as it is, and as a CUDA graph."""

from __future__ import annotations

import pytest
import torch

from benchmarks.runs.cuda_graph import capture_step


def test_on_the_cpu_it_is_the_step_itself() -> None:
    def step() -> None: ...

    assert capture_step(step, [], torch.device("cpu")) is step


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_graph_does_what_the_step_does_and_nothing_before() -> None:
    device = torch.device("cuda")
    value = torch.ones(3, device=device)

    def step() -> None:
        value.mul_(2)

    replay = capture_step(step, [value], device)
    assert value.tolist() == [1.0] * 3
    for _ in range(4):
        replay()
    assert value.tolist() == [16.0] * 3
