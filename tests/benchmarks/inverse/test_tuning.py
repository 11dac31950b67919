"""Joint tuning: trials, choice, file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.inverse import tuning
from benchmarks.inverse.config import InverseConfig
from benchmarks.inverse.family import INVERSE
from benchmarks.inverse.tuning import trials_of, tune
from benchmarks.runs.cells import Cell
from benchmarks.runs.errors import InputError
from benchmarks.runs.work import Job
from tests.benchmarks.inverse.settings import LEAST_SQUARES, NEWTON, SMALL


def job(folder: Path, *configs: InverseConfig) -> Job[InverseConfig]:
    cells = [Cell(config) for config in configs]
    return Job(
        family=INVERSE,
        name="quick",
        cells=cells,
        seeds=[100],
        device=torch.device("cpu"),
        data_dir=None,
        out=folder,
    )


def test_trials_are_on_validation_samples() -> None:
    first, second = trials_of([Cell(SMALL), Cell(NEWTON), Cell(LEAST_SQUARES)])
    assert (first.variant.name, second.variant.name) == ("plain", "gauss-newton")
    assert {config.split for config in (*first.configs, *second.configs)} == {"validation"}
    assert first.plain == second.plain == SMALL


def test_what_has_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="none of these cells has a number to choose"):
        trials_of([Cell(LEAST_SQUARES)])


def test_the_best_trial_is_chosen_and_others_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def losses(job: object, configs: list[InverseConfig]) -> dict[str, list[dict[str, object]]]:
        numbers = {"median": 1.0, "clean": 1.0, "parameters": 1.0, "failed": 0.0, "ms": 1.0}
        return {
            config.key: [{"seed": 100, "loss": abs(config.lr - 0.003), **numbers}]
            for config in configs
        }

    monkeypatch.setattr(tuning, "train_all", losses)
    (tmp_path / "chosen.json").write_text(json.dumps({"wave": {"plain": {"lr": 0.5}}}))
    text = tune(job(tmp_path, NEWTON, replace(SMALL, factor=5)))
    assert text.count("← chosen") == 2
    assert (tmp_path / "quick-tuning.txt").exists()
    chosen = json.loads((tmp_path / "chosen.json").read_text())
    assert chosen["wave"] == {"plain": {"lr": 0.5}}
    assert chosen["decay, SNR 100"]["gauss-newton"] == {"lr": 1e-2, "damping": 0.1}
    assert chosen["decay, SNR 100"]["plain, 5x"] == {"lr": 5e-3}
