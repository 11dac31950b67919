"""Capturing a training step in a CUDA graph, so that it can be replayed many times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

_WARM_UP: Final = 3

Step = Callable[[], None]


@dataclass(frozen=True)
class Engine:
    """How a training takes its steps.

    Args:
        run: takes one.
        name: ``"eager"``, ``"CUDA graph"``, or why there is no graph.
    """

    run: Step
    name: str


def capture_step(step: Step, state: Sequence[Tensor], device: torch.device) -> Engine:
    """What does what ``step`` does, as a CUDA graph where there can be one.

    On CUDA the whole step (batch, network, loss, Newton step, backward, Adam) is captured once in a
    graph and replayed, so that the host only launches the graph. Capturing needs a few warm-up
    steps, which change the state; it is restored before the first step that counts. Where the step
    cannot be captured it is run as it is, and the name of the engine says why.

    Args:
        step: reads and writes tensors in place only, always the same ones.
        state: the tensors that one step leaves for the next.
        device: where they are.

    Returns:
        ``step`` itself on the CPU, the replay of its graph on CUDA.
    """
    if device.type != "cuda":
        return Engine(step, "eager")
    stream = torch.cuda.Stream(device)
    return try_recording(step, state, lambda: _record(step, stream, device))


def try_recording(step: Step, state: Sequence[Tensor], record: Callable[[], Step]) -> Engine:
    """The recorded step, or the step itself where recording fails; the state is as it was.

    Args:
        step: that is recorded.
        state: what recording changes.
        record: returns what replays the step.
    """
    saved = [tensor.detach().clone() for tensor in state]
    try:
        engine = Engine(record(), "CUDA graph")
    except RuntimeError as error:  # Of PyTorch and of CUDA: some operation cannot be captured.
        reason = str(error).strip().partition("\n")[0]
        engine = Engine(step, f"eager: {reason or type(error).__name__}")
    with torch.no_grad():
        for tensor, value in zip(state, saved, strict=True):
            tensor.copy_(value)
    return engine


def _record(step: Step, stream: torch.cuda.Stream, device: torch.device) -> Step:
    before = torch.cuda.current_stream(device)
    stream.wait_stream(before)
    with torch.cuda.stream(stream):
        for _ in range(_WARM_UP):
            step()
    before.wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph, stream=stream):  # Recorded, not run: nothing changes here.
            step()
    finally:
        torch.cuda.set_stream(before)  # A recording that fails may leave its own behind.
    return graph.replay
