"""Capturing a training step in a CUDA graph, so that it can be replayed many times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor

_WARM_UP: Final = 3


def capture_step(
    step: Callable[[], None], state: Sequence[Tensor], device: torch.device
) -> Callable[[], None]:
    """A function that does what ``step`` does.

    On CUDA the whole step (batch, network, loss, Newton step, backward, Adam) is captured once in a
    graph and replayed, so that the host only launches the graph. Capturing needs a few warm-up
    steps, which change the state; it is restored before the first step that counts.

    Args:
        step: reads and writes tensors in place only, always the same ones.
        state: the tensors that one step leaves for the next.
        device: where they are.

    Returns:
        ``step`` itself on the CPU, the replay of its graph on CUDA.
    """
    if device.type != "cuda":
        return step
    saved = [tensor.detach().clone() for tensor in state]
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        for _ in range(_WARM_UP):
            step()
    torch.cuda.current_stream(device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):  # Recorded, not run: nothing changes here.
        step()
    with torch.no_grad():
        for tensor, value in zip(state, saved, strict=True):
            tensor.copy_(value)
    return graph.replay
