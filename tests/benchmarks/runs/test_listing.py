"""``--list``: what is done, and the time that is left."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.runs.cells import Cell
from benchmarks.runs.listing import list_cells
from benchmarks.runs.results import Results
from benchmarks.runs.runner import run
from benchmarks.runs.shard import Shard
from benchmarks.runs.work import Job
from tests.benchmarks.runs.toy import BASE, TOY, ToyConfig, ToyTraining
from tests.settings import DEVICE

FISHER = replace(BASE, curvature="fisher", damping=1.0)
OTHER = replace(FISHER, damping=2.0, steps=10)
CONFIGS = [BASE, FISHER, OTHER]


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


def entries(one: Job[ToyConfig]) -> list[dict[str, Any]]:
    lines = list_cells(one, CONFIGS, as_json=True).splitlines()
    return [json.loads(line) for line in lines]


def test_nothing_is_known_of_an_empty_folder_and_nothing_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert entries(job(out)) == [
        {"config": config.asdict(), "seeds": [0, 1], "done": False, "seconds_left": None}
        for config in CONFIGS
    ]
    assert not out.exists()


def test_finished_runs_are_done_and_tell_the_time_of_those_like_them(tmp_path: Path) -> None:
    results = Results(tmp_path)
    run(TOY, BASE, [0, 1], "toy data", DEVICE, results)
    run(TOY, FISHER, [0], "toy data", DEVICE, results)
    plain, fisher, other = entries(job(tmp_path))
    assert (plain["done"], plain["seconds_left"]) == (True, 0.0)
    # A step takes 0.25 s of however many seeds; here one was trained alone.
    assert (fisher["done"], fisher["seconds_left"]) == (False, 3 * 0.25)
    assert other["seconds_left"] == pytest.approx(10 * 2 * 0.25)


def test_a_checkpoint_tells_the_time_too(tmp_path: Path) -> None:
    def stop(steps: int) -> None:
        if steps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(
            TOY,
            BASE,
            [0, 1],
            "toy data",
            DEVICE,
            Results(tmp_path),
            progress=stop,
            checkpoint_seconds=0.0,
        )
    plain = entries(job(tmp_path))[0]
    assert (plain["done"], plain["seconds_left"]) == (False, 2 * 0.25)


@pytest.mark.parametrize("stacked", [True, False])
def test_a_cell_is_one_line_however_its_seeds_are_trained(tmp_path: Path, stacked: bool) -> None:
    found = entries(job(tmp_path, family=replace(TOY, stacked=stacked)))
    assert [entry["seeds"] for entry in found] == [[0, 1]] * 3


def test_a_shard_lists_its_part(tmp_path: Path) -> None:
    found = entries(job(tmp_path, shard=Shard(2, 2)))
    assert [entry["config"] for entry in found] == [FISHER.asdict()]


def test_the_table_says_what_the_lines_say(tmp_path: Path) -> None:
    unknown = list_cells(job(tmp_path), CONFIGS, as_json=False)
    assert unknown.startswith("3 cells; left where it can be estimated: ?\n")
    run(TOY, BASE, [0, 1], "toy data", DEVICE, Results(tmp_path))
    text = list_cells(job(tmp_path), CONFIGS, as_json=False)
    assert text.startswith("3 cells; left where it can be estimated: 0 s\n")
    plain, fisher = text.splitlines()[4:6]
    assert plain.split() == ["round,", "3", "steps:", "none", "2", "yes", "0", "s"]
    assert fisher.split()[-3:] == ["2", "no", "?"]


def test_where_nothing_has_run_ten_steps_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for all cells that take as long; what has run is not measured."""
    measured: list[tuple[tuple[int, ...], int]] = []

    def seconds_per_step(self: ToyTraining, steps: int) -> float:
        measured.append((self.seeds, steps))
        return 0.5

    monkeypatch.setattr(ToyTraining, "seconds_per_step", seconds_per_step)
    run(TOY, BASE, [0, 1], "toy data", DEVICE, Results(tmp_path))
    lines = list_cells(job(tmp_path), CONFIGS, as_json=True, measure=True).splitlines()
    found = [json.loads(line)["seconds_left"] for line in lines]
    # A step takes 0.5 s of both seeds together.
    assert found == [0.0, 3 * 0.5, 10 * 0.5]
    assert measured == [((0, 1), 1), ((0, 1), 10)]
