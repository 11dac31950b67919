"""Separate streams of random numbers, so that no use of one shifts another.

All variants of a seed start from the same network and see the same batches, whatever else they
draw.
"""

from __future__ import annotations

from typing import Final

import torch

STREAMS: Final = ("initialisation", "data", "noise", "evaluation", "split")


def generator(seed: int, stream: str, device: torch.device | str = "cpu") -> torch.Generator:
    """The generator of one stream of one seed.

    Args:
        seed: of the run.
        stream: ``"initialisation"`` (of the network), ``"data"`` (the batches), ``"noise"`` (what
            a loss draws), ``"evaluation"`` (the fixed sets) or ``"split"`` (of the digits).
        device: where it draws; kinds of devices draw different numbers.

    Returns:
        A fresh generator at the start of its stream.
    """
    # Mersenne Twister seeds that differ in any bit give unrelated sequences.
    return torch.Generator(device).manual_seed(seed * 2**16 + STREAMS.index(stream))
