"""A job, from its cells to its files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.runs.cells import Cell
from benchmarks.runs.errors import InputError
from benchmarks.runs.job import configs_of, run_job
from benchmarks.runs.results import Results
from benchmarks.runs.shard import Shard
from benchmarks.runs.work import Job
from tests.benchmarks.commands import visible
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


def test_rows_are_compared_with_the_first_of_their_table(tmp_path: Path) -> None:
    text = run_job(job(tmp_path, Cell(BASE), Cell(replace(FISHER, lr=0.01))), tune=False)
    assert text.startswith("round, 3 steps, 2 seeds\n")
    rows = [line.partition("  ")[0] for line in text.splitlines()[4:6]]
    assert rows == ["none", "fisher, λ=1, rate 0.01"]
    assert visible(tmp_path) == {"runs.jsonl", "toys.txt", "toys.png"}


def test_every_title_is_a_table(tmp_path: Path) -> None:
    square = replace(BASE, shape="square")
    text = run_job(job(tmp_path, Cell(BASE), Cell(square), Cell(FISHER)), tune=False)
    assert text.index("round, 3 steps") < text.index("square, 3 steps")
    assert visible(tmp_path) == {"runs.jsonl", "toys.txt", "toys-1.png", "toys-2.png"}


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
    tables, _, file = text.rpartition("\n\n")
    assert (tmp_path / "toys-tuning.txt").read_text() == tables + "\n"
    assert file == f"In {tmp_path / 'chosen.json'}, which --lambda own reads"
    assert visible(tmp_path) == {"runs.jsonl", "toys-tuning.txt", "chosen.json"}
    configs = [record["config"] for record in Results(tmp_path).read()]
    assert [config["damping"] for config in configs] == [0.1, 10.0]
    assert {config["split"] for config in configs} == {"validation"}


def test_there_must_be_something_to_tune(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of these cells has a number to choose"):
        configs_of(job(tmp_path, Cell(BASE)), tune=True)


def test_a_shard_makes_no_tables(tmp_path: Path) -> None:
    cells = Cell(BASE), Cell(FISHER), Cell(replace(FISHER, damping=2.0))
    text = run_job(job(tmp_path, *cells, shard=Shard(1, 2)), tune=False)
    assert text.startswith("Shard 1/2: 4 runs in ")
    assert f"python -m benchmarks.report --results {tmp_path}" in text
    assert visible(tmp_path) == {"runs.jsonl"}
    assert {record["key"] for record in Results(tmp_path).read()} == {
        BASE.key,
        replace(FISHER, damping=2.0).key,
    }


def test_notes_are_below_the_tables(tmp_path: Path) -> None:
    text = run_job(job(tmp_path, Cell(BASE), notes=["Changed: the colour"]), tune=False)
    assert "\n\nChanged: the colour\n\nNothing may be concluded" in text
