"""The command ``python -m benchmarks.shortest_path``, in small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.runs import runner
from benchmarks.shortest_path.command import main
from benchmarks.shortest_path.terrain import write_terrain
from benchmarks.shortest_path.training import PathTraining
from tests.benchmarks.commands import assert_refused, lines_of, visible

SMALL = ["--maps", "6", "--batch-size", "3", "--evaluation-maps", "4", "--device", "cpu"]


def run(out: Path, *arguments: str, epochs: int = 1) -> int:
    return main([*arguments, *SMALL, "--epochs", str(epochs), "--out", str(out)])


def outcome(out: Path) -> list[dict[str, Any]]:
    found = lines_of(out)
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
    assert visible(tmp_path) == {"runs.jsonl", "quick.txt", "quick-1.png", "quick-2.png"}
    before = lines_of(tmp_path)
    assert [line["seed"] for line in before] == [0, 1] * 6
    for line in before:
        assert line["stacked_seeds"] == 1
        assert "loss" not in line
        assert line["em"] == line["curve"][-1]["em"]
        assert line["ratio"] == line["curve"][-1]["ratio"] >= 1
        assert line["config"]["benchmark"] == "shortest_path"
    # Runs with a line are not run again.
    assert run(tmp_path, "--seeds", "0-2") == 0
    after = lines_of(tmp_path)
    assert after[: len(before)] == before
    assert [line["seed"] for line in after[len(before) :]] == [2] * 6


def test_one_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = "--loss smoothed-loss --samples 2 --curvature hessian --damping 1 --sigma 0.2 --lr 0.01"
    assert run(tmp_path, *flags.split(), "--seeds", "0,3") == 0
    assert "NL (Hessian), raw, λ=1" in capsys.readouterr().out
    assert len(lines_of(tmp_path)) == 4
    assert (tmp_path / "cell.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "cells", "tables"),
    [
        ("table2 --loss for-l2 --curvature none,fisher,gauss-newton", 3, 1),
        ("table3 --samples 3", 8, 3),
    ],
)
def test_presets_in_small(tmp_path: Path, flags: str, cells: int, tables: int) -> None:
    size = ["--seeds", "0", "--network", "tiles", "--data", "terrain"]
    assert run(tmp_path, "--preset", *flags.split(), *size) == 0
    assert len(lines_of(tmp_path)) == cells
    assert len(list(tmp_path.glob("*.png"))) == tables


def test_the_papers_network(tmp_path: Path) -> None:
    flags = "--network resnet --seeds 0 --curvature fisher --samples 2"
    assert run(tmp_path, *flags.split()) == 0
    assert {line["config"]["network"] for line in lines_of(tmp_path)} == {"resnet"}


def test_warcraft(tmp_path: Path) -> None:
    write_terrain(tmp_path, {"train": 6, "validation": 1, "test": 4})
    flags = ["--data", "warcraft", "--data-dir", str(tmp_path), "--loss", "for-l1", "--seeds", "0"]
    assert run(tmp_path / "out", *flags) == 0
    assert len(lines_of(tmp_path / "out")) == 1


def test_tuning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--tune", "--seeds", "100", "--curvature", "fisher", "--samples", "2"]
    assert run(tmp_path, *flags) == 0
    printed = capsys.readouterr().out
    assert printed.count("← chosen") == 1
    assert "path cost / best" in printed
    assert {line["config"]["split"] for line in lines_of(tmp_path)} == {"validation"}
    assert (tmp_path / "cell-tuning.txt").exists()


def test_a_stopped_command_resumes_and_ends_as_if_never_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = ["--curvature", "hessian", "--seeds", "0-1", "--samples", "3"]
    monkeypatch.setattr("benchmarks.shortest_path.training._STEPS_PER_CHUNK", 1)
    monkeypatch.setitem(runner.run.__kwdefaults__, "checkpoint_seconds", 0.0)
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
    assert "run the same command again to resume" in capsys.readouterr().err
    assert len(lines_of(tmp_path / "stopped")) == 2
    assert len(list((tmp_path / "stopped" / "checkpoints").iterdir())) == 1
    assert run(tmp_path / "stopped", *flags, epochs=2) == 0
    assert calls == 12 + 1 + 4
    assert not (tmp_path / "stopped" / "checkpoints").exists()
    assert outcome(tmp_path / "stopped") == outcome(tmp_path / "straight")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "--epochs must be at least 1, got 0"),
        (["--sigma", "0"], "--sigma must be finite and above 0, got 0"),
        (["--samples", "0"], "--samples must be at least 1, got 0"),
        (["--curvature", "gauss-newton"], "got fenchel-young"),
        (["--preset", "table2", "--samples", "3"], "--preset table2 has no cell of --samples 3"),
        (["--data", "warcraft"], "--data warcraft needs --data-dir"),
        (["--preset", "table3"], "doi 10.17617/3.YJCQ5S; --data terrain makes maps"),
        (["--data", "warcraft", "--data-dir", "nowhere"], "10.17617/3.YJCQ5S"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert_refused(main, [*arguments, "--out", str(tmp_path / "out")], message, capsys)
    assert list(tmp_path.iterdir()) == []
