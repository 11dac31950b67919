"""The command ``python -m benchmarks.sorting``, in small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.sorting import main
from tests.benchmarks.test_mnist import small_mnist

SMALL = ["--steps", "2", "--batch-size", "3", "--evaluation-sets", "5", "--device", "cpu"]


def run(out: Path, *arguments: str) -> int:
    return main([*arguments, *SMALL, "--out", str(out)])


def lines(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]


def test_the_main_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--seeds", "0-1") == 0
    printed = capsys.readouterr()
    assert printed.err == ""  # No progress bar where stderr is no terminal.
    assert "SoftSort (τ=0.1), n=5, digits, 2 steps of 3 sets, 2 seeds" in printed.out
    assert "You may conclude" in printed.out
    assert printed.out.count(" ± ") == 2 * 8
    assert {path.name for path in tmp_path.iterdir()} == {"runs.jsonl", "main.txt", "main.png"}
    assert (tmp_path / "main.txt").read_text() in printed.out + "\n"
    before = lines(tmp_path)
    assert len(before) == 8 * 2
    assert run(tmp_path, "--seeds", "0-2") == 0
    after = lines(tmp_path)
    assert after[: len(before)] == before
    assert [line["seed"] for line in after[len(before) :]] == [2] * 8


def test_one_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = "--operator odd_even --n 3 --curvature hessian --damping 1 --loss exact --lr 0.01"
    assert run(tmp_path, *flags.split(), "--seeds", "0,3") == 0
    assert "exact, NL (Hessian), raw, λ=1" in capsys.readouterr().out
    assert len(lines(tmp_path)) == 4
    assert (tmp_path / "cell.png").exists()


def test_table1_in_small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--preset", "table1", "--data", "digits", "--seeds", "0") == 0
    assert len(lines(tmp_path)) == 24
    assert capsys.readouterr().out.count("probability, plain\n") == 0
    assert len(list(tmp_path.glob("table1-*.png"))) == 8


def test_mnist(tmp_path: Path) -> None:
    names = ("train_images", "train_labels", "test_images", "test_labels")
    np.savez(tmp_path / "mnist.npz", **dict(zip(names, small_mnist(train=5_010), strict=True)))
    flags = ["--data", "mnist", "--data-dir", str(tmp_path), "--seeds", "0", "--n", "3"]
    assert run(tmp_path / "out", *flags, "--curvature", "fisher") == 0
    assert len(lines(tmp_path / "out")) == 2


def test_tuning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--tune", "--seeds", "100", "--curvature", "fisher", "--n", "3"]
    assert run(tmp_path, *flags) == 0
    assert capsys.readouterr().out.count("← chosen") == 1
    assert {line["config"]["split"] for line in lines(tmp_path)} == {"validation"}  # type: ignore[index]
    assert (tmp_path / "cell-tuning.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "0"], "--steps must be at least 1, got 0"),
        (["--steps", "many"], "'--steps'"),
        (["--lr", "nan"], "--lr must be finite and above 0, got nan"),
        (["--curvature", "fisher", "--damping", "-1"], "--damping must be finite and at least 0"),
        (["--operator", "bubble"], "--operator must be one of"),
        (["--operator", "bitonic", "--n", "6"], "--n must be a power of 2"),
        (["--preset", "table9"], "--preset must be one of"),
        (["--seeds", "3-1"], "--seeds must name"),
        (["--device", "tpu"], "--device must be one of"),
        (["--data", "mnist"], "--data mnist needs --data-dir"),
        (["--data", "mnist", "--data-dir", "nowhere"], "nowhere is not a folder"),
        (["--no-such-flag"], "No such option"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("benchmarks.sorting: ")
    assert printed.err.count("\n") == 1
    assert message in printed.err
    assert list(tmp_path.iterdir()) == []


def test_an_out_that_is_a_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    assert run(tmp_path / "file") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"


def test_a_stop_says_that_it_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmarks._runner._train", stop)
    assert run(tmp_path) == 130
    assert capsys.readouterr().err.endswith(
        "benchmarks.sorting: stopped; the same command goes on from here\n"
    )


def test_as_a_module() -> None:
    command = [sys.executable, "-m", "benchmarks.sorting", "--help"]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    for flag in ("--operator", "--n", "--loss", "--curvature", "--damping", "--preset", "--out"):
        assert flag in finished.stdout
