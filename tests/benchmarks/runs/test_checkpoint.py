"""Checkpoints: whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.runs.checkpoint import Checkpoint
from benchmarks.runs.errors import InputError


def test_what_is_saved_is_loaded_and_removed(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "checkpoints", "abc", [0, 1])
    assert checkpoint.load() is None
    for step in (1, 2):
        checkpoint.save({"step": step, "tensors": {"w": torch.full((2,), float(step))}})
    state = checkpoint.load()
    assert state is not None
    assert state["step"] == 2
    assert state["tensors"]["w"].tolist() == [2.0, 2.0]
    assert [path.name for path in checkpoint.path.parent.iterdir()] == [checkpoint.path.name]
    checkpoint.remove()
    assert not (tmp_path / "checkpoints").exists()
    checkpoint.remove()


def test_other_seeds_have_another_file(tmp_path: Path) -> None:
    first, second = Checkpoint(tmp_path, "abc", [0]), Checkpoint(tmp_path, "abc", [0, 1])
    assert first.path != second.path


def test_a_save_that_fails_leaves_the_old_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = Checkpoint(tmp_path, "abc", [0])
    checkpoint.save({"step": 1})

    def fail(state: object, file: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match="no space left"):
        checkpoint.save({"step": 2})
    assert checkpoint.load() == {"step": 1}
    assert list(tmp_path.iterdir()) == [checkpoint.path]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, "abc", [0])
    checkpoint.path.write_bytes(b"nonsense")
    with pytest.raises(InputError, match="is damaged; delete it"):
        checkpoint.load()
