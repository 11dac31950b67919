"""The command ``python -m benchmarks.shortest_path``, in small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import _runner
from benchmarks._path_training import PathTraining
from benchmarks._terrain import write_terrain
from benchmarks.shortest_path import main

SMALL = ["--maps", "6", "--batch-size", "3", "--evaluation-maps", "4", "--device", "cpu"]


def run(out: Path, *arguments: str, epochs: int = 1) -> int:
    return main([*arguments, *SMALL, "--epochs", str(epochs), "--out", str(out)])


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]


def outcome(out: Path) -> list[dict[str, Any]]:
    found = lines(out)
    for line in found:
        for point in (line, *line["curve"]):
            del point["seconds"]
    return found


def test_the_quick_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--seeds", "0-1") == 0
    printed = capsys.readouterr()
    assert printed.err == ""  # No progress bar where stderr is no terminal.
    assert "Fenchel-Young (σ=0.1, 10 samples), terrain, tiles, 6 maps, 1 epochs" in printed.out
    assert "relaxed Bellman-Ford (for), L2² (β=10)" in printed.out
    for name in ("plain", "NL (Hessian)", "NL (Fisher)", "NL (Gauss-Newton)"):
        assert name in printed.out
    assert "You may conclude" in printed.out
    assert printed.out.count(" ± ") == 2 * 6
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"runs.jsonl", "quick.txt", "quick-1.png", "quick-2.png"}
    before = lines(tmp_path)
    assert [line["seed"] for line in before] == [0, 1] * 6
    for line in before:
        assert line["stacked_seeds"] == 1
        assert "loss" not in line
        assert line["em"] == line["curve"][-1]["em"]
        assert line["ratio"] == line["curve"][-1]["ratio"] >= 1
        assert line["config"]["benchmark"] == "shortest_path"
    # What is there is not run again.
    assert run(tmp_path, "--seeds", "0-2") == 0
    after = lines(tmp_path)
    assert after[: len(before)] == before
    assert [line["seed"] for line in after[len(before) :]] == [2] * 6


def test_one_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = "--loss smoothed-loss --samples 2 --curvature hessian --damping 1 --sigma 0.2 --lr 0.01"
    assert run(tmp_path, *flags.split(), "--seeds", "0,3") == 0
    assert "NL (Hessian), raw, λ=1" in capsys.readouterr().out
    assert len(lines(tmp_path)) == 4
    assert (tmp_path / "cell.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "cells", "tables"), [("table2 --loss for-l2", 3, 1), ("table3 --samples 3", 9, 3)]
)
def test_presets_in_small(tmp_path: Path, flags: str, cells: int, tables: int) -> None:
    assert run(tmp_path, "--preset", *flags.split(), "--seeds", "0", "--network", "tiles") == 0
    assert len(lines(tmp_path)) == cells
    assert len(list(tmp_path.glob("*.png"))) == tables


def test_the_papers_network(tmp_path: Path) -> None:
    flags = "--network resnet --seeds 0 --curvature fisher --samples 2"
    assert run(tmp_path, *flags.split()) == 0
    assert {line["config"]["network"] for line in lines(tmp_path)} == {"resnet"}


def test_warcraft(tmp_path: Path) -> None:
    write_terrain(tmp_path, {"train": 6, "validation": 1, "test": 4})
    flags = ["--data", "warcraft", "--data-dir", str(tmp_path), "--loss", "for-l1", "--seeds", "0"]
    assert run(tmp_path / "out", *flags) == 0
    assert len(lines(tmp_path / "out")) == 1


def test_tuning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--tune", "--seeds", "100", "--curvature", "fisher", "--samples", "2"]
    assert run(tmp_path, *flags) == 0
    printed = capsys.readouterr().out
    assert printed.count("← chosen") == 1
    assert "path cost / best" in printed
    assert {line["config"]["split"] for line in lines(tmp_path)} == {"validation"}
    assert (tmp_path / "cell-tuning.txt").exists()


def test_a_stopped_command_goes_on_and_ends_as_if_never_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = ["--curvature", "hessian", "--seeds", "0-1", "--samples", "3"]
    monkeypatch.setattr("benchmarks._path_training._CHUNK", 1)
    monkeypatch.setitem(_runner.run.__kwdefaults__, "checkpoint_seconds", 0.0)
    assert run(tmp_path / "straight", *flags, epochs=2) == 0
    advance, calls = PathTraining.advance, 0

    def stopping_advance(self: PathTraining) -> int:
        nonlocal calls
        calls += 1
        if calls == 4 + 4 + 4:  # In the first seed of the Newton loss, before its last step.
            raise KeyboardInterrupt
        return advance(self)  # One step of four.

    monkeypatch.setattr(PathTraining, "advance", stopping_advance)
    assert run(tmp_path / "stopped", *flags, epochs=2) == 130
    assert "stopped; the same command goes on" in capsys.readouterr().err
    assert len(lines(tmp_path / "stopped")) == 2
    assert len(list((tmp_path / "stopped" / "checkpoints").iterdir())) == 1
    assert run(tmp_path / "stopped", *flags, epochs=2) == 0
    assert calls == 12 + 1 + 4
    assert not (tmp_path / "stopped" / "checkpoints").exists()
    assert outcome(tmp_path / "stopped") == outcome(tmp_path / "straight")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "--epochs must be at least 1, got 0"),
        (["--epochs", "many"], "'--epochs'"),
        (["--sigma", "0"], "--sigma must be finite and above 0, got 0"),
        (["--samples", "0"], "--samples must be at least 1, got 0"),
        (["--curvature", "fisher", "--damping", "-1"], "--damping must be finite and at least 0"),
        (["--curvature", "gauss-newton"], "fenchel-young has no inner algorithm"),
        (["--loss", "l3"], "--loss must be one of"),
        (["--preset", "table1"], "--preset must be one of"),
        (["--seeds", "3-1"], "--seeds must name"),
        (["--device", "tpu"], "--device must be one of"),
        (["--data", "warcraft"], "--data warcraft needs --data-dir"),
        (["--data", "warcraft", "--data-dir", "nowhere"], "10.17617/3.YJCQ5S"),
        (["--no-such-flag"], "No such option"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("benchmarks.shortest_path: ")
    assert printed.err.count("\n") == 1
    assert message in printed.err
    assert list(tmp_path.iterdir()) == []


def test_as_a_module() -> None:
    command = [sys.executable, "-m", "benchmarks.shortest_path", "--help"]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    for flag in (
        "--preset",
        "--loss",
        "--curvature",
        "--damping",
        "--samples",
        "--sigma",
        "--tune",
    ):
        assert flag in finished.stdout
