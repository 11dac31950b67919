"""Checkpoints of unfinished trainings, replaced atomically."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.runs.errors import InputError


class Checkpoint:
    """The file of one training: a configuration with the seeds that are trained together.

    Args:
        folder: of all checkpoints.
        key: the hash of the configuration.
        seeds: stacked in this training. Other seeds of the same configuration have another file,
            since stacking more or fewer of them may round differently.
    """

    def __init__(self, folder: Path, key: str, seeds: Sequence[int]) -> None:
        self.path = folder / f"{key}-seeds-{'-'.join(map(str, seeds))}.pt"

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the file by ``state``: a reader finds the old state or the new one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(f".{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                torch.save(dict(state), file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)

    def load(self) -> dict[str, Any] | None:
        """The state that was saved last, or ``None``; tensors and plain values only.

        Raises:
            InputError: the file is damaged.
        """
        if not self.path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise InputError(f"{self.path} is damaged; delete it to restart that run") from error
        return state

    def remove(self) -> None:
        """Delete the file, and its folder when it was the last one."""
        self.path.unlink(missing_ok=True)
        if self.path.parent.is_dir() and not any(self.path.parent.iterdir()):
            self.path.parent.rmdir()
