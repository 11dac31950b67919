"""The command ``python -m benchmarks.inverse``, in small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from benchmarks.inverse.command import main
from tests.benchmarks.commands import assert_refused, lines_of, visible

SMALL = ["--steps", "2", "--batch-size", "3", "--evaluation-samples", "4", "--width", "4"]


def run(out: Path, *arguments: str) -> int:
    return main([*arguments, *SMALL, "--out", str(out)])


def test_the_quick_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    threads = torch.get_num_threads()
    assert run(tmp_path, "--seeds", "0") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    for title in ("IVIM", "planar arm", "damped oscillator"):
        assert title in printed.out
    for name in ("Hessian, sample", "Fisher, batch", "Gauss-Newton, batch", "Levenberg-Marquardt"):
        assert f"NL ({name}" in printed.out
    assert "least squares, per sample" in printed.out
    pictures = {f"quick-{number}.png" for number in (1, 2, 3)}
    assert visible(tmp_path) == {"runs.jsonl", "quick.txt"} | pictures
    before = lines_of(tmp_path)
    assert len(before) == 37
    assert all(line["threads"] == 1 for line in before)
    assert torch.get_num_threads() == threads
    assert run(tmp_path, "--seeds", "0") == 0
    assert lines_of(tmp_path) == before


def test_one_cell_and_its_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--data", "decay", "--curvature", "gauss-newton", "--seeds", "0-1") == 0
    assert "NL (Gauss-Newton, sample)" in capsys.readouterr().out
    assert main(["--preset", "comparison", "--out", str(tmp_path)]) == 0
    assert "p (Holm)" in capsys.readouterr().out
    assert (tmp_path / "comparison.txt").exists()


def test_tuning_writes_numbers_that_own_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    select = ["--preset", "quick", "--data", "planar-arm", "--curvature", "gauss-newton"]
    assert run(tmp_path, *select, "--tune") == 0
    assert "← chosen" in capsys.readouterr().out
    assert len(lines_of(tmp_path)) == 24
    chosen = json.loads((tmp_path / "chosen.json").read_text())
    names = ["gauss-newton, batch", "gauss-newton", "gauss-newton, shared"]
    names.append("gauss-newton, bounded")
    assert list(chosen["planar-arm"]) == names
    assert run(tmp_path, *select, "--lambda", "own", "--seeds", "0") == 0
    lines = lines_of(tmp_path)[24:]
    assert [line["config"]["lr"] for line in lines] == [
        chosen["planar-arm"][name]["lr"] for name in names
    ]
    assert run(tmp_path, *select, "--tune", "--list") == 0
    assert "24 cells" in capsys.readouterr().out


def test_a_shard_of_the_trials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    select = ["--preset", "quick", "--data", "planar-arm", "--curvature", "gauss-newton"]
    assert run(tmp_path, *select, "--tune", "--shard", "1/4") == 0
    assert "Shard 1/4 of the trials is done" in capsys.readouterr().out
    assert len(lines_of(tmp_path)) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lambda", "own"], "run --tune first"),
        (["--tune", "--lambda", "own"], "give one of them"),
        (["--tune", "--json"], "--json goes with --list"),
        (["--lambda", "mine"], "--lambda must be one of preset, own"),
        (["--preset", "comparison"], "has no plain runs"),
        (["--preset", "comparison", "--tune"], "trains nothing"),
        (["--preset", "quick", "--data", "wave"], "--preset quick has no cell of --data wave"),
        (["--data", "wave", "--loss", "prior"], "--loss prior needs noise"),
    ],
)
def test_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert_refused(main, [*arguments, "--out", str(tmp_path)], message, capsys)
