"""A job, from its cells to its files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.runs import job as job_module
from benchmarks.runs.cells import Cell
from benchmarks.runs.job import Job, run_job
from benchmarks.runs.results import Results
from tests.benchmarks.runs.toy import BASE, TOY, ToyConfig
from tests.settings import DEVICE

FISHER = replace(BASE, curvature="fisher", damping=1.0)


def job(
    out: Path, *cells: Cell[ToyConfig], seeds: tuple[int, ...] = (0, 1), **changes: Any
) -> Job[ToyConfig]:
    return replace(
        Job(
            family=TOY,
            name="toys",
            cells=cells,
            seeds=seeds,
            device=DEVICE,
            data_dir=None,
            out=out,
        ),
        **changes,
    )


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_rows_are_compared_with_the_first_of_their_table(tmp_path: Path) -> None:
    text = run_job(job(tmp_path, Cell(BASE), Cell(replace(FISHER, lr=0.01))), tune=False)
    assert text.startswith("round, 3 steps, 2 seeds\n")
    rows = [line.partition("  ")[0] for line in text.splitlines()[4:6]]
    assert rows == ["none", "fisher, λ=1, rate 0.01"]
    assert names(tmp_path) == {"runs.jsonl", "toys.txt", "toys.png"}


def test_every_title_is_a_table(tmp_path: Path) -> None:
    square = replace(BASE, shape="square")
    text = run_job(job(tmp_path, Cell(BASE), Cell(square), Cell(FISHER)), tune=False)
    assert text.index("round, 3 steps") < text.index("square, 3 steps")
    assert names(tmp_path) == {"runs.jsonl", "toys.txt", "toys-1.png", "toys-2.png"}


@pytest.mark.parametrize("stacked", [True, False])
def test_seeds_are_trained_together_or_one_by_one(tmp_path: Path, stacked: bool) -> None:
    family = replace(TOY, stacked=stacked)
    run_job(job(tmp_path, Cell(BASE), family=family, seeds=(4, 2)), tune=False)
    records = Results(tmp_path).read()
    assert [record["seed"] for record in records] == [4, 2]
    assert {record["stacked_seeds"] for record in records} == {2 if stacked else 1}


def test_tuning_trains_the_candidates_on_validation_data_alone(tmp_path: Path) -> None:
    tuned = Cell(FISHER, "damping", (0.1, 10.0))
    text = run_job(job(tmp_path, Cell(BASE), tuned, seeds=(100,)), tune=True)
    assert (tmp_path / "toys-tuning.txt").read_text() == text + "\n"
    assert names(tmp_path) == {"runs.jsonl", "toys-tuning.txt"}
    configs = [record["config"] for record in Results(tmp_path).read()]
    assert [config["damping"] for config in configs] == [0.1, 10.0]
    assert {config["split"] for config in configs} == {"validation"}


@pytest.mark.parametrize("finished", [False, True])
def test_progress_reaches_its_total(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: bool
) -> None:
    """Also where the runs are already there."""
    cells = Cell(BASE), Cell(FISHER)
    if finished:
        run_job(job(tmp_path, *cells), tune=False)
    seen: list[Any] = []
    progress = job_module._progress

    def kept_progress() -> Any:
        seen.append(progress())
        return seen[-1]

    monkeypatch.setattr(job_module, "_progress", kept_progress)
    run_job(job(tmp_path, *cells), tune=False)
    (task,) = seen[0].tasks
    assert task.completed == task.total == BASE.steps + FISHER.steps
    assert task.description == "fisher, λ=1"
