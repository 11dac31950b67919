"""The device that a flag names."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Final

import torch

from benchmarks.runs.checks import check_choice
from benchmarks.runs.errors import InputError

DEVICES: Final = ("auto", "cpu", "cuda")


def select_device(name: str, choices: Sequence[str] = DEVICES) -> torch.device:
    """The device that ``auto``, ``cpu`` or ``cuda`` names.

    Raises:
        InputError: ``name`` is not one of ``choices``, or there is no such device.
    """
    check_choice("device", name, choices)
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: PyTorch sees no GPU on this machine")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def device_name(device: torch.device) -> str:
    """What the machine calls it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU ({platform.processor() or platform.machine()})"


def wait_for(device: torch.device) -> None:
    """Wait until a device has done all that it was given; a CPU has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
