"""The command ``python -m benchmarks.sorting``, in small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.runs import runner
from benchmarks.sorting.command import main
from benchmarks.sorting.training import SortingTraining
from tests.benchmarks.commands import assert_refused, lines_of, visible
from tests.benchmarks.sorting.test_mnist import small_mnist
from tests.settings import DEVICE

SMALL = ["--steps", "2", "--batch-size", "3", "--evaluation-sets", "5", "--device", "cpu"]


def run(out: Path, *arguments: str) -> int:
    return main([*arguments, *SMALL, "--out", str(out)])


def test_the_main_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--seeds", "0-1") == 0
    printed = capsys.readouterr()
    assert printed.err == ""  # No progress bar where stderr is no terminal.
    assert "SoftSort (τ=0.1), n=5, digits, 2 steps of 3 sets, 2 seeds" in printed.out
    assert "You may conclude" in printed.out
    assert printed.out.count(" ± ") == 4 * 8
    assert visible(tmp_path) == {"runs.jsonl", "main.txt", "main.png"}
    assert (tmp_path / "main.txt").read_text() in printed.out + "\n"
    before = lines_of(tmp_path)
    assert len(before) == 8 * 2
    assert run(tmp_path, "--seeds", "0-2") == 0
    after = lines_of(tmp_path)
    assert after[: len(before)] == before
    assert [line["seed"] for line in after[len(before) :]] == [2] * 8


def test_two_shards_train_each_cell_of_a_preset_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--preset", "table1", "--data", "digits", "--n", "5", "--seeds", "0-1"]
    flags += ["--operator", "softsort,neuralsort"]
    for shard in ("1/2", "2/2"):
        assert run(tmp_path, *flags, "--shard", shard) == 0
        assert f"Shard {shard}: 6 runs" in capsys.readouterr().out
    lines = lines_of(tmp_path)
    assert len({(line["key"], line["seed"]) for line in lines}) == len(lines) == 6 * 2
    assert run(tmp_path, *flags) == 0
    assert lines_of(tmp_path) == lines
    assert "NL (Fisher)" in capsys.readouterr().out


def test_one_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = "--operator odd_even --n 3 --curvature hessian --damping 1 --loss exact --lr 0.01"
    assert run(tmp_path, *flags.split(), "--seeds", "0,3") == 0
    assert "exact, NL (Hessian), raw, λ=1" in capsys.readouterr().out
    assert len(lines_of(tmp_path)) == 4
    assert (tmp_path / "cell.png").exists()


def test_table1_in_small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--preset", "table1", "--data", "digits", "--seeds", "0") == 0
    assert len(lines_of(tmp_path)) == 24
    changed = "Changed from preset table1: --seeds 0 --data digits --steps 2 --batch-size 3"
    words = set(changed.split())
    (line,) = [one for one in capsys.readouterr().out.splitlines() if one.startswith("Changed")]
    assert words <= set(line.split())
    assert len(list(tmp_path.glob("table1-*.png"))) == 8


def test_mnist(tmp_path: Path) -> None:
    names = ("train_images", "train_labels", "test_images", "test_labels")
    np.savez(tmp_path / "mnist.npz", **dict(zip(names, small_mnist(train=5_010), strict=True)))
    flags = ["--data", "mnist", "--data-dir", str(tmp_path), "--seeds", "0", "--n", "3"]
    assert run(tmp_path / "out", *flags, "--curvature", "fisher") == 0
    assert len(lines_of(tmp_path / "out")) == 2


def test_tuning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--tune", "--seeds", "100", "--curvature", "fisher", "--n", "3"]
    assert run(tmp_path, *flags) == 0
    assert capsys.readouterr().out.count("← chosen") == 1
    assert {line["config"]["split"] for line in lines_of(tmp_path)} == {"validation"}
    assert (tmp_path / "cell-tuning.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "0"], "--steps must be at least 1, got 0"),
        (["--operator", "bubble"], "--operator must be one of"),
        (["--operator", "bitonic", "--n", "6"], "--n must be a power of 2"),
        (["--preset", "table1", "--clip", "1"], "--clip applies to no cell of --preset table1"),
        (["--data", "mnist"], "--data mnist needs --data-dir"),
        (["--data", "mnist", "--data-dir", "nowhere"], "nowhere is not a folder"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert_refused(main, [*arguments, "--out", str(tmp_path / "out")], message, capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(DEVICE.type != "cpu", reason="bit for bit on the CPU")
def test_a_stopped_command_resumes_and_ends_as_if_never_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = ["--curvature", "fisher", "--damping", "1", "--seeds", "0-1"]
    monkeypatch.setattr("benchmarks.sorting.training.CHUNK", 1)
    monkeypatch.setitem(runner.run.__kwdefaults__, "checkpoint_seconds", 0.0)
    assert run(tmp_path / "straight", *flags) == 0
    advance, calls = SortingTraining.advance, 0

    def stopping_advance(self: SortingTraining) -> int:
        nonlocal calls
        calls += 1
        if calls == 2 + 2:  # Before the last step of the Newton loss.
            raise KeyboardInterrupt
        return advance(self)

    monkeypatch.setattr(SortingTraining, "advance", stopping_advance)
    assert run(tmp_path / "stopped", *flags) == 130
    assert "run the same command again to resume" in capsys.readouterr().err
    assert len(lines_of(tmp_path / "stopped")) == 2
    torch.manual_seed(99)  # The global stream has no part in it.
    assert run(tmp_path / "stopped", *flags) == 0
    assert calls == 4 + 1
    assert untimed(tmp_path / "stopped") == untimed(tmp_path / "straight")


def untimed(out: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines_of(out)]
