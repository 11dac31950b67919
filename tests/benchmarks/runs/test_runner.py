"""Skipping what is finished; stopping and resuming bit for bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.runs.checkpoint import Checkpoint
from benchmarks.runs.errors import InputError
from benchmarks.runs.results import Record, Results
from benchmarks.runs.runner import CHECKPOINTS, run
from tests.benchmarks.runs.toy import BASE, TOY, ToyConfig, ToyTraining
from tests.settings import DEVICE

CONFIG = replace(BASE, steps=5)


def run_toy(results: Results, seeds: list[int], **arguments: Any) -> list[Record]:
    return run(TOY, CONFIG, seeds, "toy data", DEVICE, results, **arguments)


def test_lines_say_where_and_how_they_were_made(tmp_path: Path) -> None:
    records = run_toy(Results(tmp_path), [4, 2])
    assert [record["seed"] for record in records] == [4, 2]
    for record in records:
        assert record["key"] == CONFIG.key
        choices = {**record["config"]}
        assert choices.pop("benchmark") == "toy"
        assert ToyConfig(**choices) == CONFIG
        assert record["torch"] == torch.__version__
        assert record["threads"] == torch.get_num_threads()
        assert record["seconds"] == 0.25 * 5
        assert record["stacked_seeds"] == 2
        assert record["device"]
        assert record["engine"] == "eager"
        assert len(record["curve"]) == 5


def test_the_outcome_of_the_family_is_the_result(tmp_path: Path) -> None:
    (record,) = run_toy(Results(tmp_path), [0])
    last = record["curve"][-1]
    assert (record["score"], record["error"]) == (last["score"], last["error"])
    assert "loss" not in record


def test_a_loss_that_is_not_a_number_is_null(tmp_path: Path) -> None:
    (record,) = run_toy(Results(tmp_path), [0])
    assert {point["loss"] for point in record["curve"]} == {None}


def test_finished_runs_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = Results(tmp_path)
    first = run_toy(results, [0, 1])
    trained: list[tuple[int, ...]] = []
    advance = ToyTraining.advance

    def recording_advance(self: ToyTraining) -> int:
        trained.append(self.seeds)
        return advance(self)

    monkeypatch.setattr(ToyTraining, "advance", recording_advance)
    seen: list[int] = []
    assert run_toy(results, [0, 1], progress=seen.append) == first
    assert trained == []
    assert sum(seen) == CONFIG.steps
    assert run_toy(results, [1, 2])[0] == first[1]
    assert set(trained) == {(2,)}
    assert len(results.read()) == 3


def test_a_stopped_run_ends_as_if_never_stopped(tmp_path: Path) -> None:
    straight = run_toy(Results(tmp_path / "straight"), [0, 1])
    results, calls = Results(tmp_path / "stopped"), 0

    def stop_in_the_middle(steps: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:  # The first call says that there is something to do.
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_toy(results, [0, 1], progress=stop_in_the_middle, checkpoint_seconds=0.0)
    assert results.read() == []
    assert len(list((results.folder / CHECKPOINTS).iterdir())) == 1
    seen: list[int] = []
    resumed = run_toy(results, [0, 1], progress=seen.append)
    assert seen == [0, 2, 1, 1, 1]
    assert resumed == straight
    assert not (results.folder / CHECKPOINTS).exists()


def test_a_checkpoint_of_another_kind_of_device_is_named(tmp_path: Path) -> None:
    """Generators of one kind of device cannot go on with the noise of another."""
    results = Results(tmp_path)
    checkpoint = Checkpoint(tmp_path / CHECKPOINTS, CONFIG.key, [0])
    training = ToyTraining(CONFIG, [0], "toy data", DEVICE)
    checkpoint.save({**training.state(), "device": "cuda" if DEVICE.type == "cpu" else "cpu"})
    with pytest.raises(InputError, match=r"was made on c[a-z]+; resume it there, or delete it"):
        run_toy(results, [0])
    checkpoint.save({**training.state(), "device": DEVICE.type})
    assert len(run_toy(results, [0])) == 1
