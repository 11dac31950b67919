"""A job, from its cells to its files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import _job
from benchmarks._config import Config
from benchmarks._job import CONCLUSION, Job, run_job
from benchmarks._presets import Cell, group_name
from benchmarks._results import Results
from tests.settings import DEVICE

PLAIN = Config(n=3, steps=2, batch_size=2, evaluation_sets=5)
FISHER = replace(PLAIN, curvature="fisher", damping=1.0)


def job(out: Path, *cells: Cell, seeds: tuple[int, ...] = (0, 1)) -> Job:
    return Job("small", cells, seeds, DEVICE, None, out)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_is_printed_is_what_is_written(tmp_path: Path) -> None:
    text = run_job(job(tmp_path, Cell(PLAIN), Cell(replace(FISHER, lr=0.01))), tune=False)
    table, _, files = text.rpartition("\n\n")
    assert (tmp_path / "small.txt").read_text() == table + "\n"
    assert table.startswith(f"{group_name(PLAIN)}, 2 seeds")
    assert table.endswith(CONCLUSION)
    assert files == f"In {tmp_path}: runs.jsonl, small.txt, small.png"
    assert names(tmp_path) == {"runs.jsonl", "small.txt", "small.png"}
    # A row is compared with the first one of its table.
    rows = [line for line in table.splitlines() if line.startswith("probability, ")]
    assert [row.partition("  ")[0] for row in rows] == [
        "probability, plain",
        "probability, NL (Fisher), λ=1, rate 0.01",
    ]


def test_every_table_has_its_own_figure(tmp_path: Path) -> None:
    other = replace(PLAIN, n=2)
    text = run_job(job(tmp_path, Cell(PLAIN), Cell(other), Cell(FISHER)), tune=False)
    assert text.index(group_name(PLAIN)) < text.index(group_name(other))
    assert names(tmp_path) == {"runs.jsonl", "small.txt", "small-1.png", "small-2.png"}


def test_tuning_trains_the_candidates_on_validation_digits_alone(tmp_path: Path) -> None:
    tuned = Cell(FISHER, "damping", (0.1, 10.0))
    text = run_job(job(tmp_path, Cell(PLAIN), tuned, seeds=(100,)), tune=True)
    assert (tmp_path / "small-tuning.txt").read_text() == text + "\n"
    assert names(tmp_path) == {"runs.jsonl", "small-tuning.txt"}
    configs = [record["config"] for record in Results(tmp_path).read()]
    assert [config["damping"] for config in configs] == [0.1, 10.0]
    assert {config["split"] for config in configs} == {"validation"}


@pytest.mark.parametrize("finished", [False, True])
def test_progress_reaches_its_total(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: bool
) -> None:
    """Also where the runs are already there."""
    cells = Cell(PLAIN), Cell(FISHER)
    if finished:
        run_job(job(tmp_path, *cells), tune=False)
    seen: list[Any] = []
    progress = _job._progress

    def kept_progress() -> Any:
        seen.append(progress())
        return seen[-1]

    monkeypatch.setattr(_job, "_progress", kept_progress)
    run_job(job(tmp_path, *cells), tune=False)
    (task,) = seen[0].tasks
    assert task.completed == task.total == PLAIN.steps + FISHER.steps
    assert task.description == "probability, NL (Fisher), λ=1"
