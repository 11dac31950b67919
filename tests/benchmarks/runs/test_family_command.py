"""What the command of a family runs, by its flags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.runs.errors import InputError
from benchmarks.runs.family_command import run_family
from benchmarks.runs.results import Results
from tests.benchmarks.runs.toy import TOY

SHARED = {"preset": None, "seeds": None, "data_dir": None, "device": "cpu", "tune": False}


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
        ({"tune": True}, {"small-tuning.txt"}, {100, 101}),
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
    assert {path.name for path in tmp_path.iterdir()} == {"runs.jsonl", *files}
    assert {record["seed"] for record in Results(tmp_path).read()} == seeds
    (text,) = (path.read_text() for path in tmp_path.glob("*.txt"))
    assert text.strip() in capsys.readouterr().out


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
