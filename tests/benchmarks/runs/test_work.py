"""The work of a job, shared between processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.runs import work as work_module
from benchmarks.runs.cells import Cell
from benchmarks.runs.locks import hold
from benchmarks.runs.progress import LineProgress
from benchmarks.runs.results import Results
from benchmarks.runs.shard import Shard
from benchmarks.runs.work import Job, train_all, units_of
from tests.benchmarks.runs.toy import BASE, TOY, ToyConfig, ToyTraining
from tests.settings import DEVICE

CONFIGS = [replace(BASE, lr=rate) for rate in (0.1, 0.2, 0.3)]


def job(out: Path, **changes: Any) -> Job[ToyConfig]:
    one = Job(
        family=TOY,
        name="toys",
        cells=[Cell(config) for config in CONFIGS],
        seeds=(0, 1),
        device=DEVICE,
        data_dir=None,
        out=out,
    )
    return replace(one, **changes)


def test_seeds_are_trained_together_or_one_by_one(tmp_path: Path) -> None:
    stacked = units_of(job(tmp_path), CONFIGS)
    assert [(unit.config, list(unit.seeds)) for unit in stacked] == [
        (config, [0, 1]) for config in CONFIGS
    ]
    single = units_of(job(tmp_path, family=replace(TOY, stacked=False)), CONFIGS)
    assert [list(unit.seeds) for unit in single] == [[0], [1]] * 3
    assert len({unit.lock for unit in single}) == 6


def test_two_shards_train_every_cell_once(tmp_path: Path) -> None:
    for index in (1, 2):
        train_all(job(tmp_path, shard=Shard(index, 2)), CONFIGS)
    lines = (tmp_path / "runs.jsonl").read_text().splitlines()
    assert len(lines) == 3 * 2
    records = train_all(job(tmp_path), CONFIGS)
    assert (tmp_path / "runs.jsonl").read_text().splitlines() == lines
    assert [len(found) for found in records.values()] == [2, 2, 2]


def test_a_cell_that_another_process_trains_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other two are trained first; then it has its lines and is not trained again."""
    elsewhere, waited, trained = CONFIGS[0], list[bool](), list[ToyConfig]()
    advance = ToyTraining.advance

    def recording_advance(self: ToyTraining) -> int:
        trained.append(self.config)
        return advance(self)

    @contextmanager
    def shared_hold(folder: Path, name: str, *, wait: bool) -> Iterator[bool]:
        if name == elsewhere.key and not wait:
            yield False
            return
        if name == elsewhere.key:
            waited.append(True)
            write_lines(tmp_path, elsewhere, (0, 1))
        with hold(folder, name, wait=wait) as held:
            yield held

    monkeypatch.setattr(work_module, "hold", shared_hold)
    monkeypatch.setattr(ToyTraining, "advance", recording_advance)
    records = train_all(job(tmp_path), CONFIGS)
    assert waited == [True]
    assert set(trained) == set(CONFIGS[1:])
    assert [len(found) for found in records.values()] == [2, 2, 2]


def write_lines(folder: Path, config: ToyConfig, seeds: Sequence[int]) -> None:
    line = {"key": config.key, "config": config.asdict(), "score": 0.5, "error": 0.5}
    Results(folder).append([{"seed": seed, **line} for seed in seeds])


@pytest.mark.parametrize("finished", [False, True])
def test_progress_reaches_its_total(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: bool
) -> None:
    """Also where the runs are already there."""
    if finished:
        train_all(job(tmp_path), CONFIGS)
    seen: list[LineProgress] = []

    @contextmanager
    def kept_progress(total: int) -> Iterator[LineProgress]:
        seen.append(LineProgress(total))
        yield seen[0]

    monkeypatch.setattr(work_module, "show_progress", kept_progress)
    train_all(job(tmp_path), CONFIGS)
    assert seen[0].done == seen[0].total == 3 * BASE.steps
    assert seen[0]._text == "none, rate 0.3"
