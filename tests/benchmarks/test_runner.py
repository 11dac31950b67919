"""Skipping what is finished, and stopping and going on bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks._config import Config
from benchmarks._data import Digits
from benchmarks._errors import InputError
from benchmarks._results import Record, Results
from benchmarks._runner import CHECKPOINTS, run, select_device
from benchmarks._training import CHUNK, Training
from tests.settings import DEVICE

CONFIG = Config(steps=2 * CHUNK + 5, batch_size=2, evaluation_sets=20)
TIMES = {"seconds"}


def outcome(records: list[Record]) -> list[dict[str, Any]]:
    return [{k: v for k, v in record.items() if k not in TIMES} for record in records]


def test_lines_say_where_and_how_they_were_made(
    tmp_path: Path, digits: Mapping[str, Digits]
) -> None:
    config = replace(CONFIG, steps=2)
    records = run(config, [4, 2], digits, DEVICE, Results(tmp_path))
    assert [record["seed"] for record in records] == [4, 2]
    for record in records:
        assert record["key"] == config.key
        assert Config(**record["config"]) == config
        assert record["torch"] == torch.__version__
        assert record["threads"] == torch.get_num_threads()
        assert record["seconds"] > 0
        assert record["stacked_seeds"] == 2
        assert record["device"]
        assert record["em"] == record["curve"][-1]["em"]


def test_finished_runs_are_skipped(
    tmp_path: Path, digits: Mapping[str, Digits], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, results = replace(CONFIG, steps=2), Results(tmp_path)
    first = run(config, [0, 1], digits, DEVICE, results)
    trained: list[tuple[int, ...]] = []
    advance = Training.advance

    def recording_advance(self: Training) -> int:
        trained.append(self.seeds)
        return advance(self)

    monkeypatch.setattr(Training, "advance", recording_advance)
    told: list[int] = []
    assert run(config, [0, 1], digits, DEVICE, results, progress=told.append) == first
    assert trained == []
    assert sum(told) == config.steps
    assert run(config, [1, 2], digits, DEVICE, results)[0] == first[1]
    assert trained == [(2,)]
    assert len(results.read()) == 3


@pytest.mark.skipif(DEVICE.type != "cpu", reason="bit for bit on the CPU")
def test_a_stopped_run_ends_as_if_never_stopped(
    tmp_path: Path, digits: Mapping[str, Digits], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, curvature="fisher", damping=1.0)
    straight = run(config, [0, 1], digits, DEVICE, Results(tmp_path / "straight"))
    results = Results(tmp_path / "stopped")
    calls = 0

    def stop_after_two(steps: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:  # The first call tells that there is something to do.
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(
            config,
            [0, 1],
            digits,
            DEVICE,
            results,
            progress=stop_after_two,
            checkpoint_seconds=0.0,
        )
    assert results.read() == []
    assert len(list((results.folder / CHECKPOINTS).iterdir())) == 1
    torch.manual_seed(99)  # The global stream has no part in it.
    chunks: list[int] = []
    resumed = run(config, [0, 1], digits, DEVICE, results, progress=chunks.append)
    assert chunks == [0, CHUNK, CHUNK, 5]
    assert outcome(resumed) == outcome(straight)
    assert not (results.folder / CHECKPOINTS).exists()


def test_a_loss_that_is_no_number_is_null(
    tmp_path: Path, digits: Mapping[str, Digits], monkeypatch: pytest.MonkeyPatch
) -> None:
    one_step = Training._one_step

    def spoilt(self: Training) -> None:
        one_step(self)
        self._loss_sum.fill_(float("nan"))

    monkeypatch.setattr(Training, "_one_step", spoilt)
    (record,) = run(replace(CONFIG, steps=1), [0], digits, DEVICE, Results(tmp_path))
    assert record["curve"][-1]["loss"] is None


def test_devices() -> None:
    assert select_device("cpu") == torch.device("cpu")
    assert select_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(InputError, match="--device must be one of"):
        select_device("tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_cuda_where_there_is_none_is_named() -> None:
    with pytest.raises(InputError, match="--device cuda: this machine"):
        select_device("cuda")
