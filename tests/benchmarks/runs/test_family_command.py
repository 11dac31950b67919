"""What the command of a family runs, by its flags."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.runs.errors import InputError
from benchmarks.runs.family_command import run_family
from benchmarks.runs.results import Results
from tests.benchmarks.commands import visible
from tests.benchmarks.runs.toy import TOY

SHARED = {
    "preset": None,
    "scale": None,
    "seeds": None,
    "data_dir": None,
    "device": "cpu",
    "numbers": "preset",
    "tune": False,
    "listing": False,
    "measure": False,
    "json": False,
    "shard": None,
}


@pytest.mark.parametrize(
    ("flags", "files", "seeds"),
    [
        ({}, {"small.txt", "small.png"}, {0, 1}),
        ({"steps": 2, "seeds": "7"}, {"small.txt", "small.png"}, {7}),
        ({"curvature": "fisher"}, {"cell.txt", "cell.png"}, {0, 1}),
        (
            {"preset": "large", "steps": 2},
            {"large.txt", "large-1.png", "large-2.png"},
            set(range(10)),
        ),
        ({"tune": True}, {"small-tuning.txt", "chosen.json"}, {100, 101}),
    ],
)
def test_files_and_seeds(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: dict[str, Any],
    files: set[str],
    seeds: set[int],
) -> None:
    run_family(TOY, {**SHARED, "out": tmp_path, **flags})
    assert visible(tmp_path) == {"runs.jsonl", *files}
    assert {record["seed"] for record in Results(tmp_path).read()} == seeds
    (text,) = (path.read_text() for path in tmp_path.glob("*.txt"))
    assert text.strip() in capsys.readouterr().out


def test_own_numbers_are_those_that_tuning_chose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = {**SHARED, "out": tmp_path}
    with pytest.raises(InputError, match=r"--lambda own: .* has no damping"):
        run_family(TOY, {**flags, "numbers": "own"})
    run_family(TOY, {**flags, "tune": True})
    run_family(TOY, {**flags, "numbers": "own"})
    assert "our own choice (--lambda own)" in capsys.readouterr().out
    # All candidates walk alike, so the first one is chosen; the preset has 1.
    tested = [one["config"] for one in Results(tmp_path).read() if one["config"]["split"] == "test"]
    assert {one["damping"] for one in tested} == {None, 0.001}


def test_a_list_trains_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    run_family(TOY, {**SHARED, "out": out, "listing": True, "json": True})
    assert [json.loads(line)["done"] for line in capsys.readouterr().out.splitlines()] == [
        False,
        False,
    ]
    run_family(TOY, {**SHARED, "out": out, "listing": True, "tune": True})
    assert "8 cells" in capsys.readouterr().out
    assert not out.exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"json": True}, "--json goes with --list"),
        ({"numbers": "mine"}, "--lambda must be one of preset, own, got mine"),
        ({"numbers": "own", "tune": True}, "give one of them"),
        ({"shard": "3/2"}, "--shard must be i/k"),
    ],
)
def test_flags_that_do_not_fit_are_named(
    tmp_path: Path, flags: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run_family(TOY, {**SHARED, "out": tmp_path / "out", **flags})
    assert list(tmp_path.iterdir()) == []


def test_a_drawing_trains_nothing_and_takes_no_flags(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = {**SHARED, "preset": "sketch", "out": tmp_path / "out"}
    with pytest.raises(
        InputError, match="--preset sketch trains nothing: give it --out and --device alone"
    ):
        run_family(TOY, {**flags, "lr": 0.5})
    assert list(tmp_path.iterdir()) == []
    run_family(TOY, flags)
    assert capsys.readouterr().out == "a sketch of a toy\n"
    assert visible(tmp_path / "out") == {"sketch.txt"}


def test_a_bad_flag_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--device must be one of"):
        run_family(TOY, {**SHARED, "device": "tpu", "out": tmp_path / "out"})
    assert list(tmp_path.iterdir()) == []


def test_an_out_that_is_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(InputError, match=r"--out: .*file"):
        run_family(TOY, {**SHARED, "out": file})
    assert file.read_text() == "mine"
