"""Random numbers that are the same in every run.

They are drawn on the CPU, whatever the default device is, and leave the global generator alone.
"""

from __future__ import annotations

import torch
from torch import Tensor


def fixed_generator() -> torch.Generator:
    """A generator on the CPU, with seed 0."""
    return torch.Generator("cpu").manual_seed(0)


def random_signs(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Tensor:
    """Numbers -1 and 1, in the dtype and on the device of ``like``."""
    bits = torch.randint(0, 2, shape, generator=generator, device="cpu")
    return (2 * bits - 1).to(like)


def normal_noise(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers, in the dtype and on the device of ``like``."""
    return torch.randn(shape, generator=generator, device="cpu").to(like)


def orders(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Two permutations of 0 to ``size - 1``: the reversal, and a random one."""
    shuffled = torch.randperm(size, generator=fixed_generator(), device="cpu")
    return torch.arange(size, device=device).flip(0), shuffled.to(device)
