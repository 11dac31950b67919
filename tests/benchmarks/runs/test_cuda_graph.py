"""A step as it is, and as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from benchmarks.runs.cuda_graph import capture_step, try_recording


def test_on_the_cpu_it_is_the_step_itself() -> None:
    def step() -> None: ...

    engine = capture_step(step, [], torch.device("cpu"))
    assert engine.run is step
    assert engine.name == "eager"


def test_a_step_that_cannot_be_recorded_is_run_as_it_is() -> None:
    """With the reason, and with the state from before the attempt."""
    value = torch.ones(3)

    def step() -> None:
        value.mul_(2)

    def record() -> Callable[[], None]:
        step()
        raise RuntimeError("CUDA error: operation not permitted when stream is capturing\nmore")

    engine = try_recording(step, [value], record)
    assert engine.run is step
    assert engine.name == "eager: CUDA error: operation not permitted when stream is capturing"
    assert value.tolist() == [1.0] * 3


def test_recording_leaves_the_state_as_it_was() -> None:
    value, replays = torch.ones(3, requires_grad=True), list[str]()

    def record() -> Callable[[], None]:
        with torch.no_grad():
            value.mul_(8)
        return lambda: replays.append("replayed")

    engine = try_recording(lambda: None, [value], record)
    engine.run()
    assert engine.name == "CUDA graph"
    assert value.tolist() == [1.0] * 3
    assert replays == ["replayed"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_graph_does_what_the_step_does_and_nothing_before() -> None:
    device = torch.device("cuda")
    value = torch.ones(3, device=device)

    def step() -> None:
        value.mul_(2)

    engine = capture_step(step, [value], device)
    assert engine.name == "CUDA graph"
    assert value.tolist() == [1.0] * 3
    for _ in range(4):
        engine.run()
    assert value.tolist() == [16.0] * 3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_cuda_a_step_that_waits_is_run_as_it_is() -> None:
    value = torch.ones(3, device="cuda")

    def step() -> None:
        value.mul_(2 if value[0].item() > 0 else 3)

    engine = capture_step(step, [value], torch.device("cuda"))
    assert engine.name.startswith("eager: ")
    engine.run()
    assert value.tolist() == [2.0] * 3
